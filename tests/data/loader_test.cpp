#include <atomic>
#include <chrono>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <pthread.h>
#include <sys/resource.h>

#include <vos/data/loader.hpp>
#include <vos/data/mixed_dataset.hpp>
#include <vos/data/paste.hpp>
#include <vos/data/pseudo_clip.hpp>
#include <vos/data/synthetic_dataset.hpp>

#include "../test.hpp"
#include "samples.hpp"

using namespace vos;

namespace {

/// Samples that say what they are: one pixel, the index in it.
struct Numbers {
  std::int64_t count = 10;
  std::int64_t size() const { return count; }
  Sample operator()(const SampleKey& key) const {
    return {.name = std::to_string(key.index), .frames = at::full({1, 1, 1, 3}, key.index, at::kByte)};
  }
};

/// A still image that a synthetic scene gives, as a clip: pseudo-clips from beginning to end.
auto pseudo_clips() {
  SyntheticDatasetOptions image{.samples = 12, .height = 90, .width = 120, .clip = {.length = 1}};
  Transforms to_clip;
  to_clip.then(PseudoClip{{.length = 3, .flipped = 0.3}});
  return TransformedDataset<SyntheticDataset>{SyntheticDataset{image}, to_clip};
}

AnyDataset everything() {
  SyntheticDatasetOptions clips{.samples = 12, .height = 90, .width = 120, .clip = {.length = 3, .most_gap = 4}};
  auto named = clips;
  named.scene = "crossing,size=120x90";
  Transforms all = test::every_transform();
  using Inner = TransformedDataset<PastingDataset<ConcatDataset>>;
  const ConcatDataset parts{{SyntheticDataset{clips}, SyntheticDataset{named}, pseudo_clips()}};
  return Inner{PastingDataset<ConcatDataset>{parts, {.probability = 0.5, .paste = {.least_area = 10}}}, all};
}

/// While it lives `count` more threads can be started, if they are not many: each asks for a large stack, and the address
/// space ends soon after.
class FewThreads {
 public:
  explicit FewThreads(std::size_t count) {
    constexpr std::size_t stack = std::size_t{4} << 30;
    std::size_t pages = 0;
    std::ifstream{"/proc/self/statm"} >> pages;
    pthread_getattr_default_np(&before_);
    pthread_attr_t large;
    pthread_attr_init(&large);
    pthread_attr_setstacksize(&large, stack);
    pthread_setattr_default_np(&large);
    pthread_attr_destroy(&large);
    getrlimit(RLIMIT_AS, &limit_);
    auto narrow = limit_;
    narrow.rlim_cur = pages * 4096 + count * stack + stack / 2;  // half a stack for all else
    setrlimit(RLIMIT_AS, &narrow);
  }
  ~FewThreads() {
    setrlimit(RLIMIT_AS, &limit_);
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  FewThreads(const FewThreads&) = delete;
  FewThreads& operator=(const FewThreads&) = delete;

 private:
  pthread_attr_t before_;
  rlimit limit_;
};

std::vector<Batch> batches(const AnyDataset& dataset, LoaderOptions options, int count) {
  Loader loader{dataset, options};
  std::vector<Batch> all;
  for (int i = 0; i < count; ++i) all.push_back(loader.next());
  return all;
}

}  // namespace

TEST_SUITE("loader") {
  TEST_CASE("a sample asked for twice, in any order, from any number of workers, is bit-equal") {
    const auto dataset = everything();
    const LoaderOptions options{.seed = 5, .batch = 3, .workers = 0, .collate = {.multiple = 32}};
    const auto first = batches(dataset, options, 14);  // more than an epoch of 12 steps
    CHECK(first[0].frames.sizes() == at::IntArrayRef{3, 3, 64, 96, 3});
    std::set<std::int64_t> met;
    for (int s = 0; s < 12; ++s)
      for (const auto& key : first[static_cast<std::size_t>(s)].keys) met.insert(key.index);
    CHECK(met.size() == 36);
    for (const int workers : {1, 2, 4}) {
      auto with = options;
      with.workers = workers;
      const auto again = batches(dataset, with, 14);
      for (std::size_t i = 0; i < again.size(); ++i) {
        CHECK(again[i].step == first[i].step);
        CHECK((again[i].keys == first[i].keys));
        CHECK(at::equal(again[i].frames, first[i].frames));
        for (std::size_t b = 0; b < 3; ++b) CHECK(test::same_sample(again[i].targets[b], first[i].targets[b]));
      }
    }
    for (std::size_t i = first.size(); i-- > 0;)  // one by one, backwards
      for (std::size_t b = 0; b < 3; ++b) CHECK(test::same_sample(dataset(first[i].keys[b]), first[i].targets[b]));
  }

  TEST_CASE("a run that begins at any step sees what the whole run saw there") {
    const LoaderOptions options{.batch = 3, .workers = 2};
    const auto whole = batches(Numbers{}, options, 9);
    CHECK(whole[3].epoch == 1);  // 10 samples make 3 steps of 3
    for (const std::int64_t step : {1, 2, 3, 7}) {
      auto from = options;
      from.first_step = step;
      const auto rest = batches(Numbers{}, from, 2);
      CHECK(rest[0].step == step);
      for (std::size_t i = 0; i < 2; ++i) CHECK((rest[i].keys == whole[static_cast<std::size_t>(step) + i].keys));
    }
    CHECK((whole[0].keys != whole[3].keys));
  }

  TEST_CASE("processes share an epoch without meeting") {
    std::set<std::int64_t> met;
    for (std::int64_t rank = 0; rank < 3; ++rank)
      for (const auto& batch : batches(Numbers{24}, {.batch = 2, .rank = rank, .ranks = 3}, 4))
        for (const auto& key : batch.keys) CHECK(met.insert(key.index).second);
    CHECK(met.size() == 24);
    const auto plain = batches(Numbers{6}, {.batch = 2, .shuffled = false}, 3);
    CHECK(plain[1].keys[1].index == 3);
  }

  TEST_CASE("an error arrives with its batch and names its sample; the next batch comes after it") {
    struct Sour : Numbers {
      Sample operator()(const SampleKey& key) const {
        if (key.index == 5) throw Error({.what = "sour", .where = "file.jpg"});
        return Numbers::operator()(key);
      }
    };
    for (const int workers : {0, 2}) {
      Loader loader{Sour{{10}}, {.batch = 2, .workers = workers, .shuffled = false}};
      loader.next();
      loader.next();
      CHECK_THROWS_WITH_AS(loader.next(), doctest::Contains("file.jpg, sample 5 of epoch 0, seed 1"), Error);
      CHECK(loader.next().keys[0].index == 6);
    }
  }

  TEST_CASE("work ahead is bounded, and a loader may be left at any time") {
    struct Counting : Numbers {
      std::atomic<int>* made;
      Sample operator()(const SampleKey& key) const {
        ++*made;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
        return Numbers::operator()(key);
      }
    };
    std::atomic<int> made = 0;
    {
      Loader loader{Counting{{100}, &made}, {.batch = 4, .workers = 4, .ahead = 2}};
      loader.next();
      std::this_thread::sleep_for(std::chrono::milliseconds{150});
      CHECK(made <= 4 * 4);  // the one that was given, the one to be given and two ahead
      CHECK(made >= 4);
    }
    for (int i = 0; i < 20; ++i) Loader{Counting{{100}, &made}, {.batch = 4, .workers = 3}};
  }

  TEST_CASE("ATen runs on one thread inside workers, and as before outside") {
    struct Threads : Numbers {
      Sample operator()(const SampleKey&) const {
        at::rand({300, 300}).mm(at::rand({300, 300}));  // whatever starts threads has done so now
        return {.frames = at::full({1, 1, 1, 3}, at::get_num_threads(), at::kByte)};
      }
    };
    const auto before = at::get_num_threads();
    at::set_num_threads(3);
    Loader loader{Threads{}, {.batch = 4, .workers = 3}};
    CHECK(loader.next().frames.max().item<int>() == 1);
    CHECK(at::get_num_threads() == 3);
    int fresh = 0;
    std::thread{[&] { fresh = at::get_num_threads(); }}.join();
    CHECK(fresh == 3);
    at::set_num_threads(before);
  }

  TEST_CASE("where a worker cannot be started the others are stopped, and the loader says so") {
    const auto before = at::get_num_threads();
    at::set_num_threads(3);
    std::string refused;
    {
      const FewThreads two{2};
      try {
        Loader{Numbers{100}, {.workers = 8, .ahead = 0}};  // one sample to make: the other worker waits
      } catch (const Error& error) {
        refused = error.what();
      }
    }
    CHECK(refused.find("worker 3 of 8 cannot be started") != std::string::npos);
    CHECK(at::get_num_threads() == 3);
    int fresh = 0;
    std::thread{[&] { fresh = at::get_num_threads(); }}.join();
    CHECK(fresh == 3);
    at::set_num_threads(before);
    CHECK(batches(Numbers{100}, {.batch = 2, .workers = 8}, 3).size() == 3);
  }

  TEST_CASE("a process that is none of those there are, and a step before the first, are refused") {
    const auto refusal = [](const LoaderOptions& options) {
      try {
        Loader{Numbers{24}, options};
      } catch (const Error& error) {
        CHECK(error.parts().exit_code == exit_code::usage);
        return error.parts().what;
      }
      return std::string{"not refused"};
    };
    CHECK(refusal({.rank = 2, .ranks = 2}) == "process 2 of 2");
    CHECK(refusal({.rank = -1, .ranks = 2}) == "process -1 of 2");
    CHECK(refusal({.ranks = 0}) == "process 0 of 0");
    CHECK(refusal({.first_step = -1}) == "a run that begins at step -1");
    CHECK(refusal({.batch = 0}).find("a batch of 0") == 0);
    CHECK(refusal({.rank = 1, .ranks = 2}) == "not refused");
  }

  TEST_CASE("samples that fill no step are others in each epoch where it is shuffled, else always the last") {
    const auto left_out = [](bool shuffled) {
      std::set<std::int64_t> out;
      for (std::int64_t epoch = 0; epoch < 8; ++epoch) {
        std::set<std::int64_t> met;
        Loader loader{Numbers{10}, {.batch = 4, .first_step = 2 * epoch, .workers = 0, .shuffled = shuffled}};
        for (int step = 0; step < 2; ++step)
          for (const auto& key : loader.next().keys) met.insert(key.index);
        CHECK(met.size() == 8);
        for (std::int64_t i = 0; i < 10; ++i)
          if (!met.contains(i)) out.insert(i);
      }
      return out;
    };
    CHECK((left_out(false) == std::set<std::int64_t>{8, 9}));
    CHECK(left_out(true).size() > 4);
  }

  TEST_CASE("a batch becomes the floats that its samples would, rounded as NumPy rounds where asked") {
    const auto values = at::arange(256 * 3, at::kLong).remainder(256).toType(at::kByte);
    std::vector<Sample> samples{{.frames = values.reshape({1, 16, 16, 3})},
                                {.frames = values.slice(0, 0, 8 * 20 * 3).reshape({1, 8, 20, 3})}};
    const auto batch = collated(samples, {.multiple = 8});
    for (const bool numpy : {false, true}) {
      const NormaliseOptions options{.mean = {0.4, 0.5, 0.6}, .numpy_rounding = numpy};
      const auto input = model_input(batch, at::kCPU, options);
      CHECK(input.sizes() == at::IntArrayRef{2, 1, 3, 16, 24});
      CHECK(input.is_contiguous());
      CHECK(at::equal(input[0].narrow(3, 0, 16), normalised(samples[0].frames, options)));
      CHECK(at::equal(input[1].narrow(2, 0, 8).narrow(3, 0, 20), normalised(samples[1].frames, options)));
      CHECK(input[1].narrow(2, 8, 8).abs().sum().item<double>() == 0);
      CHECK(input[0].narrow(3, 16, 8).abs().sum().item<double>() == 0);
    }
  }

  TEST_CASE("batches stand at the upper left in black, and become floats with zeros where nothing is") {
    std::vector<Sample> samples{{.frames = at::full({2, 3, 5, 3}, 200, at::kByte)},
                                {.frames = at::full({2, 4, 2, 3}, 100, at::kByte)}};
    const auto batch = collated(samples, {.multiple = 4});
    CHECK(batch.frames.sizes() == at::IntArrayRef{2, 2, 4, 8, 3});
    CHECK((batch.sizes == std::vector<PictureSize>{{3, 5}, {4, 2}}));
    CHECK(batch.frames.sum().item<std::int64_t>() == 2 * 3 * (3 * 5 * 200 + 4 * 2 * 100));
    CHECK(batch.targets[1].frames.sizes() == at::IntArrayRef{2, 4, 2, 3});
    const auto input = model_input(batch, at::kCPU);
    CHECK(input.sizes() == at::IntArrayRef{2, 2, 3, 4, 8});
    for (std::int64_t b = 0; b < 2; ++b) {
      const auto [h, w] = batch.sizes[static_cast<std::size_t>(b)];
      CHECK(
          at::equal(input[b].narrow(2, 0, h).narrow(3, 0, w), normalised(samples[static_cast<std::size_t>(b)].frames)));
    }
    CHECK(input[1].narrow(3, 2, 6).abs().sum().item<double>() == 0);
    CHECK_THROWS_WITH_AS(collated({samples[0], {.frames = at::zeros({1, 2, 2, 3}, at::kByte)}}),
                         doctest::Contains("1 frames in a batch with one of 2"), Error);
    CHECK_THROWS_AS((Loader{Numbers{3}, {.batch = 4}}), Error);
  }

  TEST_CASE("transforms of one name inside and outside a dataset draw unlike numbers") {
    SyntheticDatasetOptions options{.scene = "crossing,size=60x40", .samples = 64, .clip = {.length = 1}};
    options.transforms.then(Flip{});
    Transforms outer;
    outer.then(Flip{});
    const TransformedDataset<SyntheticDataset> both{SyntheticDataset{options}, outer};
    int turned = 0;
    for (std::int64_t i = 0; i < 64; ++i) {
      SampleKey within{scramble(1), 0, i};
      options.transforms = {};
      turned += !at::equal(both({1, 0, i}).frames, SyntheticDataset{options}(within).frames);
    }
    CHECK(turned > 16);  // 32 expected, deviation 4; none or all if both drew the same
    CHECK(turned < 48);
  }

  TEST_CASE("mixtures give each part its share, spread over the part") {
    const MixedDataset mixed{{{Numbers{100}, 3}, {Numbers{4}, 1}}, 40};
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      std::set<std::string> large;
      std::multiset<std::string> small;
      for (std::int64_t i = 0; i < 40; ++i) {
        const auto name = mixed({1, epoch, i}).name;
        if (i < 30) large.insert(name);
        else small.insert(name);
      }
      CHECK(large.size() == 30);
      for (const auto* name : {"0", "1", "2", "3"}) CHECK(small.count(name) >= 2);
    }
    CHECK_THROWS_AS((MixedDataset{{{Numbers{0}, 1}}, 3}), Error);
    CHECK_THROWS_AS((MixedDataset{{{Numbers{4}, std::numeric_limits<double>::infinity()}}, 3}), Error);
  }

