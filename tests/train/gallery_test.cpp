#include <cmath>
#include <map>
#include <optional>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <vos/train/clip_ap.hpp>
#include <vos/train/clip_gallery.hpp>
#include <vos/train/clip_sheet.hpp>
#include <vos/train/log/picture_log.hpp>
#include <vos/train/log/tensorboard_log.hpp>
#include <vos/train/log/value_histogram.hpp>
#include <vos/train/tracking_validation.hpp>
#include <vos/train/trainer.hpp>
#if VOS_OPENCV
#include <vos/io/image_files.hpp>
#endif

#include "../python.hpp"
#include "../test.hpp"

using namespace vos;

namespace {

at::Tensor grey(int value) { return at::full({4, 6, 3}, value, at::kByte); }

/// A clip of four frames with a square that wanders to the right.
Sample wandering_square(const std::string& name = "square") {
  Sample clip{.name = name,
              .frames = at::full({4, 32, 48, 3}, 90, at::kByte),
              .labels = at::zeros({4, 32, 48}, at::kInt),
              .ids = {1},
              .categories = {-1}};
  for (std::int64_t t = 0; t < 4; ++t) clip.labels[t].narrow(0, 8, 12).narrow(1, 6 + 4 * t, 12).fill_(1);
  return clip;
}

/// Learns next to nothing, and shows three clips in each validation.
struct ShowingTask {
  struct Batch {};
  struct Batches {
    Batch next() { return {}; }
  };
  torch::nn::Module& module() { return *net; }
  std::int64_t steps_per_epoch() const { return 1; }
  Batches batches(std::int64_t) const { return {}; }
  Losses loss(const Batch&) { return {{"square", net->weight.square().sum()}}; }
  Metrics validate(const Work&) {
    // [gallery]
    shown = {main_metric(), 1};  // pictures of the best clip, and of the worst
    TrackingScores all;
    for (const auto& clip : clips) {
      const auto guesses = follow(clip);  // label maps, int32 [H,W] a frame
      const auto scores = tracking_scores(clip, guesses);
      shown.add(clip.name, scores.metrics(), [&] { return comparison_sheet(clip, guesses); });
      all += scores;
    }
    return all.metrics();
    // [gallery]
  }
  std::vector<at::Tensor> follow(const Sample& clip) const {
    std::vector<at::Tensor> guesses;  // clip i is followed for 3 - i of its four frames
    for (std::int64_t t = 0; t < 4; ++t) guesses.push_back(clip.labels[t] * (t < 3 - clip.name.back() + '0' ? 1 : 0));
    return guesses;
  }
  std::string main_metric() const { return "J"; }
  const ClipGallery& gallery() const { return shown; }

  torch::nn::Linear net{2, 3};
  std::vector<Sample> clips{wandering_square("clip 0"), wandering_square("clip 1"), wandering_square("clip 2")};
  ClipGallery shown{"J", 1};
};
static_assert(Task<ShowingTask>);

struct Heard final : RunLog {
  std::vector<ValidationReport> validations;
  std::vector<std::pair<std::int64_t, std::string>> pictures, histograms;
  void validation(const ValidationReport& report) override { validations.push_back(report); }
  void picture(std::int64_t step, const std::string& name, const at::Tensor&) override {
    pictures.emplace_back(step, name);
  }
  void histogram(std::int64_t step, const std::string& name, const at::Tensor&) override {
    histograms.emplace_back(step, name);
  }
};

}  // namespace

