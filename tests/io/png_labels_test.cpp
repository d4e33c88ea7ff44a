#include <vos/io/png_labels.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "../test.hpp"

namespace {

using vos::LabelImage;
using Bytes = std::vector<std::uint8_t>;

/// Any PNG: `samples` are big-endian rows as the format has them, a byte a sample below 16 bit.
Bytes png_of(std::int64_t height, std::int64_t width, int colour, int depth, Bytes samples,
             int interlace = PNG_INTERLACE_NONE) {
  vos::detail::Png png{vos::detail::Png::Way::write};
  std::vector<png_bytep> rows;
  for (std::int64_t y = 0; y < height; ++y)
    rows.push_back(samples.data() + static_cast<std::size_t>(y) * samples.size() / static_cast<std::size_t>(height));
  std::array<png_color, 256> palette{};
  REQUIRE(png.run([&](png_structp p, png_infop info) {
    png_set_write_fn(p, &png, vos::detail::Png::give, nullptr);
    png_set_IHDR(p, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), depth, colour, interlace,
                 0, 0);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(p, info, palette.data(), 1 << depth);
    png_write_info(p, info);
    png_set_packing(p);
    png_write_image(p, rows.data());
    png_write_end(p, nullptr);
  }));
  return png.output;
}

LabelImage decoded(const Bytes& bytes) { return vos::labels_from_png(bytes, "mask.png"); }

std::string refusal(const Bytes& bytes) {
  try {
    decoded(bytes);
  } catch (const vos::Error& e) {
    CHECK(e.parts().where == "mask.png");
    CHECK(!e.parts().mend.empty());
    return e.parts().what;
  }
  return "accepted";
}

