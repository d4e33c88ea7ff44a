#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <vos/data/pixels/blur.hpp>
#include <vos/data/pixels/colour.hpp>
#include <vos/data/pixels/warp.hpp>
#include <vos/io/files.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// One record of golden/pixels.bin: see golden/make_pixels.py.
struct Changed {
  std::string name;
  PictureSize size;
  std::array<double, 6> numbers{};
  std::vector<std::uint8_t> from, to;
};

std::vector<Changed> goldens() {
  const auto bytes = read_file(test::file("data/golden/pixels.bin"));
  std::vector<Changed> all;
  for (std::size_t at = 0; at < bytes.size();) {
    Changed one;
    one.name = reinterpret_cast<const char*>(bytes.data() + at);
    at += one.name.size() + 1;
    std::int32_t size[2];
    std::memcpy(size, bytes.data() + at, sizeof size);
    std::memcpy(one.numbers.data(), bytes.data() + at + sizeof size, sizeof one.numbers);
    at += sizeof size + sizeof one.numbers;
    one.size = {size[0], size[1]};
    const auto count = size[0] * size[1] * (one.name == "warp-nearest" ? 1 : 3);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    one.from.assign(begin, begin + count);
    one.to.assign(begin + count, begin + 2 * count);
    at += 2 * static_cast<std::size_t>(count);
    all.push_back(one);
  }
  return all;
}

std::pair<int, std::size_t> difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  REQUIRE(a.size() == b.size());
  int most = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
    count += a[i] != b[i];
  }
  return {most, count};
}

}  // namespace

TEST_SUITE("pixels") {
  TEST_CASE("colours, blurs and warps come out as from Pillow and torchvision") {
    std::set<std::string> met;
    for (const auto& golden : goldens()) {
      CAPTURE(golden.name);
      CAPTURE(golden.numbers[0]);
      met.insert(golden.name);
      auto made = golden.from;
      const auto [degrees, move_x, move_y, scale, shear_x, shear_y] = golden.numbers;
      const auto map =
          affine_map({.degrees = degrees,
                      .scale = scale,
                      .shear_x = shear_x,
                      .shear_y = shear_y,
                      .move_x = move_x,
                      .move_y = move_y},
                     static_cast<double>(golden.size.width) / 2, static_cast<double>(golden.size.height) / 2);
      if (golden.name == "brightness") change_brightness(made, golden.numbers[0]);
      if (golden.name == "contrast") change_contrast(made, golden.numbers[0]);
      if (golden.name == "saturation") change_saturation(made, golden.numbers[0]);
      if (golden.name == "hue") change_hue(made, golden.numbers[0]);
      if (golden.name == "grey") make_grey(made);
      if (golden.name == "blur") blur_picture(made.data(), golden.size, golden.numbers[0]);
      if (golden.name == "warp-nearest")
        warp_labels<std::uint8_t>(golden.from.data(), golden.size, map, 0, made.data());
      const bool warp = golden.name == "warp-linear" || golden.name == "warp-cubic";
      if (warp)
        warp_picture(golden.from.data(), golden.size, map,
                     golden.name == "warp-cubic" ? WarpFilter::cubic : WarpFilter::linear, {124, 116, 104},
                     made.data());
      const auto [most, count] = difference(made, golden.to);
      CHECK(most <= (warp ? 1 : 0));
      // In float a level within 0.001 below a whole number is taken for it: one value in a thousand, by chance a few more.
      CHECK(count * 200 <= made.size());
    }
    CHECK(met == std::set<std::string>{"blur", "brightness", "contrast", "grey", "hue", "saturation", "warp-cubic",
                                       "warp-linear", "warp-nearest"});
  }

  TEST_CASE("a flat picture stays flat under a warp") {
    const PictureSize size{40, 60};
    const std::vector<std::uint8_t> flat(static_cast<std::size_t>(size.height * size.width * 3), 201);
    for (const auto filter : {WarpFilter::linear, WarpFilter::cubic}) {
      std::vector<std::uint8_t> made(flat.size());
      warp_picture(flat.data(), size, affine_map({.degrees = 13, .scale = 1.4}, 30, 20), filter, {201, 201, 201},
                   made.data());
      CHECK(made == flat);
    }
  }
}