  TEST_CASE("a mixture of nothing, or of no samples, is refused") {
    const std::vector<WeightedPart> none;
    CHECK_THROWS_WITH_AS((MixedDataset{none, 3}), doctest::Contains("a mixture of 0 datasets"), Error);
    CHECK_THROWS_WITH_AS((MixedDataset{{{Numbers{4}, 1}}, 0}), doctest::Contains("with 0 samples an epoch"), Error);
  }

  TEST_CASE("pseudo-clips move a little, keep the ids, and walk by smaller steps than they jump") {
    const SyntheticDataset images{{.samples = 8, .height = 90, .width = 120, .clip = {.length = 1}}};
    const auto distance = [&](PseudoMotion motion) {
      double sum = 0;
      for (std::int64_t i = 0; i < 8; ++i) {
        auto image = images({3, 0, i});
        CHECK(length_of(image) == 1);
        CounterRandom random{static_cast<std::uint64_t>(i)};
        const auto clip = PseudoClip{{.length = 4, .motion = motion}}(image, random);
        CHECK(clip.frames.sizes() == at::IntArrayRef{4, 90, 120, 3});
        CHECK(clip.ids == image.ids);
        CHECK(!at::equal(clip.frames[0], clip.frames[1]));
        for (std::int64_t t = 1; t < 4; ++t)
          sum += (clip.labels[t] > 0).logical_xor(clip.labels[t - 1] > 0).toType(at::kFloat).mean().item<double>();
      }
      return sum;
    };
    const double walked = distance(PseudoMotion::walk), jumped = distance(PseudoMotion::independent);
    CHECK(walked > 0);
    CHECK(walked < jumped);
  }

