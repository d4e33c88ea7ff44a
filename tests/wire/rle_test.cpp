#include <vos/wire/rle.hpp>
#include <vos/wire/rle_encode.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "../test.hpp"

namespace {

using vos::Rle;
using Mask = std::vector<std::uint8_t>;

/// A mask of this size, set where `inside(y, x)`.
template <class Inside>
Mask mask_of(std::int64_t height, std::int64_t width, Inside&& inside) {
  Mask mask;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) mask.push_back(inside(y, x) ? 1 : 0);
  return mask;
}

template <class Inside>
std::string text_of(std::int64_t height, std::int64_t width, Inside&& inside) {
  const auto mask = mask_of(height, width, inside);
  const auto rle = vos::rle_from_mask(mask, height, width);
  const auto text = vos::rle_string(rle);
  CHECK(vos::rle_from_string(height, width, text) == rle);
  CHECK(vos::mask_from_rle(rle) == mask);
  return text;
}

/// The plain way: column by column, a pixel at a time.
Rle encoded_slowly(const Mask& mask, std::int64_t height, std::int64_t width) {
  Rle rle{height, width, {0}};
  int colour = 0;
  for (std::int64_t x = 0; x < width; ++x)
    for (std::int64_t y = 0; y < height; ++y) {
      const int here = mask[static_cast<std::size_t>(y * width + x)] != 0 ? 1 : 0;
      if (here != colour) rle.counts.push_back(0);
      colour = here;
      ++rle.counts.back();
    }
  return rle;
}

Mask mask_from_hex(const std::string& hex, std::int64_t pixels) {
  Mask mask;
  for (std::int64_t i = 0; i < pixels; ++i) {
    const int digit = std::stoi(hex.substr(static_cast<std::size_t>(i / 4), 1), nullptr, 16);
    mask.push_back(static_cast<std::uint8_t>(digit >> (3 - i % 4) & 1));
  }
  return mask;
}

