#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <vos/data/resize/nearest.hpp>
#include <vos/data/resize/opencv.hpp>
#include <vos/data/resize/pillow.hpp>
#include <vos/io/files.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// One line of golden/resize.bin: see golden/make_resize.py.
struct Resized {
  std::string kernel;
  PictureSize in, out;
  double factor = 0;
  std::vector<std::uint8_t> from, to;
  std::vector<float> to_float;
  OpencvStep step() const { return factor > 0 ? OpencvStep{1 / factor, 1 / factor} : OpencvStep::between(in, out); }
};

std::vector<Resized> goldens() {
  const auto bytes = read_file(test::file("data/golden/resize.bin"));
  std::vector<Resized> all;
  for (std::size_t at = 0; at < bytes.size();) {
    Resized one;
    one.kernel = reinterpret_cast<const char*>(bytes.data() + at);
    at += one.kernel.size() + 1;
    std::int32_t sizes[4];
    std::memcpy(sizes, bytes.data() + at, sizeof sizes);
    std::memcpy(&one.factor, bytes.data() + at + sizeof sizes, sizeof(double));
    at += sizeof sizes + sizeof(double);
    one.in = {sizes[0], sizes[1]};
    one.out = {sizes[2], sizes[3]};
    const bool grey = one.kernel.ends_with("nearest");
    const auto count = [&](PictureSize size) {
      return static_cast<std::size_t>(size.height * size.width * (grey ? 1 : 3));
    };
    const auto take = [&](auto& to, std::size_t n) {
      to.resize(n);
      std::memcpy(to.data(), bytes.data() + at, n * sizeof(to[0]));
      at += n * sizeof(to[0]);
    };
    take(one.from, count(one.in));
    if (one.kernel.ends_with("float")) take(one.to_float, count(one.out));
    else take(one.to, count(one.out));
    all.push_back(one);
  }
  return all;
}

/// The largest difference, and how many differ.
template <class Pixel>
std::pair<double, std::size_t> difference(const std::vector<Pixel>& a, const std::vector<Pixel>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    count += a[i] != b[i];
  }
  return {most, count};
}

}  // namespace

TEST_SUITE("resize") {
  TEST_CASE("8-bit pictures come out as from OpenCV and Pillow") {
    std::vector<std::string> met;
    for (const auto& golden : goldens()) {
      CAPTURE(golden.kernel);
      CAPTURE(golden.in.height);
      CAPTURE(golden.in.width);
      CAPTURE(golden.out.height);
      CAPTURE(golden.out.width);
      met.push_back(golden.kernel);
      std::vector<std::uint8_t> to(golden.to.size());
      const auto* from = golden.from.data();
      if (golden.kernel == "opencv-linear") {
        opencv_linear(from, golden.in, to.data(), golden.out, golden.step());
        CHECK(difference(to, golden.to).second == 0);
      } else if (golden.kernel == "opencv-cubic") {
        opencv_cubic(from, golden.in, to.data(), golden.out, golden.step());
        // OpenCV's vector code sums in float, its scalar code and ours in whole numbers: ties fall either way.
        const auto [most, count] = difference(to, golden.to);
        CHECK(most <= 1);
        CHECK(count * 100 <= to.size() * 6);
      } else if (golden.kernel == "pillow-linear" || golden.kernel == "pillow-cubic") {
        const bool cubic = golden.kernel == "pillow-cubic";
        pillow_resize(from, golden.in, to.data(), golden.out, cubic ? PillowFilter::cubic : PillowFilter::linear);
        CHECK(difference(to, golden.to).second == 0);
      } else if (golden.kernel.ends_with("nearest")) {
        const bool pillow = golden.kernel == "pillow-nearest";
        const auto rows = pillow ? pillow_nearest(golden.in.height, golden.out.height)
                                 : opencv_nearest(golden.in.height, golden.out.height, golden.step().y);
        const auto columns = pillow ? pillow_nearest(golden.in.width, golden.out.width)
                                    : opencv_nearest(golden.in.width, golden.out.width, golden.step().x);
        take_pixels(from, golden.in.width, rows, columns, to.data());
        CHECK(difference(to, golden.to).second == 0);
      } else {
        const std::vector<float> wide(golden.from.begin(), golden.from.end());
        std::vector<float> made(golden.to_float.size());
        opencv_cubic(wide.data(), golden.in, made.data(), golden.out, golden.step());
        // Float sums of up to 16 terms of 255, in another order: a few units in the last place of 255.
        CHECK(difference(made, golden.to_float).first < 3e-4);
      }
    }
    for (const auto* kernel : {"opencv-linear", "opencv-cubic", "opencv-nearest", "opencv-cubic-float", "pillow-linear",
                               "pillow-cubic", "pillow-nearest"})
      CHECK(std::find(met.begin(), met.end(), kernel) != met.end());
  }

  TEST_CASE("a factor and a size are not the same to OpenCV's nearest") {
    const double factor = 0.7431;
    const auto out = opencv_scaled({31, 47}, factor);
    CHECK(out == PictureSize{23, 35});
    CHECK(opencv_nearest(47, out.width, 1 / factor) !=
          opencv_nearest(47, out.width, OpencvStep::between({31, 47}, out).x));
  }

  TEST_CASE("the shorter edge, as Mask2Former and as DETR round it") {
    CHECK(with_shorter_edge({720, 1280}, 360, 1333, EdgeRule::detectron) == PictureSize{360, 640});
    CHECK(with_shorter_edge({720, 1280}, 448, 1333, EdgeRule::detectron) == PictureSize{448, 796});
    CHECK(with_shorter_edge({1280, 720}, 448, 768, EdgeRule::detectron) == PictureSize{768, 432});
    CHECK(with_shorter_edge({480, 854}, 480, 0, EdgeRule::detr) == PictureSize{480, 854});
    CHECK(with_shorter_edge({720, 1280}, 448, 0, EdgeRule::detr) == PictureSize{448, 796});
    CHECK(with_shorter_edge({720, 1280}, 500, 768, EdgeRule::detr) == PictureSize{432, 768});
    CHECK(with_shorter_edge({333, 500}, 512, 768, EdgeRule::detr) == PictureSize{511, 767});
    CHECK(with_shorter_edge({1, 9000}, 32, 100, EdgeRule::detectron) == PictureSize{1, 100});
  }
}
