#include <vos/io/image_files.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "../test.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes encoded(const std::string& extension, const cv::Mat& image) {
  Bytes bytes;
  REQUIRE(cv::imencode(extension, image, bytes));
  return bytes;
}

/// 40 high, 60 wide: red in the upper left quarter, else a blue that changes from row to row.
cv::Mat picture() {
  cv::Mat bgr(40, 60, CV_8UC3);
  for (int y = 0; y < 40; ++y) bgr.row(y).setTo(cv::Scalar(150 + y, 60, 20));
  bgr(cv::Rect{0, 0, 30, 20}).setTo(cv::Scalar(10, 20, 220));
  return bgr;
}

bool near_colour(const at::Tensor& rgb, std::int64_t y, std::int64_t x, std::array<int, 3> colour, int tolerance) {
  const auto* pixel = rgb.const_data_ptr<std::uint8_t>() + (y * rgb.size(1) + x) * 3;
  for (std::size_t k = 0; k < 3; ++k)
    if (std::abs(pixel[k] - colour[k]) > tolerance) return false;
  return true;
}

std::string refusal(const Bytes& bytes) {
  try {
    vos::image_from_bytes(bytes, "a.jpg");
  } catch (const vos::Error& e) {
    CHECK(e.parts().where == "a.jpg");
    CHECK(!e.parts().mend.empty());
    return e.parts().what;
  }
  return "accepted";
}