int colour_type(const Bytes& png) { return png[25]; }
int bit_depth(const Bytes& png) { return png[24]; }

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("ids survive a label PNG: palette to 255, 16-bit grey beyond") {
    const std::vector<vos::ObjectId> few{0, 1, 2, 254, 255, 7}, many{0, 1, 255, 256, 65535, 7};
    const auto palette = vos::png_from_labels(few, 2, 3, "x"), grey = vos::png_from_labels(many, 3, 2, "x");
    CHECK(colour_type(palette) == PNG_COLOR_TYPE_PALETTE);
    CHECK(bit_depth(palette) == 8);
    CHECK(colour_type(grey) == PNG_COLOR_TYPE_GRAY);
    CHECK(bit_depth(grey) == 16);
    CHECK(decoded(palette) == LabelImage{2, 3, few});
    CHECK(decoded(grey) == LabelImage{3, 2, many});
  }

  TEST_CASE("a written palette is that of DAVIS: 256 colours, no transparency") {
    const auto png = vos::png_from_labels(std::vector<vos::ObjectId>{0, 1}, 1, 2, "x");
    const std::string text{png.begin(), png.end()};
    const auto palette = text.find("PLTE");
    REQUIRE(palette != std::string::npos);
    CHECK(static_cast<unsigned char>(text[palette - 2]) == 3);  // 768 bytes
    CHECK(text.substr(palette + 4, 9) == std::string("\0\0\0\x80\0\0\0\x80\0", 9));
    CHECK(text.find("tRNS") == std::string::npos);
  }

  TEST_CASE("every bit depth gives its values, interlaced or not") {
    for (const int interlace : {PNG_INTERLACE_NONE, PNG_INTERLACE_ADAM7}) {
      for (const int depth : {1, 2, 4, 8}) {
        const auto top = static_cast<std::uint8_t>((1 << depth) - 1);
        Bytes samples(9 * 11);
        std::vector<vos::ObjectId> ids(9 * 11);
        for (std::size_t i = 0; i < samples.size(); ++i)
          ids[i] = samples[i] = static_cast<std::uint8_t>(i * 5 % (top + 1));
        CHECK(decoded(png_of(9, 11, PNG_COLOR_TYPE_PALETTE, depth, samples, interlace)).ids == ids);
        if (depth > 1) CHECK(decoded(png_of(9, 11, PNG_COLOR_TYPE_GRAY, depth, samples, interlace)).ids == ids);
      }
      CHECK(decoded(png_of(1, 3, PNG_COLOR_TYPE_GRAY, 16, {0, 9, 1, 0, 255, 255}, interlace)).ids ==
            std::vector<vos::ObjectId>{9, 256, 65535});
    }
  }

  TEST_CASE("grey with no value but black and white means object 1; a palette's 255 is an object") {
    using Ids = std::vector<vos::ObjectId>;
    CHECK(decoded(png_of(1, 3, PNG_COLOR_TYPE_GRAY, 8, {0, 255, 255})).ids == Ids{0, 1, 1});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 8, {255, 255})).ids == Ids{1, 1});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 16, {0, 0, 255, 255})).ids == Ids{0, 1});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 1, {0, 1})).ids == Ids{0, 1});
    CHECK(decoded(png_of(1, 3, PNG_COLOR_TYPE_GRAY, 8, {0, 255, 1})).ids == Ids{0, 255, 1});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 16, {0, 0, 0, 255})).ids == Ids{0, 255});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY, 8, {0, 0})).ids == Ids{0, 0});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_PALETTE, 8, {0, 255})).ids == Ids{0, 255});
  }

  TEST_CASE("colour and transparency are refused unless they say nothing") {
    using Ids = std::vector<vos::ObjectId>;
    CHECK(refusal(png_of(1, 2, PNG_COLOR_TYPE_RGB, 8, {128, 0, 0, 0, 128, 0})).find("colour picture") !=
          std::string::npos);
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_RGB, 8, {0, 0, 0, 3, 3, 3})).ids == Ids{0, 3});
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_RGB_ALPHA, 8, {0, 0, 0, 255, 255, 255, 255, 255})).ids == Ids{0, 1});
    CHECK(refusal(png_of(1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, {7, 7, 7, 100})).find("transparent") != std::string::npos);
    CHECK(decoded(png_of(1, 2, PNG_COLOR_TYPE_GRAY_ALPHA, 16, {0, 5, 255, 255, 1, 0, 255, 255})).ids == Ids{5, 256});
    CHECK(refusal(png_of(1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, {5, 0})).find("transparent") != std::string::npos);
  }

  TEST_CASE("a label PNG cut anywhere is refused") {
    std::vector<vos::ObjectId> ids(40 * 50);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<vos::ObjectId>(i * i % 250);
    const auto png = vos::png_from_labels(ids, 40, 50, "x");
    for (std::size_t length = 0; length < png.size(); ++length)
      CHECK(refusal({png.begin(), png.begin() + static_cast<std::ptrdiff_t>(length)}) != "accepted");
    auto longer = png;
    longer.push_back(0);
    CHECK(decoded(longer).ids == ids);
  }

  TEST_CASE("a damaged label PNG is refused") {
    std::vector<vos::ObjectId> ids(40 * 50, 3);
    const auto png = vos::png_from_labels(ids, 40, 50, "x");
    int refused = 0;
    for (std::size_t at = 0; at < png.size(); ++at) {
      auto damaged = png;
      damaged[at] ^= 0x10;
      try {
        const auto image = decoded(damaged);  // damage where no id is, as in the palette's name
        CHECK(image.ids == ids);
      } catch (const vos::Error&) {
        ++refused;
      }
    }
    CHECK(refused > 60);
  }

  TEST_CASE("an absurd size is refused before memory is taken") {
    auto png = vos::png_from_labels(std::vector<vos::ObjectId>(4), 2, 2, "x");
    const auto claim = [&](std::uint32_t width, std::uint32_t height) {
      auto claiming = png;
      for (int i = 0; i < 4; ++i) {
        claiming[static_cast<std::size_t>(16 + i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
        claiming[static_cast<std::size_t>(20 + i)] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
      }
      const auto crc = [&] {  // of the header chunk, bit by bit
        std::uint32_t value = 0xFFFFFFFF;
        for (std::size_t i = 12; i < 29; ++i) {
          value ^= claiming[i];
          for (int k = 0; k < 8; ++k) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320 : 0);
        }
        return ~value;
      }();
      for (int i = 0; i < 4; ++i)
        claiming[static_cast<std::size_t>(29 + i)] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
      return refusal(claiming);
    };
    CHECK(claim(2, 2) == "accepted");
    CHECK(claim(8000, 8000).find("cannot hold 8000x8000") != std::string::npos);
    CHECK(claim(60000, 60000) == "a mask of 60000x60000 pixels");
    CHECK(claim(0x7FFFFFFF, 0x7FFFFFFF).find("cannot be read") != std::string::npos);
    CHECK(claim(0, 5).find("cannot be read") != std::string::npos);
  }

  TEST_CASE("what is not a PNG is named for what it is") {
    CHECK(refusal({}) == "the mask file is empty");
    CHECK(refusal({0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0, 0, 0}).find("JPEG") != std::string::npos);
    CHECK(refusal({'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'}) == "the mask is not a PNG file");
  }

  TEST_CASE("ids that no PNG can hold are refused with their own exit code") {
    try {
      vos::png_from_labels(std::vector<vos::ObjectId>{65536}, 1, 1, "x");
      FAIL("accepted");
    } catch (const vos::Error& e) {
      CHECK(e.parts().exit_code == vos::exit_code::too_many_ids);
    }
    CHECK_THROWS_AS(vos::png_from_labels(std::vector<vos::ObjectId>{-1}, 1, 1, "x"), vos::Error);
    CHECK_THROWS_AS(vos::png_from_labels({}, 0, 0, "x"), vos::Error);
    CHECK_THROWS_AS(vos::png_from_labels(std::vector<vos::ObjectId>{1}, 1, 2, "x"), vos::Error);
  }
}
