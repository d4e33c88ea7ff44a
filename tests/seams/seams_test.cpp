// The smallest type that satisfies each seam, and what each must refuse. The pages in docs/concepts/ quote these.
#include <algorithm>
#include <map>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <vos/core/random.hpp>
#include <vos/criterion/criterion.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/frame/detector.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/match/hungarian.hpp>
#include <vos/nn/backbone/backbone.hpp>
#include <vos/propagate/propagator.hpp>
#include <vos/track/tracker.hpp>
#include <vos/train/task.hpp>
#include <vos/video/segmenter.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

// [backbone]
/// Averages of 4x4 pixels: a backbone of one level.
struct PoolBackbone {
  std::vector<FeatureMap> operator()(const at::Tensor& images) const {
    return {{at::avg_pool2d(images, {4, 4}, {4, 4}, {0, 0}, /*ceil_mode=*/true), 4}};
  }
  std::vector<FeatureLevel> levels() const { return {{.channels = 3, .stride = 4}}; }
};
static_assert(Backbone<PoolBackbone>);
// [backbone]
static_assert(!Backbone<decltype([](const at::Tensor&) { return std::vector<FeatureMap>{}; })>,
              "heads are built from levels() before anything runs");

// [detector]
/// Finds what is bright: one candidate a frame, whose embedding is the frame's mean colour.
struct BrightDetector {
  FrameDetections operator()(const at::Tensor& frames) const {
    const auto grey = frames.mean(1);                             // [N,H,W]
    const auto sure = grey.flatten(1).amax(1);                    // [N]
    return {.logits = at::stack({sure, -sure}, -1).unsqueeze(1),  // [N,1,2]
            .masks = grey.unsqueeze(1),                           // [N,1,H,W]
            .embeddings = frames.mean({2, 3}).unsqueeze(1)};      // [N,1,3]
  }
};
static_assert(FrameDetector<BrightDetector>);
// [detector]
static_assert(!FrameDetector<PoolBackbone>, "features alone detect nothing");

// [video]
/// A clip model out of a frame model that finds one thing in each frame.
template <FrameDetector Detector>
struct SingleObjectVideo {
  Detector detect;
  VideoPrediction operator()(const at::Tensor& clips) const {
    const auto found = detect(clips.flatten(0, 1));  // [B*T,1,...]
    const auto per_clip = [&](const at::Tensor& t) { return t.unflatten(0, {clips.size(0), clips.size(1)}); };
    return {.logits = per_clip(found.logits).mean(1),                      // [B,1,2]
            .masks = per_clip(found.masks).transpose(1, 2).contiguous()};  // [B,1,T,H,W]
  }
};
static_assert(VideoSegmenter<SingleObjectVideo<BrightDetector>>);
// [video]
static_assert(!VideoSegmenter<BrightDetector>, "frames by themselves tie nothing together");

// [tracker]
/// Gives each detection the id of the nearest embedding of the frame before, and new ids to those left over.
class NearestTracker {
 public:
  Tracks step(const FrameDetections& detections) {
    const auto now = detections.embeddings[0];  // [Q,E]
    Tracks tracks;
    std::vector<bool> continued(static_cast<std::size_t>(now.size(0)));
    if (last_.defined())
      for (const auto [query, target] : match_(at::cdist(now, last_)))
        tracks.push_back({.id = ids_[static_cast<std::size_t>(target)], .query = query, .score = 1}),
            continued[static_cast<std::size_t>(query)] = true;
    for (std::int64_t query = 0; query < now.size(0); ++query)
      if (!continued[static_cast<std::size_t>(query)]) tracks.push_back({.id = ++newest_, .query = query, .score = 1});
    std::sort(tracks.begin(), tracks.end(), [](const Track& a, const Track& b) { return a.id < b.id; });
    ids_.assign(static_cast<std::size_t>(now.size(0)), 0);
    for (const auto& track : tracks) ids_[static_cast<std::size_t>(track.query)] = track.id;
    last_ = now;
    return tracks;
  }
  void reset() { *this = {}; }

 private:
  HungarianMatcher match_;
  at::Tensor last_;  // [Q,E]
  std::vector<ObjectId> ids_;
  ObjectId newest_ = 0;
};
static_assert(Tracker<NearestTracker>);
// [tracker]
struct ForgetfulTracker {
  Tracks step(const FrameDetections&) { return {}; }
};
static_assert(!Tracker<ForgetfulTracker>, "without reset() the ids of one video leak into the next");