  TEST_CASE("what is pasted hides what lies behind, and what is hidden is dropped") {
    const auto block = [](std::int64_t x0, std::int64_t x1, int colour) {
      Sample sample{.frames = at::full({2, 20, 20, 3}, colour, at::kByte),
                    .labels = at::zeros({2, 20, 20}, at::kInt),
                    .ids = {4},
                    .categories = {colour}};
      sample.labels.narrow(2, x0, x1 - x0).fill_(4);
      return sample;
    };
    CounterRandom random{1};
    const PasteOptions front{.order = PasteOrder::pasted_in_front, .least_area = 10};
    const auto beside = pasted(block(0, 10, 50), block(5, 12, 90), front, random);
    CHECK(beside.ids == std::vector<ObjectId>{1, 2});
    CHECK(beside.categories == std::vector<std::int32_t>{50, 90});
    CHECK((beside.labels == 1).sum().item<int>() == 2 * 20 * 5);
    CHECK((beside.labels == 2).sum().item<int>() == 2 * 20 * 7);
    CHECK(at::equal(beside.frames.select(3, 0) == 90, beside.labels == 2));
    const auto hidden = pasted(block(0, 10, 50), block(0, 15, 90), front, random);
    CHECK(hidden.categories == std::vector<std::int32_t>{90});
    CHECK(hidden.ids == std::vector<ObjectId>{1});
    CHECK(hidden.labels.max().item<int>() == 1);
    int behind = 0;
    for (std::uint64_t key = 0; key < 60; ++key) {
      CounterRandom draw{key};
      const auto either =
          pasted(block(0, 10, 50), block(5, 12, 90), {.order = PasteOrder::random, .least_area = 10}, draw);
      const auto pasted_area = (either.labels == 2).sum().item<int>();
      CHECK((pasted_area == 2 * 20 * 7 || pasted_area == 2 * 20 * 2));
      CHECK(at::equal(either.frames.select(3, 0) == 90, either.labels == 2));
      behind += pasted_area == 2 * 20 * 2;
    }
    CHECK(behind > 15);
    CHECK(behind < 45);
    auto partly = block(0, 10, 50), other = partly;
    partly.labelled = {true, false};
    CHECK(beside.labelled.empty());
    CHECK(pasted(partly, other, front, random).labelled == std::vector<bool>{true, false});
    CHECK(pasted(other, partly, front, random).labelled == std::vector<bool>{true, false});
    other.labelled = {false, true};
    CHECK(pasted(partly, other, front, random).labelled == std::vector<bool>{false, false});
    auto masked = block(0, 10, 50);  // masks in place of a label map on one side: masks come out
    masked.masks = masks_of(masked);
    masked.labels = at::Tensor{};
    const auto both = pasted(masked, block(5, 12, 90), front, random);
    CHECK(!both.labels.defined());
    CHECK(at::equal(labels_of(both), beside.labels));
  }
}