/// A JPEG with the EXIF orientation `turn` (1 to 8).
Bytes with_orientation(const Bytes& jpeg, std::uint8_t turn) {
  const Bytes exif{0xFF, 0xE1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M',  0, 42, 0, 0, 0, 8,
                   0,    1,    1, 0x12, 0,   3,   0,   0,   0, 1, 0,   turn, 0, 0,  0, 0, 0, 0};
  Bytes bytes{jpeg.begin(), jpeg.begin() + 2};
  bytes.insert(bytes.end(), exif.begin(), exif.end());
  bytes.insert(bytes.end(), jpeg.begin() + 2, jpeg.end());
  return bytes;
}

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("images of every kind come as RGB") {
    for (const std::string extension : {".png", ".bmp", ".jpg", ".webp", ".tiff", ".ppm"}) {
      CAPTURE(extension);
      const auto rgb = vos::image_from_bytes(encoded(extension, picture()), "x");
      CHECK(rgb.sizes() == at::IntArrayRef({40, 60, 3}));
      const int tolerance = extension == ".jpg" || extension == ".webp" ? 12 : 0;
      CHECK(near_colour(rgb, 5, 5, {220, 20, 10}, tolerance));
      CHECK(near_colour(rgb, 30, 50, {20, 60, 180}, tolerance));
    }
  }

  TEST_CASE("grey becomes RGB, 16 bits are scaled over their full range, alpha is dropped") {
    CHECK(near_colour(vos::image_from_bytes(encoded(".png", cv::Mat(4, 4, CV_8UC1, cv::Scalar(77))), "x"), 2, 2,
                      {77, 77, 77}, 0));
    for (const std::string extension : {".png", ".tiff"}) {
      CHECK(near_colour(
          vos::image_from_bytes(encoded(extension, cv::Mat(4, 4, CV_16UC3, cv::Scalar(0, 32896, 65535))), "x"), 2, 2,
          {255, 128, 0}, 0));
      CHECK(near_colour(vos::image_from_bytes(encoded(extension, cv::Mat(4, 4, CV_16UC1, cv::Scalar(257 * 9))), "x"), 2,
                        2, {9, 9, 9}, 0));
    }
    CHECK(near_colour(vos::image_from_bytes(encoded(".png", cv::Mat(4, 4, CV_8UC4, cv::Scalar(1, 2, 3, 0))), "x"), 2, 2,
                      {3, 2, 1}, 0));
  }

  TEST_CASE("a CMYK JPEG is converted as Adobe writes it") {
    const Bytes red{
        0xff, 0xd8, 0xff, 0xee, 0x00, 0x0e, 0x41, 0x64, 0x6f, 0x62, 0x65, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00,
        0xff, 0xdb, 0x00, 0x43, 0x00, 0x03, 0x02, 0x02, 0x03, 0x02, 0x02, 0x03, 0x03, 0x03, 0x03, 0x04, 0x03, 0x03,
        0x04, 0x05, 0x08, 0x05, 0x05, 0x04, 0x04, 0x05, 0x0a, 0x07, 0x07, 0x06, 0x08, 0x0c, 0x0a, 0x0c, 0x0c, 0x0b,
        0x0a, 0x0b, 0x0b, 0x0d, 0x0e, 0x12, 0x10, 0x0d, 0x0e, 0x11, 0x0e, 0x0b, 0x0b, 0x10, 0x16, 0x10, 0x11, 0x13,
        0x14, 0x15, 0x15, 0x15, 0x0c, 0x0f, 0x17, 0x18, 0x16, 0x14, 0x18, 0x12, 0x14, 0x15, 0x14, 0xff, 0xc0, 0x00,
        0x14, 0x08, 0x00, 0x08, 0x00, 0x08, 0x04, 0x43, 0x11, 0x00, 0x4d, 0x11, 0x00, 0x59, 0x11, 0x00, 0x4b, 0x11,
        0x00, 0xff, 0xc4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x09, 0xff, 0xc4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xda, 0x00, 0x0e, 0x04, 0x43, 0x00, 0x4d, 0x00,
        0x59, 0x00, 0x4b, 0x00, 0x00, 0x3f, 0x00, 0x54, 0xc5, 0x50, 0xaa, 0x2a, 0x6f, 0xff, 0xd9};
    const auto rgb = vos::image_from_bytes(red, "x");
    CHECK(near_colour(rgb, 4, 4, {255, 1, 1}, 2));
  }

  TEST_CASE("a photo stands upright by its EXIF orientation") {
    const auto jpeg = encoded(".jpg", picture());
    const auto turned =
        vos::image_from_bytes(with_orientation(jpeg, 6), "x");  // the camera lay on its left: turn right
    CHECK(turned.sizes() == at::IntArrayRef({60, 40, 3}));
    CHECK(near_colour(turned, 5, 35, {220, 20, 10}, 12));
    const auto upside_down = vos::image_from_bytes(with_orientation(jpeg, 3), "x");
    CHECK(upside_down.sizes() == at::IntArrayRef({40, 60, 3}));
    CHECK(near_colour(upside_down, 35, 55, {220, 20, 10}, 12));
  }

  TEST_CASE("the longer side is brought to the greatest size, never beyond, never up") {
    const auto png = encoded(".png", picture());
    CHECK(vos::image_from_bytes(png, "x", 30).sizes() == at::IntArrayRef({20, 30, 3}));
    CHECK(vos::image_from_bytes(png, "x", 60).sizes() == at::IntArrayRef({40, 60, 3}));
    CHECK(vos::image_from_bytes(png, "x", 1000).sizes() == at::IntArrayRef({40, 60, 3}));
    CHECK(vos::image_from_bytes(png, "x", 1).sizes() == at::IntArrayRef({1, 1, 3}));
    CHECK(near_colour(vos::image_from_bytes(png, "x", 30), 3, 3, {220, 20, 10}, 0));
  }

  TEST_CASE("an image cut anywhere is refused where its format tells its end") {
    for (const std::string extension : {".png", ".bmp", ".jpg", ".webp"}) {
      CAPTURE(extension);
      const auto bytes = encoded(extension, picture());
      for (const std::size_t left :
           {bytes.size() - 1, bytes.size() / 2, bytes.size() / 10, std::size_t{3}, std::size_t{1}})
        CHECK(refusal({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(left)}) != "accepted");
    }
    CHECK(refusal({}) == "the image file is empty");
    CHECK(refusal(Bytes(500, 'x')).find("cannot be decoded") != std::string::npos);
  }

  TEST_CASE("a preview's end inside a JPEG does not pass for the end of the JPEG") {
    auto bytes = encoded(".jpg", picture());
    const Bytes preview{0xFF, 0xE2, 0, 8, 0xFF, 0xD8, 0xFF, 0xD9, 0, 0};
    bytes.insert(bytes.begin() + 2, preview.begin(), preview.end());
    CHECK(refusal(bytes) == "accepted");
    CHECK(refusal({bytes.begin(), bytes.end() - 2}) == "the image is cut short");
  }

  TEST_CASE("floating-point pixels are refused, not guessed at") {
    CHECK(refusal(encoded(".tiff", cv::Mat(4, 4, CV_32FC3, cv::Scalar::all(0.5)))).find("neither 8 nor 16") !=
          std::string::npos);
  }

  TEST_CASE("a written picture is read back unchanged") {
    const vos::test::Folder folder;
    const auto rgb = vos::image_from_bytes(encoded(".png", picture()), "x");
    vos::write_image(folder / "a.png", rgb);
    CHECK(vos::read_image(folder / "a.png").equal(rgb));
  }
}