// [propagator]
/// Expects every object where it was given.
class StillPropagator {
 public:
  void add_reference(const at::Tensor&, const at::Tensor& labels) { labels_ = merge_labels(labels_, labels); }
  at::Tensor step(const at::Tensor&) const {
    auto ids = std::get<0>(at::_unique(labels_));  // rising
    ids = at::cat({at::zeros({1}, at::kInt), ids.masked_select(ids.gt(0))});
    return labels_.unsqueeze(0).eq(ids.view({-1, 1, 1})).to(at::kFloat);  // [1+objects,H,W]
  }
  void reset() { labels_.reset(); }

 private:
  at::Tensor labels_;  // [H,W]
};
static_assert(Propagator<StillPropagator>);
// [propagator]
static_assert(!Propagator<NearestTracker>, "a tracker is given detections, not masks");

// [criterion]
/// Binary cross-entropy of every object's mask against the query of its place.
struct MaskCriterion {
  double mask_weight = 5;
  Losses operator()(const VideoPrediction& prediction, const std::vector<ClipTargets>& targets) const {
    auto sum = prediction.masks.sum() * 0;  // differentiable and finite where there are no objects
    for (std::size_t b = 0; b < targets.size(); ++b)
      if (const auto objects = targets[b].masks.size(0); objects > 0)
        sum = sum +
              at::binary_cross_entropy_with_logits(prediction.masks[static_cast<std::int64_t>(b)].narrow(0, 0, objects),
                                                   targets[b].masks.to(prediction.masks.scalar_type()));
    return {{"mask", mask_weight * sum}};
  }
};
static_assert(Criterion<MaskCriterion, VideoPrediction>);
// [criterion]
static_assert(!Criterion<MaskCriterion, FrameDetections>, "a clip's loss does not read single frames");

// [dataset]
/// Clips of a synthetic scene; the key decides where each begins.
struct SceneDataset {
  SceneRenderer renderer{scene_from("crossing,size=32x24")};
  std::int64_t length = 3;
  std::int64_t size() const { return 100; }
  Sample operator()(const SampleKey& key) const {
    CounterRandom random{key.seed, static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.index)};
    const auto first = random.below(renderer.scene().frames - length);
    std::vector<at::Tensor> frames, labels;
    for (std::int64_t t = 0; t < length; ++t) {
      auto picture = renderer.render(first + t);
      frames.push_back(picture.rgb);
      labels.push_back(picture.labels);
    }
    return {.name = "crossing",
            .frames = at::stack(frames),
            .labels = at::stack(labels),
            .ids = {1, 2},
            .categories = {-1, -1}};
  }
};
static_assert(Dataset<SceneDataset>);
// [dataset]
struct StreamOfSamples {
  std::int64_t size() const { return 1; }
  Sample operator()(const SampleKey&) { return {}; }
};
static_assert(!Dataset<StreamOfSamples>, "a call that changes the dataset depends on the order of calls");

// [task]
/// Learns one number: the mean brightness of a dataset.
struct BrightnessTask {
  struct Guess : torch::nn::Module {
    at::Tensor value = register_parameter("value", at::zeros({}));
  };
  using Batch = at::Tensor;
  SceneDataset data;
  std::shared_ptr<Guess> guess = std::make_shared<Guess>();

  /// One frame's mean after the other: number n is the same wherever one begins.
  struct Batches {
    const SceneDataset& data;
    std::int64_t number;
    Batch next() {
      const auto n = number++;
      return data({.epoch = n / data.size(), .index = n % data.size()}).frames.to(at::kFloat).mean();
    }
  };

  torch::nn::Module& module() { return *guess; }
  std::int64_t steps_per_epoch() const { return data.size(); }
  Batches batches(std::int64_t first) const { return {data, first}; }
  Losses loss(const Batch& batch) { return {{"square", (guess->value - batch / 255).square()}}; }
  Metrics validate(const Work& work) {
    work.step(1.0, "validate");
    return {{"negative error", -(guess->value - batches(0).next() / 255).abs().item<double>()}};
  }
  std::string main_metric() const { return "negative error"; }
};
static_assert(Task<BrightnessTask>);
// [task]
struct TaskWithoutFigure {
  using Batch = at::Tensor;
  torch::nn::Module& module();
  std::int64_t steps_per_epoch() const { return 1; }
  BrightnessTask::Batches batches(std::int64_t) const;
  Losses loss(const Batch&) { return {}; }
  Metrics validate(const Work&) { return {}; }
};
static_assert(!Task<TaskWithoutFigure>, "the loop must know which figure decides what is best");

}  // namespace

