#include <vos/model/flow/flow.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/core/options.hpp>
#include <vos/metric/boundary.hpp>
#include <vos/metric/region.hpp>
#include <vos/metric/statistics.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// Smooth colour noise: something for the flow to hold on to.
cv::Mat texture(cv::Size size, std::uint64_t seed, cv::Scalar mean, double contrast) {
  cv::Mat noise(size, CV_32FC3);
  cv::RNG random(seed);
  random.fill(noise, cv::RNG::NORMAL, cv::Scalar::all(0), cv::Scalar::all(1));
  cv::GaussianBlur(noise, noise, {0, 0}, 2);
  cv::Mat pixels;
  cv::Mat(noise * (contrast * 7) + mean).convertTo(pixels, CV_8UC3);
  return pixels;
}

/// A textured rectangle with its place at each time; later actors stand in front.
struct Actor {
  ObjectId id;
  cv::Size size;
  cv::Scalar colour;
  std::function<cv::Point(int)> corner;
};

struct Scene {
  cv::Size size{160, 96};
  std::vector<Actor> actors;

  Frame frame(int t) const {
    cv::Mat picture = texture(size, 1, {110, 120, 110}, 25);
    paint(t, [&](const Actor& actor, cv::Rect there, cv::Rect part) {
      texture(actor.size, 100 + static_cast<std::uint64_t>(actor.id), actor.colour, 30)(part).copyTo(picture(there));
    });
    Frame frame{t, t / 25.0, at::empty({size.height, size.width, 3}, at::kByte)};
    std::memcpy(frame.rgb.mutable_data_ptr<std::uint8_t>(), picture.data, picture.total() * 3);
    return frame;
  }
  at::Tensor labels(int t) const {
    at::Tensor labels = at::zeros({size.height, size.width}, at::kInt);
    cv::Mat map(size, CV_32S, labels.mutable_data_ptr<std::int32_t>());
    paint(t, [&](const Actor& actor, cv::Rect there, cv::Rect) { map(there).setTo(actor.id); });
    return labels;
  }

 private:
  template <class Brush>
  void paint(int t, Brush brush) const {
    for (const auto& actor : actors) {
      const cv::Rect whole(actor.corner(t), actor.size), there = whole & cv::Rect({}, size);
      if (!there.empty()) brush(actor, there, there - whole.tl());
    }
  }
};

const cv::Scalar red{190, 70, 60}, blue{60, 80, 190};

Scene one_square() {
  return {.actors = {{7, {30, 30}, red, [](int t) { return cv::Point(20 + 3 * t, 25 + t); }}}};
}

std::vector<std::uint8_t> mask_of(const at::Tensor& labels, ObjectId id) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(labels.numel()));
  const auto* pixel = labels.const_data_ptr<std::int32_t>();
  std::transform(pixel, pixel + mask.size(), mask.begin(),
                 [id](auto owner) { return static_cast<std::uint8_t>(owner == id); });
  return mask;
}

double similarity(const at::Tensor& truth, const at::Tensor& guess, ObjectId id) {
  return region_similarity({mask_of(truth, id), truth.size(0), truth.size(1)},
                           {mask_of(guess, id), truth.size(0), truth.size(1)});
}

std::int64_t area_of(const at::Tensor& labels, ObjectId id) {
  const auto mask = mask_of(labels, id);
  return std::accumulate(mask.begin(), mask.end(), std::int64_t{0});
}

void check_equal(const FrameResult& a, const FrameResult& b) {
  CHECK(a.index == b.index);
  CHECK((a.objects == b.objects));
  CHECK(at::equal(a.labels, b.labels));
}

/// The results of a scene whose first frame's labels are given.
std::vector<FrameResult> followed(const Scene& scene, int frames, FlowSegmenter segmenter = FlowSegmenter{}) {
  std::vector<FrameResult> results;
  segmenter.prompt(scene.frame(0), scene.labels(0));
  for (int t = 0; t < frames; ++t) results.push_back(segmenter.push(scene.frame(t)));
  return results;
}