TEST_SUITE("train/gallery") {
  TEST_CASE("the best and the worst clips get pictures, and those amid them none") {
    ClipGallery gallery{"J", 2};
    int made = 0;
    const double values[] = {0.5, 0.9, 0.1, 0.5, 0.45, 0.95, NAN, 0.05, 0.55};
    for (int i = 0; i < 9; ++i)
      gallery.add("clip " + std::to_string(i), {{"J", values[i]}}, [&] {
        ++made;
        return grey(i);
      });
    CHECK(made < 8);
    std::map<std::string, int> shown;
    for (const auto& [name, picture] : gallery.pictures()) shown[name] = picture[0][0][0].item<int>();
    CHECK(shown == std::map<std::string, int>{{"best 1", 5}, {"best 2", 1}, {"worst 1", 7}, {"worst 2", 2}});
    const auto clips = gallery.clips();
    REQUIRE(clips.size() == 9);
    CHECK(clips[5].picture == "best 1");
    CHECK(clips[3].picture.empty());
    CHECK(clips[8].metrics.at("J") == 0.55);
  }

  TEST_CASE("of few clips none is shown twice") {
    ClipGallery gallery{"J", 3};
    for (int i = 0; i < 3; ++i) gallery.add("c", {{"J", i}}, [&] { return grey(i); });
    std::vector<std::string> names;
    for (const auto& [name, picture] : gallery.pictures()) names.push_back(name);
    CHECK(names == std::vector<std::string>{"best 1", "best 2", "worst 1"});
    ClipGallery none{"J", 0};
    none.add("c", {{"J", 1}}, [] { return grey(1); });
    CHECK(none.pictures().empty());
    CHECK(none.clips().size() == 1);
  }

  TEST_CASE("a log hears the clips of a validation before their pictures, and histograms when it is asked to") {
    const test::Folder folder;
    ShowingTask task;
    TrainOptions options{.epochs = 4, .histograms = 2};
    options.validate_every = 4;
    Trainer trainer{task, options, Place{}, folder.path()};
    Heard heard;
    trainer.train({}, heard);
    REQUIRE(heard.validations.size() == 1);
    REQUIRE(heard.validations[0].clips.size() == 3);
    CHECK(heard.validations[0].clips[0].picture == "best 1");
    CHECK(heard.validations[0].clips[0].metrics.at("J") == doctest::Approx(0.75));
    CHECK(heard.validations[0].clips[2].picture == "worst 1");
    using Told = std::vector<std::pair<std::int64_t, std::string>>;
    CHECK(heard.pictures == Told{{4, "best 1"}, {4, "worst 1"}});
    REQUIRE(heard.histograms.size() == 2 * 3);  // weight, its gradient, and the bias, which has none
    CHECK(heard.histograms[0] == std::pair{std::int64_t{2}, std::string{"parameters/weight"}});
    CHECK(heard.histograms[1].second == "gradients/weight");
    CHECK(heard.histograms[5].first == 4);
  }

  TEST_CASE("a histogram counts every finite number once, in rising buckets") {
    const auto values = at::tensor(
        {-3.0, -1e-3, -1e-15, 0.0, 1e-15, 2e-6, 2e-6, 5.0, 1e30, double(NAN), double(INFINITY)}, at::kDouble);
    const auto histogram = histogram_of(values);
    CHECK(histogram.count == 9);
    CHECK(histogram.least == -3);
    CHECK(histogram.most == 1e30);
    double sum = 0;
    for (const auto count : histogram.counts) sum += count;
    CHECK(sum == 9);
    CHECK(histogram.ends.size() == histogram.counts.size());
    CHECK(std::is_sorted(histogram.ends.begin(), histogram.ends.end()));
    // Each value lies in its bucket, whose end is at most a tenth beyond it.
    for (const double value : {-3.0, -1e-3, 2e-6, 5.0}) {
      const auto end = std::lower_bound(histogram.ends.begin(), histogram.ends.end(), value);
      REQUIRE(end != histogram.ends.end());
      CHECK(histogram.counts[static_cast<std::size_t>(end - histogram.ends.begin())] == (value == 2e-6 ? 2 : 1));
      CHECK(std::abs(*end - value) <= 0.1001 * std::abs(value));
    }
    CHECK(histogram_of(at::full({2}, NAN)).count == 0);
  }

  TEST_CASE("a clip that is tracked as it is scores one, and one whose square is a pixel too wide scores less") {
    const auto clip = wandering_square();
    std::vector<at::Tensor> guesses;
    for (std::int64_t t = 0; t < 4; ++t) guesses.push_back((clip.labels[t] * 7).contiguous());  // ids need not agree
    const auto exact = tracking_scores(clip, guesses).metrics();
    CHECK(exact.at("J") == 1);
    CHECK(exact.at("F") == 1);
    CHECK(exact.at("J&F") == 1);
    CHECK(exact.at("IDF1") == 1);
    // Frame 3 is missed: J and F are the mean of three ones and a zero.
    guesses[3] = at::zeros({32, 48}, at::kInt);
    const auto missed = tracking_scores(clip, guesses).metrics();
    CHECK(missed.at("J") == doctest::Approx(0.75));
    CHECK(missed.at("F") == doctest::Approx(0.75));
    // A frame that nobody has labelled does not count.
    auto unlabelled = clip;
    unlabelled.labelled = {true, true, true, false};
    CHECK(tracking_scores(unlabelled, guesses).metrics().at("J&F") == 1);
  }

  TEST_CASE("AP ranks what was found in all clips by its score, each class by itself") {
    const auto clip = [](std::int32_t category) {
      auto square = wandering_square();
      square.categories = {category};
      return square;
    };
    // A track of label maps, each frame of which says the same of it.
    const auto found = [](const at::Tensor& labels, float score, std::int32_t category) {
      std::vector<FrameResult> results;
      for (std::int64_t t = 0; t < labels.size(0); ++t)
        results.push_back({.index = t,
                           .objects = {{.id = 7, .category = category, .score = score}},
                           .labels = (labels[t] * 7).contiguous()});
      return results;
    };
    const auto square = clip(0).labels, elsewhere = square.roll({16}, {1});
    ClipAp exact;
    exact.add(clip(-1), found(square, 0.3F, -1));
    REQUIRE(exact.metrics().size() == 3);
    for (const auto& [name, value] : exact.metrics()) CHECK(value == doctest::Approx(1));
    // The surest is wrong: half of what there is is found, with a precision of a half, at 51 of 101 recalls.
    ClipAp half;
    half.add(clip(-1), found(elsewhere, 0.9F, -1));
    half.add(clip(-1), found(square, 0.3F, -1));
    CHECK(half.metrics().at("AP") == doctest::Approx(0.5 * 51 / 101));
    // Of the square's 12 rows two are missed: IoU 5/6 passes seven of the ten thresholds.
    auto low = square.clone();
    low.narrow(1, 8, 2).fill_(0);
    ClipAp loose;
    loose.add(clip(-1), found(low, 0.9F, -1));
    CHECK(loose.metrics().at("AP") == doctest::Approx(0.7));
    CHECK(loose.metrics().at("AP75") == doctest::Approx(1));
    // Another class is another object, unless the model knows but one.
    for (const std::int64_t classes : {1, 3}) {
      ClipAp other{classes};
      other.add(clip(1), found(square, 0.9F, 2));
      CHECK(other.metrics().at("AP") == doctest::Approx(classes == 1 ? 1 : 0));
      ClipAp same{classes};
      same.add(clip(2), found(square, NAN, 2));
      CHECK(same.metrics().at("AP") == doctest::Approx(1));
    }
    // A frame that nobody has labelled does not count, and where there is no object there is no AP.
    auto unlabelled = clip(-1);
    unlabelled.labelled = {true, false, true, true};
    auto without = square.clone();
    without[1] = 0;
    ClipAp partly;
    partly.add(unlabelled, found(without, 0.9F, -1));
    CHECK(partly.metrics().at("AP") == doctest::Approx(1));
    auto empty = clip(-1);
    empty.labels = at::zeros_like(empty.labels);
    ClipAp nothing;
    nothing.add(empty, found(square, 0.9F, -1));
    CHECK(nothing.metrics().empty());
    // Masks of any shape are themselves.
    auto noise = clip(-1);
    noise.labels = at::rand({4, 32, 48}, at::detail::createCPUGenerator(3)).gt(0.8).to(at::kInt);
    ClipAp shapes;
    shapes.add(noise, found(noise.labels, 0.9F, -1));
    CHECK(shapes.metrics().at("AP") == doctest::Approx(1));
  }

  TEST_CASE("a sheet shows what was found above the truth") {
    const auto clip = wandering_square();
    const std::vector<at::Tensor> nothing(4, at::zeros({32, 48}, at::kInt));
    const auto sheet = comparison_sheet(clip, nothing, {.frames = 4, .width = 48, .least = 48});
    CHECK(sheet.sizes() == at::IntArrayRef{4 + 2 * 36, 4 + 4 * 52, 3});
    const auto rows = [&](std::int64_t top) { return sheet.narrow(0, top, 32).narrow(1, 4, 48); };
    CHECK(at::equal(rows(4), at::full({32, 48, 3}, 90, at::kByte)));
    CHECK(!at::equal(rows(40), rows(4)));
    const auto large = comparison_sheet(clip, nothing, {.frames = 2, .width = 320, .least = 96});
    CHECK(large.sizes() == at::IntArrayRef{4 + 2 * 68, 4 + 2 * 100, 3});
  }

#if VOS_OPENCV
  TEST_CASE("pictures of the best validation and of the last stay") {
    const test::Folder folder;
    PictureLog log{folder.path()};
    const auto validate = [&](std::int64_t step, bool best) {
      log.validation({.step = step, .best = best, .clips = {{.name = "c", .picture = "best 1"}}});
      log.picture(step, "best 1", grey(static_cast<int>(step)));
    };
    const auto has = [&](const std::string& step) {
      return std::filesystem::exists(folder / ("pictures/" + step + "/best 1.png"));
    };
    validate(1, true), validate(2, true), validate(3, false), validate(4, false);
    CHECK(!has("step_00000001"));
    CHECK(has("step_00000002"));
    CHECK(!has("step_00000003"));
    CHECK(at::equal(read_image(folder / "pictures/step_00000004/best 1.png"), grey(4)));
    log.validation({.step = 5});  // tells of no pictures, and takes none away
    CHECK(has("step_00000004"));
    PictureLog resumed{folder.path()};
    resumed.resumed(3);
    CHECK(!has("step_00000004"));
    CHECK(has("step_00000002"));
  }

  TEST_CASE("TensorBoard gets pictures and histograms") {
    const test::Folder folder;
    TensorBoardLog log{folder.path()};
    log.picture(7, "best 1", grey(3));
    log.histogram(7, "parameters/head.weight", at::arange(5));
    const auto bytes = read_file(log.file().path());
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    CHECK(text.find("pictures/best 1") != std::string_view::npos);
    CHECK(text.find("\x89PNG") != std::string_view::npos);
    CHECK(text.find("parameters/head.weight") != std::string_view::npos);
  }

  TEST_CASE("TensorBoard's own reader finds scalars, pictures and histograms") {
    if (!test::python_has("tensorboard")) return test::skip("there is no tensorboard");
    const test::Folder folder;
    {
      TensorBoardLog log{folder.path()};
      log.step({.step = 1, .loss = 0.5, .losses = {{"loss_mask", 0.25}}});
      log.validation({.step = 2, .metrics = {{"J&F", 0.75}}});
      log.picture(2, "best 1", grey(3));
      log.histogram(2, "parameters/weight", at::tensor({-1.0, 0.0, 0.5, 0.5, 3.0}));
      log.histogram(2, "parameters/nothing", at::full({3}, NAN));
      log.step({.step = 9, .loss = 7});
      log.resumed(2);
      log.step({.step = 3, .loss = 0.125});
    }
    const auto said =
        test::python(test::file("train/read_events.py"), "'" + (folder / "tensorboard").string() + "' 2>/dev/null");
    REQUIRE(said.has_value());
    const auto found = nlohmann::json::parse(*said);
    CHECK(found["scalars"]["loss"] == nlohmann::json{{1, 0.5}, {3, 0.125}});  // step 9 was done again
    CHECK(found["scalars"]["loss/loss_mask"][0] == nlohmann::json{1, 0.25});
    CHECK(found["scalars"]["validation/J&F"] == nlohmann::json::array({{2, 0.75}}));
    CHECK(found["pictures"]["pictures/best 1"] == nlohmann::json::array({{2, 6, 4}}));
    const auto histogram = found["histograms"]["parameters/weight"][0];
    CHECK(histogram[1] == -1);
    CHECK(histogram[2] == 3);
    CHECK(histogram[3] == 5);
    CHECK(histogram[4] == 3);
  }
#endif
}