TEST_SUITE("seams") {
  TEST_CASE("a backbone gives the levels it announces, rounding sizes up") {
    const PoolBackbone encode;
    const auto maps = encode(at::rand({2, 3, 9, 14}));
    REQUIRE(maps.size() == encode.levels().size());
    CHECK(maps[0].values.sizes() == at::IntArrayRef{2, 3, 3, 4});
    CHECK(maps[0].stride == encode.levels()[0].stride);
  }

  TEST_CASE("a detector treats the frames of a batch each by itself") {
    const auto frames = at::rand({3, 3, 8, 8});
    const auto together = BrightDetector{}(frames), alone = BrightDetector{}(frames.narrow(0, 1, 1));
    CHECK(at::equal(together.logits[1], alone.logits[0]));
    CHECK(at::equal(together.masks[1], alone.masks[0]));
  }

  TEST_CASE("a clip model's query is one object in all frames") {
    const auto prediction = SingleObjectVideo<BrightDetector>{}(at::rand({2, 5, 3, 8, 8}));
    CHECK(prediction.masks.sizes() == at::IntArrayRef{2, 1, 5, 8, 8});
  }

  TEST_CASE(
      "a tracker keeps ids when detections change places, gives new ones to newcomers, and starts anew after reset") {
    NearestTracker tracker;
    const auto seen = [&](std::initializer_list<double> values) {
      FrameDetections detections{.embeddings =
                                     at::empty({1, static_cast<std::int64_t>(values.size()), 1}, at::kDouble)};
      std::int64_t q = 0;
      for (const auto value : values) detections.embeddings[0][q++][0] = value;
      std::map<std::int64_t, ObjectId> id_of;
      for (const auto& track : tracker.step(detections)) id_of[track.query] = track.id;
      return id_of;
    };
    CHECK(seen({0, 10}) == std::map<std::int64_t, ObjectId>{{0, 1}, {1, 2}});
    CHECK(seen({9, 1, 30}) == std::map<std::int64_t, ObjectId>{{0, 2}, {1, 1}, {2, 3}});
    tracker.reset();
    CHECK(seen({5}) == std::map<std::int64_t, ObjectId>{{0, 1}});
  }

  TEST_CASE("a propagator gives a distribution over nothing and each object") {
    StillPropagator propagate;
    auto labels = at::zeros({4, 4}, at::kInt);
    labels[1][1] = 1;
    propagate.add_reference(at::rand({1, 3, 4, 4}), labels);
    auto second = at::zeros({4, 4}, at::kInt);
    second[2][2] = 5;
    propagate.add_reference(at::rand({1, 3, 4, 4}), second);
    const auto probability = propagate.step(at::rand({1, 3, 4, 4}));
    CHECK(probability.size(0) == 3);
    CHECK(at::equal(probability.sum(0), at::ones({4, 4})));
    CHECK(probability[1][1][1].item<float>() == 1);
  }

  TEST_CASE("a criterion is differentiable and finite, with objects and without") {
    for (const std::int64_t objects : {0, 2}) {
      const VideoPrediction prediction{.masks = at::rand({1, 3, 2, 4, 4}).requires_grad_()};
      const auto losses = MaskCriterion{}(prediction, {{.masks = at::ones({objects, 2, 4, 4}, at::kBool)}});
      losses.at("mask").backward();
      CHECK(at::isfinite(losses.at("mask")).item<bool>());
      CHECK((prediction.masks.grad().abs().sum().item<double>() > 0) == (objects > 0));
    }
  }

  TEST_CASE("a dataset gives the same sample for the same key, in any order") {
    const SceneDataset data;
    const SampleKey key{.seed = 3, .epoch = 1, .index = 4};
    const auto once = data(key);
    data({.seed = 3, .epoch = 1, .index = 5});
    CHECK(at::equal(once.frames, data(key).frames));
    int differ = 0;
    for (std::uint64_t seed = 10; seed < 20; ++seed)
      differ += !at::equal(once.frames, data({.seed = seed, .epoch = 1, .index = 4}).frames);
    CHECK(differ >= 8);  // two seeds may begin at the same of 87 frames
  }

  TEST_CASE("a task is enough to train with") {
    BrightnessTask task;
    const double before = task.validate({}).at(task.main_metric());
    auto batches = task.batches(0);
    for (std::int64_t step = 0; step < 20; ++step) {
      auto& value = task.guess->value;
      task.loss(batches.next()).at("square").backward();
      const at::NoGradGuard off;
      value.sub_(0.3 * value.grad());
      value.mutable_grad().zero_();
    }
    CHECK(task.validate({}).at(task.main_metric()) > before);
  }
}