/// A frame of noise and labels filled by `inside(y, x)`.
Frame noise(int height, int width, int index) {
  Frame frame{index, index / 25.0, at::empty({height, width, 3}, at::kByte)};
  cv::Mat picture = texture({width, height}, static_cast<std::uint64_t>(index) + 50, {120, 120, 120}, 30);
  std::memcpy(frame.rgb.mutable_data_ptr<std::uint8_t>(), picture.data, picture.total() * 3);
  return frame;
}

template <class Inside>
at::Tensor drawn(std::int64_t height, std::int64_t width, ObjectId id, Inside inside) {
  at::Tensor labels = at::zeros({height, width}, at::kInt);
  auto* pixel = labels.mutable_data_ptr<std::int32_t>();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      if (inside(y, x)) pixel[y * width + x] = id;
  return labels;
}

const auto everywhere = [](std::int64_t, std::int64_t) { return true; };

}  // namespace

TEST_SUITE("flow") {
  TEST_CASE("a square that moves is followed") {
    const auto scene = one_square();
    const auto results = followed(scene, 20);
    for (int t = 0; t < 20; ++t) {
      CAPTURE(t);
      const auto& result = results[static_cast<std::size_t>(t)];
      CHECK(similarity(scene.labels(t), result.labels, 7) > 0.9);
      REQUIRE(result.objects.size() == 1);
      CHECK(result.objects[0].id == 7);
      CHECK(result.objects[0].state == ObjectState::visible);
      CHECK(result.objects[0].score > 0.5F);
      const cv::Rect box(scene.actors[0].corner(t), scene.actors[0].size);
      CHECK(iou(result.objects[0].box, {static_cast<float>(box.x), static_cast<float>(box.y),
                                        static_cast<float>(box.br().x), static_cast<float>(box.br().y)}) > 0.85F);
    }
  }

  TEST_CASE("the frame of a prompt shows the given mask exactly") {
    const auto scene = one_square();
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    FrameResult result = segmenter.push(scene.frame(0));
    CHECK(at::equal(result.labels, scene.labels(0)));
    CHECK(result.objects.at(0).score == 1.0F);
    // Odd edges, which half size cannot hold, and a second object over the first.
    const auto labels =
        drawn(96, 160, 3, [](auto y, auto x) { return (x + y) % 3 == 0 && x > 30 && x < 61 && y > 10 && y < 41; });
    segmenter.prompt(scene.frame(1), labels);
    result = segmenter.push(scene.frame(1));
    CHECK((mask_of(result.labels, 3) == mask_of(labels, 3)));
    CHECK(result.objects.size() == 2);
    CHECK(result.objects[0].id == 3);
  }

  TEST_CASE("an object that leaves the picture is lost, not smeared along its edge") {
    Scene scene{.actors = {{1, {30, 30}, red, [](int t) { return cv::Point(90 + 6 * t, 30); }}}};
    const auto results = followed(scene, 24);
    for (int t = 15; t < 24; ++t) {  // gone from frame 12 on
      CAPTURE(t);
      const auto& object = results[static_cast<std::size_t>(t)].objects.at(0);
      CHECK(object.state == ObjectState::lost);
      CHECK(object.score == 0.0F);
      CHECK(object.box.empty());
      CHECK(area_of(results[static_cast<std::size_t>(t)].labels, 1) == 0);
    }
  }

  TEST_CASE("an object that was hidden is found again") {
    // Behind a wall from frame 9 to 14, standing still there so that it comes back where it went.
    Scene scene{
        .actors = {{1, {24, 24}, red, [](int t) { return cv::Point(t < 12 ? 20 + 4 * t : 20 + 4 * (24 - t), 30); }},
                   {2, {50, 96}, cv::Scalar(90, 90, 90), [](int) { return cv::Point(55, 0); }}}};
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), drawn(96, 160, 1, [&](auto y, auto x) {
                       return cv::Rect(scene.actors[0].corner(0), scene.actors[0].size)
                           .contains({static_cast<int>(x), static_cast<int>(y)});
                     }));
    std::vector<FrameResult> results;
    for (int t = 0; t < 25; ++t) results.push_back(segmenter.push(scene.frame(t)));
    CHECK(results[12].objects.at(0).state == ObjectState::lost);
    CHECK(similarity(scene.labels(24), results[24].labels, 1) > 0.7);
  }

  TEST_CASE("a cut to another scene loses the object") {
    const auto scene = one_square();
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    for (int t = 0; t < 4; ++t) segmenter.push(scene.frame(t));
    for (int t = 4; t < 9; ++t) {
      Frame elsewhere = noise(96, 160, 0);  // a still of something else
      elsewhere.index = t;
      const FrameResult result = segmenter.push(elsewhere);
      if (t > 5) CHECK(result.objects.at(0).state == ObjectState::lost);  // a scrap may hold on for a frame
    }
    const FrameResult back = segmenter.push(scene.frame(4));
    CHECK(back.objects.at(0).state == ObjectState::visible);
    CHECK(similarity(scene.labels(4), back.labels, 7) > 0.8);
  }

  TEST_CASE("an object drawn over wholly is lost, and the one drawn takes its place") {
    const auto scene = one_square();
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    segmenter.push(scene.frame(0));
    segmenter.prompt(scene.frame(1), drawn(96, 160, 8, everywhere));
    const FrameResult result = segmenter.push(scene.frame(1));
    CHECK(result.find(7)->state == ObjectState::lost);
    CHECK(area_of(result.labels, 8) == 96 * 160);
  }

  TEST_CASE("two objects that cross keep their ids") {
    Scene scene{.actors = {{4, {26, 26}, red, [](int t) { return cv::Point(10 + 4 * t, 28); }},
                           {9, {26, 26}, blue, [](int t) { return cv::Point(124 - 4 * t, 38); }}}};
    const auto results = followed(scene, 26);
    for (const int t : {6, 24, 25}) {
      CAPTURE(t);
      const auto& labels = results[static_cast<std::size_t>(t)].labels;
      CHECK(similarity(scene.labels(t), labels, 4) > 0.8);
      CHECK(similarity(scene.labels(t), labels, 9) > 0.8);
    }
  }

  TEST_CASE("a correction of the last frame takes effect from the next one on") {
    const auto scene = one_square();
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), drawn(96, 160, 7, [](auto y, auto x) { return y > 60 && x > 120; }));
    segmenter.push(scene.frame(0));
    segmenter.push(scene.frame(1));
    segmenter.prompt(scene.frame(1), scene.labels(1));
    for (int t = 2; t < 8; ++t) {
      const FrameResult result = segmenter.push(scene.frame(t));
      CHECK(result.objects.size() == 1);
      CHECK(similarity(scene.labels(t), result.labels, 7) > 0.9);
    }
  }

  TEST_CASE("a prompt leaves the other objects alone but for the pixels it takes") {
    Scene scene{.actors = {{1, {30, 30}, red, [](int) { return cv::Point(20, 20); }},
                           {2, {30, 30}, blue, [](int) { return cv::Point(100, 40); }}}};
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    segmenter.push(scene.frame(0));
    segmenter.prompt(scene.frame(0),
                     drawn(96, 160, 5, [](auto y, auto x) { return y >= 20 && y < 50 && x >= 20 && x < 35; }));
    const FrameResult result = segmenter.push(scene.frame(1));
    REQUIRE(result.objects.size() == 3);
    CHECK(similarity(scene.labels(1), result.labels, 2) > 0.9);
    CHECK(area_of(result.labels, 1) < 600);
    CHECK(area_of(result.labels, 5) > 300);
  }

  TEST_CASE("a removed object is gone and the rest goes on as if it had never been asked for") {
    Scene scene{.actors = {{1, {30, 30}, red, [](int t) { return cv::Point(20 + t, 20); }},
                           {2, {30, 30}, blue, [](int t) { return cv::Point(100 - t, 40); }}}};
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    segmenter.push(scene.frame(0));
    segmenter.remove(1);
    const FrameResult result = segmenter.push(scene.frame(1));
    REQUIRE(result.objects.size() == 1);
    CHECK(result.objects[0].id == 2);
    CHECK(area_of(result.labels, 1) == 0);
    // An id that was only asked for can be removed as well.
    segmenter.prompt(scene.frame(2), scene.labels(2));
    segmenter.remove(1);
    CHECK(static_cast<FrameResult>(segmenter.push(scene.frame(2))).objects.size() == 1);
  }

  TEST_CASE("an outline is the best of all outlines") {
    using namespace vos::detail::flow;
    cv::RNG random(3);
    for (int trial = 0; trial < 60; ++trial) {
      cv::Mat lab(5, 6, CV_8UC3), evidence(3, 4, CV_32F);
      random.fill(lab, cv::RNG::UNIFORM, 0, 30);
      random.fill(evidence, cv::RNG::UNIFORM, -4, 4);
      const Contrast contrast = contrast_of(lab, 1.5);
      const cv::Rect box(trial % 3, trial % 2, 4, 3);  // in the middle and at the picture's edges
      // What a choice of the 12 pixels, one bit each, is worth.
      const auto worth = [&](unsigned choice) {
        const auto in = [&](int y, int x) {
          return box.contains({x, y}) && (choice >> ((y - box.y) * 4 + x - box.x) & 1);
        };
        double sum = 0;
        for (int y = 0; y < lab.rows; ++y)
          for (int x = 0; x < lab.cols; ++x) {
            if (in(y, x)) sum += evidence.at<float>(y - box.y, x - box.x);
            for (std::size_t k = 0; k < 4; ++k)
              if (in(y, x) != in(y + Contrast::step[k].y, x + Contrast::step[k].x))
                sum -= contrast.price[k].at<float>(y, x);
          }
        return sum;
      };
      double best = 0;
      for (unsigned choice = 0; choice < 4096; ++choice) best = std::max(best, worth(choice));
      const cv::Mat cut = Outline(evidence, contrast, box).best();
      unsigned found = 0;
      for (int i = 0; i < 12; ++i) found |= (cut.at<uchar>(i / 4, i % 4) != 0 ? 1U : 0U) << i;
      CHECK(worth(found) == doctest::Approx(best).epsilon(1e-5));
    }
  }

  TEST_CASE("the same frames give bit-equal results, whatever ran before") {
    const auto scene = one_square();
    const auto first = followed(scene, 8);
    FlowSegmenter used;
    used.prompt(noise(64, 48, 0), drawn(64, 48, 2, everywhere));
    used.push(noise(64, 48, 0));
    used.push(noise(64, 48, 1));
    used.reset();
    cv::theRNG().state = 12345;
    const auto second = followed(scene, 8, used);
    for (std::size_t t = 0; t < first.size(); ++t) check_equal(first[t], second[t]);
  }

  TEST_CASE("a restored snapshot goes on as the straight run did") {
    const auto scene = one_square();
    const auto straight = followed(scene, 10);
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    for (int t = 0; t < 5; ++t) segmenter.push(scene.frame(t));
    const auto saved = segmenter.snapshot();
    segmenter.prompt(scene.frame(4), drawn(96, 160, 8, everywhere));  // a wrong turn
    for (int t = 5; t < 8; ++t) segmenter.push(scene.frame(t));
    segmenter.restore(saved);
    for (int t = 5; t < 10; ++t) check_equal(segmenter.push(scene.frame(t)), straight[static_cast<std::size_t>(t)]);
  }

  TEST_CASE("a stop leaves the state as it was") {
    const auto scene = one_square();
    const auto straight = followed(scene, 3);
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), scene.labels(0));
    for (int t = 0; t < 2; ++t) segmenter.push(scene.frame(t));
    std::stop_source stop;
    Work work{.stop = stop.get_token(), .progress = [&](double done) {
                if (done > 0.4) stop.request_stop();
              }};
    CHECK_THROWS_AS(segmenter.push(scene.frame(2), work), Cancelled);
    check_equal(segmenter.push(scene.frame(2)), straight[2]);
  }

  TEST_CASE("frames without objects have empty results") {
    FlowSegmenter segmenter;
    for (int t = 0; t < 3; ++t) {
      const FrameResult result = segmenter.push(noise(64, 48, t));
      CHECK(result.objects.empty());
      CHECK(at::equal(result.labels, at::zeros({64, 48}, at::kInt)));
    }
    segmenter.prompt(noise(64, 48, 3), at::zeros({64, 48}, at::kInt));
    CHECK(static_cast<FrameResult>(segmenter.push(noise(64, 48, 3))).objects.empty());
  }

  TEST_CASE("frames of any size are followed") {
    for (const auto& [height, width] : {std::pair{1, 1}, {1, 40}, {40, 1}, {2, 3}, {16, 16}, {48, 64}, {7, 900}}) {
      CAPTURE(height);
      CAPTURE(width);
      FlowSegmenter segmenter;
      segmenter.prompt(noise(height, width, 0),
                       drawn(height, width, 1, [w = width](auto, auto x) { return 2 * x <= w; }));
      for (int t = 0; t < 4; ++t) {
        const FrameResult result = segmenter.push(noise(height, width, t));
        CHECK(result.labels.size(0) == height);
        CHECK(result.labels.size(1) == width);
        CHECK(result.objects.size() == 1);
      }
    }
  }

  TEST_CASE("an object that fills the picture keeps filling it") {
    const auto scene = one_square();
    FlowSegmenter segmenter;
    segmenter.prompt(scene.frame(0), drawn(96, 160, 1, everywhere));
    for (int t = 0; t < 5; ++t) {
      const FrameResult result = segmenter.push(scene.frame(t));
      CHECK(area_of(result.labels, 1) > 96 * 160 * 9 / 10);
    }
  }

  TEST_CASE("an object of one pixel does not upset the others") {
    for (const int width : {160, 1000}) {  // below and above the working size
      Scene scene{.size = {width, 96}, .actors = {{2, {30, 30}, blue, [](int t) { return cv::Point(100 - t, 40); }}}};
      auto labels = scene.labels(0);
      labels.mutable_data_ptr<std::int32_t>()[5 * width + 5] = 1;
      FlowSegmenter segmenter;
      segmenter.prompt(scene.frame(0), labels);
      for (int t = 0; t < 5; ++t) {
        const FrameResult result = segmenter.push(scene.frame(t));
        CHECK(result.objects.size() == 2);
        CHECK(similarity(scene.labels(t), result.labels, 2) > 0.8);
        CHECK(area_of(result.labels, 1) < 100);
      }
    }
  }

  TEST_CASE("options say what they mean and refuse what is unknown") {
    FlowOptions options;
    set_option(options, "matching", "0");
    CHECK(options.matching == 0.0);
    CHECK_THROWS_AS(set_option(options, "macthing", "0"), Error);
    CHECK(similarity(one_square().labels(5), followed(one_square(), 6, FlowSegmenter{options}).back().labels, 7) > 0.9);
  }

  TEST_CASE("a real sequence is followed") {
    namespace fs = std::filesystem;
    const fs::path root = test::real_data() / "davis_dev";
    if (!fs::exists(root)) {
      return test::skip("no real video: set VOS_DATA to the folder that holds davis_dev");
    }
    FlowSegmenter segmenter;
    std::vector<double> quality;
    for (int t = 0; t < 20; ++t) {
      const auto stem = (t < 10 ? "0000" : "000") + std::to_string(t);
      cv::Mat picture = cv::imread((root / "JPEGImages/480p/blackswan" / (stem + ".jpg")).string());
      const cv::Mat mask =
          cv::imread((root / "Annotations/480p/blackswan" / (stem + ".png")).string(), cv::IMREAD_GRAYSCALE);
      REQUIRE(!picture.empty());
      REQUIRE(!mask.empty());
      cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
      Frame frame{t, t / 24.0, at::empty({picture.rows, picture.cols, 3}, at::kByte)};
      std::memcpy(frame.rgb.mutable_data_ptr<std::uint8_t>(), picture.data, picture.total() * 3);
      const auto truth = drawn(mask.rows, mask.cols, 1, [&](auto y, auto x) {
        return mask.at<uchar>(static_cast<int>(y), static_cast<int>(x)) > 0;
      });
      if (t == 0) segmenter.prompt(frame, truth);
      const FrameResult result = segmenter.push(frame);
      const auto true_mask = mask_of(truth, 1), found = mask_of(result.labels, 1);
      const MaskView a(true_mask, mask.rows, mask.cols), b(found, mask.rows, mask.cols);
      if (t > 0) quality.push_back((region_similarity(a, b) + boundary_measure(a, b)) / 2);
    }
    CHECK(mean_of(quality) > 0.9);
  }
}