std::string refusal(std::int64_t height, std::int64_t width, const std::string& text) {
  try {
    vos::rle_from_string(height, width, text, "frame 7");
  } catch (const vos::Error& e) {
    CHECK(e.parts().where == "frame 7");
    return e.parts().what;
  }
  return "accepted";
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("RLE text is that of the published vectors") {
    const auto nothing = [](auto, auto) { return false; };
    const auto all = [](auto, auto) { return true; };
    CHECK(text_of(3, 4, nothing) == "<");
    CHECK(text_of(3, 4, all) == "0<");
    CHECK(text_of(3, 2, [](auto y, auto x) { return y == 1 || (y == 0 && x == 1); }) == "11110");
    CHECK(text_of(10, 7, [](auto y, auto x) { return y >= 2 && y <= 6 && x >= 1 && x <= 4; }) == "<5500000b0");
    CHECK(text_of(8, 8, [](auto y, auto x) { return y % 2 == 0 && x % 2 == 0; }) ==
          "0110000080H0000080H0000080H000008");
    CHECK(text_of(20, 30, [](auto y, auto x) { return x >= 2 && x <= 11 && y >= 3 && y <= 10; }) ==
          "[18<00000000000000000U;");
    CHECK(text_of(720, 1280, [](auto y, auto x) { return (y == 0 && x == 0) || (y == 719 && x == 1279); }) ==
          "01noSl00");
    CHECK(text_of(480, 854, [](auto y, auto x) { return y >= 100 && y < 200 && x >= 300 && x < 500; }) ==
          "Tg\\4T3l;" + std::string(397, '0') + "ljU5");
    CHECK(text_of(4, 5, [](auto y, auto x) { return y >= 1 && y <= 2 && x >= 1 && x <= 3; }) == "5220003");
    CHECK(text_of(2, 2, all) == "04");
    CHECK(text_of(2, 2, nothing) == "4");
  }

  TEST_CASE("the DAVIS-size vector has the published runs") {
    const auto mask = mask_of(480, 854, [](auto y, auto x) { return y >= 100 && y < 300 && x >= 200 && x < 500; });
    const auto rle = vos::rle_from_mask(mask, 480, 854);
    CHECK(rle.counts.size() == 601);
    CHECK(std::vector<std::uint32_t>(rle.counts.begin(), rle.counts.begin() + 4) ==
          std::vector<std::uint32_t>{96100, 200, 280, 200});
    const auto text = vos::rle_string(rle);
    CHECK(text.size() == 609);
    CHECK(text.substr(0, 11) == "Tkm2X6h8000");
    CHECK(vos::area(rle) == 200 * 300);
    CHECK(vos::box_of(rle) == vos::Box{200, 100, 500, 300});
  }

  TEST_CASE("a polygon's published text is read and written unchanged") {
    CHECK(vos::rle_string(vos::rle_from_string(8, 9, "b0351O00Nh0")) == "b0351O00Nh0");
  }

  TEST_CASE("agrees with pycocotools on 500 masks") {  // see golden/make.py
    std::ifstream in{vos::test::file("wire/golden/rle.txt")};
    int masks = 0;
    for (std::string line; std::getline(in, line);) {
      std::istringstream words{line};
      std::int64_t height = 0, width = 0, both = 0, all = 0;
      double iou = 0;
      Rle rles[2];
      words >> height >> width;
      for (auto& rle : rles) {
        std::string bits, text;
        std::int64_t area = 0;
        vos::Box box;
        words >> bits >> text >> area >> box.x0 >> box.y0 >> box.x1 >> box.y1;
        box.x1 += box.x0;  // pycocotools says width and height
        box.y1 += box.y0;
        const auto mask = mask_from_hex(bits, height * width);
        rle = vos::rle_from_string(height, width, text);
        CHECK(vos::mask_from_rle(rle) == mask);
        CHECK(vos::rle_from_mask(mask, height, width) == rle);
        CHECK(vos::rle_string(rle) == text);
        CHECK(vos::area(rle) == area);
        CHECK(vos::box_of(rle) == (area > 0 ? box : vos::Box{}));
        ++masks;
      }
      words >> both >> all >> iou;
      CHECK(vos::area(vos::intersection(rles[0], rles[1])) == both);
      CHECK(vos::area(vos::union_of(rles[0], rles[1])) == all);
      CHECK(vos::iou(rles[0], rles[1]) == doctest::Approx(iou).epsilon(1e-12));
    }
    CHECK(masks == 500);
  }

  TEST_CASE("the fast encoder agrees with the plain one at every width around its word") {
    std::mt19937 random{3};
    for (std::int64_t width = 1; width <= 70; ++width) {
      const std::int64_t height = 1 + static_cast<std::int64_t>(random() % 40);
      const auto density = random() % 20;
      const auto mask = mask_of(height, width, [&](auto, auto) { return random() % 20 < density; });
      CHECK(vos::rle_from_mask(mask, height, width) == encoded_slowly(mask, height, width));
    }
  }

  TEST_CASE("all objects of a label map in one pass are each object by itself") {
    std::mt19937 random{5};
    for (int round = 0; round < 30; ++round) {
      const std::int64_t height = 1 + static_cast<std::int64_t>(random() % 30),
                         width = 1 + static_cast<std::int64_t>(random() % 60);
      const bool noisy = round % 2 == 0;
      std::vector<vos::ObjectId> labels;
      for (std::int64_t i = 0; i < height * width; ++i)
        labels.push_back(!labels.empty() && !noisy && random() % 8 != 0
                             ? labels.back()
                             : static_cast<vos::ObjectId>(random() % 4) * 1000);
      const auto rles = vos::rles_from_labels(labels, height, width);
      std::int64_t covered = 0;
      for (const auto& [id, rle] : rles) {
        CHECK(id != 0);
        Mask mask;
        for (const auto label : labels) mask.push_back(label == id ? 1 : 0);
        CHECK(rle == encoded_slowly(mask, height, width));
        CHECK(vos::rle_from_labels(labels, height, width, id) == rle);
        covered += vos::area(rle);
      }
      CHECK(covered == static_cast<std::int64_t>(labels.size()) - std::count(labels.begin(), labels.end(), 0));
    }
    CHECK(vos::rles_from_labels(std::vector<vos::ObjectId>(12), 3, 4).empty());
    CHECK(vos::rle_from_labels(std::vector<vos::ObjectId>(12), 3, 4, 5).counts == std::vector<std::uint32_t>{12});
  }

  TEST_CASE("runs of length zero change nothing") {
    const auto plain = vos::rle_from_counts(2, 4, {3, 5});
    const auto padded = vos::rle_from_counts(2, 4, {1, 0, 2, 0, 0, 5, 0, 0});
    CHECK(vos::mask_from_rle(padded) == vos::mask_from_rle(plain));
    CHECK(vos::iou(padded, plain) == 1);
    CHECK(vos::intersection(padded, padded) == plain);
    CHECK(vos::box_of(padded) == vos::box_of(plain));
  }

  TEST_CASE("hostile RLE is refused before memory is asked for") {
    CHECK(refusal(2, 2, "3") == "the runs cover 3 pixels, the mask has 4");
    CHECK(refusal(2, 2, "32") == "the runs cover 5 pixels, the mask has 4");
    CHECK(refusal(2, 2, "5") == "a run of 5 pixels at byte 1");
    CHECK(refusal(2, 2, "") == "the runs cover 0 pixels, the mask has 4");
    CHECK(refusal(2, 2, "13") == "accepted");
    CHECK(refusal(2, 2, "13\x80").find("text form") != std::string::npos);
    CHECK(refusal(2, 2, "1 3").find("text form") != std::string::npos);
    CHECK(refusal(2, 2, "1p").find("text form") != std::string::npos);
    CHECK(refusal(2, 2, "1S").find("text form") != std::string::npos);               // ends amid a number
    CHECK(refusal(2, 2, "1SSSSSSSSSSSSS0").find("text form") != std::string::npos);  // a number without end
    CHECK(refusal(2, 2, "@4").find("a run of -16") != std::string::npos);
    CHECK(refusal(1'000'000, 1'000'000, "0").find("a mask of height") != std::string::npos);
    CHECK(refusal(INT64_MAX, INT64_MAX, "0").find("a mask of height") != std::string::npos);
    CHECK(refusal(0, 5, "0").find("a mask of height 0") != std::string::npos);
    CHECK(refusal(-1, -4, "4").find("a mask of height -1") != std::string::npos);
    CHECK_THROWS_AS(vos::rle_from_counts(1, 4, {UINT32_MAX, 5}), vos::Error);  // would wrap to 4 in 32 bits
    CHECK_THROWS_AS(vos::rle_from_mask(Mask(5), 2, 2), vos::Error);
  }

  TEST_CASE("masks of two sizes are not combined") {
    const auto a = vos::rle_from_counts(2, 2, {4}), b = vos::rle_from_counts(1, 4, {4});
    try {
      vos::iou(a, b);
      FAIL("accepted");
    } catch (const vos::Error& e) {
      CHECK(e.parts().exit_code == vos::exit_code::sizes_differ);
    }
  }
}
