// What every registered segmenter must hold to, whatever its family. A rule is written once and runs over the registry.
//
// Models that need weights run with filled ones, at a small size. They find objects by themselves, and what they find means
// nothing: so beside the caller's objects there may be others, and three rules are left out, each saying why. Those hold
// where a detector knows what it says: tests/segment/online_test.cpp.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stop_token>

#include <unistd.h>

#include <ATen/ATen.h>

#include <vos/data/synthetic.hpp>
#include <vos/models.hpp>

#include "../filled_weights.hpp"
#include "../small_network.hpp"
#include "../test.hpp"

using namespace vos;

namespace {

/// A short clip with its truth.
struct Clip {
  std::vector<Frame> frames;
  std::vector<at::Tensor> truth;
};

Clip clip_of(const std::string& text, std::int64_t length) {
  const SceneRenderer renderer{scene_from(text)};
  Clip clip;
  for (std::int64_t i = 0; i < length; ++i) {
    auto picture = renderer.render(i);
    clip.frames.push_back({i, static_cast<double>(i) / 25, picture.rgb});
    clip.truth.push_back(picture.labels);
  }
  return clip;
}

const Clip& small_clip() {
  static const auto clip = clip_of("crossing,size=96x64", 8);
  return clip;
}

/// One line of the registry, and how to make a fresh segmenter of it.
struct Model {
  SegmenterSpec spec;
  bool finds = false;  ///< objects that nobody prompted
  AnySegmenter operator()() const { return make_segmenter(spec); }
};

/// Filled weights for each model that needs some, made once.
std::filesystem::path weights_of(const std::string& model) {
  static const test::Folder folder;
  static std::map<std::string, std::filesystem::path> files;
  auto& file = files[model];
  if (file.empty()) file = test::write_filled_weights(folder.path(), model, test::small_network);
  return file;
}

void for_every_model(const std::function<void(const Model&)>& rule) {
  for (const auto& info : list_models()) {
    CAPTURE(info.name);
    Model model{{.model = info.name}, !info.needs_prompt};
    if (info.needs_weights) {
      model.spec.weights = weights_of(info.name);
      // Thresholds so low that there is always something to follow, to lose and to find again.
      model.spec.options = {{"birth", "0.2"}, {"keep", "0.15"}, {"back", "0.2"}, {"patience", "2"}};
    }
    rule(model);
  }
}

void check_well_formed(const FrameResult& result, const Frame& frame) {
  CHECK(result.index == frame.index);
  CHECK(result.seconds == frame.seconds);
  REQUIRE(result.labels.defined());
  CHECK((result.labels.scalar_type() == at::kInt));
  CHECK(result.labels.is_contiguous());
  CHECK(result.height() == frame.height());
  CHECK(result.width() == frame.width());
  const auto extents = label_extents(result.labels);
  ObjectId last = 0;
  for (const auto& object : result.objects) {
    CAPTURE(object.id);
    CHECK(object.id > last);
    last = object.id;
    CHECK(object.score >= 0);
    CHECK(object.score <= 1);
    const auto found = extents.find(object.id);
    CHECK((object.state == ObjectState::visible) == (found != extents.end()));
    if (found != extents.end()) CHECK(object.box == found->second.box);
    else CHECK((object.box.empty() && object.score == 0));
  }
  for (const auto& [id, extent] : extents) CHECK(result.find(id) != nullptr);
}

/// The results of a whole clip, however late they come.
std::vector<FrameResult> run(AnySegmenter& segmenter, const Clip& clip,
                             const std::map<std::int64_t, at::Tensor>& prompts,
                             const std::function<void(std::int64_t)>& after_push = {}) {
  std::vector<FrameResult> all;
  for (const auto& frame : clip.frames) {
    if (const auto given = prompts.find(frame.index); given != prompts.end()) segmenter.prompt(frame, given->second);
    auto results = segmenter.push(frame);
    if (segmenter.latency().online()) REQUIRE(results.size() == 1);
    for (auto& result : results) all.push_back(std::move(result));
    if (after_push) after_push(frame.index);
  }
  for (auto& result : segmenter.finish()) all.push_back(std::move(result));
  REQUIRE(all.size() == clip.frames.size());
  for (std::size_t i = 0; i < all.size(); ++i) check_well_formed(all[i], clip.frames[i]);
  return all;
}

bool same(const std::vector<FrameResult>& a, const std::vector<FrameResult>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].index != b[i].index || a[i].objects != b[i].objects || !at::equal(a[i].labels, b[i].labels)) return false;
  return true;
}

std::vector<ObjectId> ids_of(const FrameResult& result) {
  std::vector<ObjectId> ids;
  for (const auto& object : result.objects) ids.push_back(object.id);
  return ids;
}

/// These are listed, and nothing else but what the model has found.
bool lists(const Model& model, const FrameResult& result, const std::vector<ObjectId>& wanted) {
  const auto ids = ids_of(result);
  return model.finds ? std::includes(ids.begin(), ids.end(), wanted.begin(), wanted.end()) : ids == wanted;
}

/// Each object of `given` lies exactly there.
bool shows(const FrameResult& result, const at::Tensor& given) {
  for (const auto& [id, extent] : label_extents(given))
    if (!at::equal(result.labels.eq(id), given.eq(id))) return false;
  return true;
}

at::Tensor square(std::int64_t height, std::int64_t width, std::int64_t y, std::int64_t x, std::int64_t side,
                  ObjectId id) {
  auto labels = at::zeros({height, width}, at::kInt);
  labels.slice(0, y, y + side).slice(1, x, x + side).fill_(id);
  return labels;
}

double resident_mb() {
  std::ifstream statm{"/proc/self/statm"};
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace

TEST_SUITE("conformance") {
  TEST_CASE("one result a frame, in order, at the frame's size, every object in it") {
    for_every_model([](const Model& make) {
      auto segmenter = make();
      const auto results = run(segmenter, small_clip(), {{0, small_clip().truth[0]}});
      for (const auto& result : results) CHECK(lists(make, result, {1, 2}));
    });
  }

  TEST_CASE("the frame that is prompted shows the given masks exactly") {
    for_every_model([](const Model& make) {
      auto segmenter = make();
      const auto results = run(segmenter, small_clip(), {{0, small_clip().truth[0]}, {4, small_clip().truth[4]}});
      CHECK(shows(results[0], small_clip().truth[0]));
      CHECK(shows(results[4], small_clip().truth[4]));
      if (make.finds) return;
      CHECK(at::equal(results[0].labels, small_clip().truth[0]));
    });
  }

  TEST_CASE("the same input gives bit-equal output, in a fresh segmenter and after reset") {
    for_every_model([](const Model& make) {
      auto first = make(), second = make();
      const auto expected = run(first, small_clip(), {{0, small_clip().truth[0]}});
      CHECK(same(run(second, small_clip(), {{0, small_clip().truth[0]}}), expected));
      first.reset();
      CHECK(first.objects().empty());
      CHECK(same(run(first, small_clip(), {{0, small_clip().truth[0]}}), expected));
    });
  }

  TEST_CASE("a snapshot taken in mid-video goes on exactly as the run it was taken from") {
    for_every_model([](const Model& make) {
      auto straight = make();
      Snapshot middle;
      const auto expected = run(straight, small_clip(), {{0, small_clip().truth[0]}}, [&](std::int64_t index) {
        if (index == 3) middle = straight.snapshot();
      });
      auto other = make();
      for (int round = 0; round < 2; ++round) {  // the same snapshot serves twice: what follows does not wear it out
        other.restore(middle);
        CHECK(other.objects().contains(1));
        CHECK(other.objects().contains(2));
        if (!make.finds) CHECK(other.objects().size() == 2);
        std::vector<FrameResult> results;
        for (std::size_t i = 4; i < small_clip().frames.size(); ++i)
          for (auto& result : other.push(small_clip().frames[i])) results.push_back(std::move(result));
        for (auto& result : other.finish()) results.push_back(std::move(result));
        REQUIRE(!results.empty());
        const auto owed = static_cast<std::ptrdiff_t>(results.size());
        CHECK(same(results, {expected.end() - owed, expected.end()}));
      }
    });
  }

  TEST_CASE("ids are the caller's: not contiguous, large, and never another object's") {
    for_every_model([](const Model& make) {
      auto segmenter = make();
      auto labels = small_clip().truth[0].clone();
      labels.masked_fill_(small_clip().truth[0].eq(1), 70000);
      labels.masked_fill_(small_clip().truth[0].eq(2), 3);
      for (const auto& result : run(segmenter, small_clip(), {{0, labels}})) CHECK(lists(make, result, {3, 70000}));
    });
  }

  TEST_CASE("an object joins later by a mask that brings only it; the others stay") {
    for_every_model([](const Model& make) {
      auto segmenter = make();
      const auto& truth = small_clip().truth;
      const auto results =
          run(segmenter, small_clip(), {{0, truth[0] * truth[0].eq(1)}, {3, truth[3] * truth[3].eq(2)}});
      CHECK(lists(make, results[2], {1}));
      CHECK(lists(make, results[3], {1, 2}));
      if (!make.finds) CHECK(results[3].find(1)->state == ObjectState::visible);  // else it is where a detector sees it
      CHECK(lists(make, results[7], {1, 2}));
    });
  }

  TEST_CASE("a prompt at the frame pushed last corrects what follows") {
    for_every_model([](const Model& make) {
      if (!make().latency().online() || make.finds) return;  // a mask goes on only as a detection
      const auto& clip = small_clip();
      auto segmenter = make();
      segmenter.prompt(clip.frames[0], square(64, 96, 2, 2, 6, 1));  // a poor start, far from the object
      segmenter.push(clip.frames[0]);
      segmenter.push(clip.frames[1]);
      const at::Tensor better = clip.truth[1] * clip.truth[1].eq(1);
      segmenter.prompt(clip.frames[1], better);
      const FrameResult next = segmenter.push(clip.frames[2]);
      const auto mine = next.labels.eq(1), right = better.eq(1);
      const auto both = (mine & right).sum().item<double>(), all = (mine | right).sum().item<double>();
      CHECK(both / all > 0.5);
    });
  }

  TEST_CASE("a removed object is gone, the others stay, and its id may come back") {
    for_every_model([](const Model& make) {
      const auto& clip = small_clip();
      auto segmenter = make();
      const auto results =
          run(segmenter, clip, {{0, clip.truth[0]}, {6, clip.truth[6] * clip.truth[6].eq(1)}}, [&](std::int64_t index) {
            if (index == 2) segmenter.remove(1);
          });
      if (!segmenter.latency().online()) return;
      CHECK(lists(make, results[3], {2}));
      CHECK(results[3].find(1) == nullptr);
      CHECK(results[3].labels.eq(1).sum().item<int>() == 0);
      CHECK(lists(make, results[6], {1, 2}));
    });
  }

  TEST_CASE("a frame of another size in mid-video is answered at its own size") {
    for_every_model([](const Model& make) {
      const auto large = clip_of("crossing,size=144x96", 8);
      auto mixed = small_clip();
      for (const std::size_t i : {2U, 3U, 6U}) mixed.frames[i] = large.frames[i];
      auto segmenter = make();
      const auto results = run(segmenter, mixed, {{0, mixed.truth[0]}, {6, large.truth[6]}});
      CHECK(results[3].labels.size(1) == 144);
      CHECK(results[4].labels.size(1) == 96);
      CHECK(results[6].find(1)->state == ObjectState::visible);
    });
  }

  TEST_CASE("no objects, and prompts of nothing but zeros, give empty results") {
    for_every_model([](const Model& make) {
      if (make.finds) return;  // it needs no prompt
      auto segmenter = make();
      for (const auto& result : run(segmenter, small_clip(), {{0, at::zeros({64, 96}, at::kInt)}})) {
        CHECK(result.objects.empty());
        CHECK(result.labels.any().item<bool>() == false);
      }
    });
  }

  TEST_CASE("one pixel, the whole frame, and frames down to one pixel are tracked or lost, never a crash") {
    for_every_model([](const Model& make) {
      auto segmenter = make();
      run(segmenter, small_clip(), {{0, square(64, 96, 30, 40, 1, 5)}});
      segmenter.reset();
      run(segmenter, small_clip(), {{0, at::full({64, 96}, 9, at::kInt)}});
      for (const auto* size : {"1x1", "2x3", "16x16", "64x1", "33x17"}) {
        CAPTURE(size);
        const auto clip = clip_of(std::string{"crossing,size="} + size, 4);
        segmenter.reset();
        run(segmenter, clip, {{0, at::full_like(clip.truth[0], 1)}});
        segmenter.reset();
        run(segmenter, clip, {{1, clip.truth[1]}});
      }
    });
  }

  TEST_CASE("indices may have gaps and need not begin at zero") {
    for_every_model([](const Model& make) {
      auto clip = small_clip();
      for (std::size_t i = 0; i < clip.frames.size(); ++i)
        clip.frames[i].index = 100 + 7 * static_cast<std::int64_t>(i);
      auto segmenter = make();
      CHECK(run(segmenter, clip, {{100, clip.truth[0]}}).back().index == 149);
    });
  }

  TEST_CASE("illegal calls are refused and leave no trace") {
    for_every_model([](const Model& make) {
      const auto& clip = small_clip();
      auto undisturbed = make();
      const auto expected = run(undisturbed, clip, {{0, clip.truth[0]}, {5, clip.truth[5]}});

      auto segmenter = make();
      const auto disturb = [&](std::int64_t index) {
        const auto& frame = clip.frames[static_cast<std::size_t>(index)];
        CHECK_THROWS_AS(segmenter.push(frame), Error);                                         // not rising
        CHECK_THROWS_AS(segmenter.remove(77), Error);                                          // unknown
        CHECK_THROWS_AS(segmenter.prompt(frame, at::zeros({64, 95}, at::kInt)), Error);        // another size
        CHECK_THROWS_AS(segmenter.prompt(frame, at::full({64, 96}, -1, at::kInt)), Error);     // negative id
        CHECK_THROWS_AS(segmenter.prompt(frame, at::full({64, 96}, 0.5, at::kFloat)), Error);  // not whole numbers
        CHECK_THROWS_AS(segmenter.prompt(frame, at::Tensor{}), Error);
        CHECK_THROWS_AS(segmenter.push({index + 1, 0, at::zeros({64, 96}, at::kByte)}), Error);  // not three channels
        CHECK_THROWS_AS(segmenter.push({index + 1, 0, {}}), Error);
        CHECK_THROWS_AS(segmenter.restore(Snapshot{}), Error);
        if (index > 0) CHECK_THROWS_AS(segmenter.prompt(clip.frames[0], clip.truth[0]), Error);  // in the past
      };
      CHECK(same(run(segmenter, clip, {{0, clip.truth[0]}, {5, clip.truth[5]}}, disturb), expected));
      CHECK_THROWS_AS(segmenter.push({1000, 0, clip.frames[0].rgb}), Error);  // finished
      CHECK_THROWS_AS(segmenter.finish(), Error);
      CHECK_THROWS_AS(segmenter.remove(1), Error);
    });
  }

  TEST_CASE("a prompted frame must be the next to be pushed") {
    for_every_model([](const Model& make) {
      const auto& clip = small_clip();
      auto segmenter = make();
      segmenter.prompt(clip.frames[2], clip.truth[2]);
      CHECK_THROWS_AS(segmenter.push(clip.frames[1]), Error);
      CHECK_THROWS_AS(segmenter.prompt(clip.frames[3], clip.truth[3]), Error);
      CHECK(segmenter.push(clip.frames[2]).size() <= 1);
      segmenter.prompt(clip.frames[3], clip.truth[3]);
      CHECK_THROWS_AS(segmenter.prompt(clip.frames[2], clip.truth[2]), Error);  // which of the two would hold?
    });
  }

  TEST_CASE("a stop leaves the state as it was: the same push works afterwards and gives the same") {
    for_every_model([](const Model& make) {
      const auto& clip = small_clip();
      auto undisturbed = make(), segmenter = make();
      const auto expected = run(undisturbed, clip, {{0, clip.truth[0]}});
      std::stop_source stop;
      stop.request_stop();
      const auto interrupt = [&](std::int64_t index) {
        if (index + 1 < static_cast<std::int64_t>(clip.frames.size()))
          CHECK_THROWS_AS(segmenter.push(clip.frames[static_cast<std::size_t>(index + 1)], {.stop = stop.get_token()}),
                          Cancelled);
      };
      CHECK(same(run(segmenter, clip, {{0, clip.truth[0]}}, interrupt), expected));
    });
  }

  TEST_CASE("frames, labels and results already given are never written again") {
    for_every_model([](const Model& make) {
      const auto clip = clip_of("crossing,size=96x64", 6);
      const auto rgb = clip.frames[1].rgb.clone(), labels = clip.truth[0].clone();
      auto segmenter = make();
      std::vector<std::pair<at::Tensor, at::Tensor>> given;
      segmenter.prompt(clip.frames[0], clip.truth[0]);
      for (const auto& frame : clip.frames)
        for (const auto& result : segmenter.push(frame)) given.emplace_back(result.labels, result.labels.clone());
      for (const auto& [now, then] : given) CHECK(at::equal(now, then));
      CHECK(at::equal(clip.frames[1].rgb, rgb));
      CHECK(at::equal(clip.truth[0], labels));
    });
  }

  TEST_CASE("any order of legal calls keeps results well formed") {
    for_every_model([](const Model& make) {
      const auto clip = clip_of("crowd,size=80x48,objects=5", 24);
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        CAPTURE(seed);
        CounterRandom random{seed, 0xC0F0};
        auto segmenter = make();
        Snapshot kept;
        std::int64_t kept_at = 0;
        for (std::int64_t i = 0, steps = 0; i < 24 && steps < 60; ++steps) {
          const auto& frame = clip.frames[static_cast<std::size_t>(i)];
          const auto choice = random.below(10);
          if (choice < 2)
            segmenter.prompt(frame, clip.truth[static_cast<std::size_t>(i)] *
                                        clip.truth[static_cast<std::size_t>(i)].eq(1 + random.below(5)));
          else if (choice == 2 && !segmenter.objects().empty()) segmenter.remove(*segmenter.objects().begin());
          else if (choice == 3) kept = segmenter.snapshot(), kept_at = i;
          else if (choice == 4 && !kept.empty()) segmenter.restore(kept), i = kept_at;
          else if (choice == 5 && random.below(8) == 0) segmenter.reset();
          else {
            for (const auto& result : segmenter.push(frame)) {
              check_well_formed(result, clip.frames[static_cast<std::size_t>(result.index)]);
              const auto ids = ids_of(result);
              if (segmenter.latency().online())
                CHECK(std::set<ObjectId>(ids.begin(), ids.end()) == segmenter.objects());
            }
            ++i;
          }
        }
      }
    });
  }

  TEST_CASE("memory does not grow with the frames") {
    for_every_model([](const Model& make) {
      const auto clip = clip_of("crossing,size=96x64", 60);
      auto segmenter = make();
      if (segmenter.latency().frames == Latency::whole_video) return;
      segmenter.prompt(clip.frames[0], clip.truth[0]);
      double settled = 0;
      for (std::int64_t i = 0; i < 300; ++i) {
        auto frame = clip.frames[static_cast<std::size_t>(i % 60)];
        frame.index = i;
        segmenter.push(frame);
        if (i == 100) settled = resident_mb();
      }
      CHECK(resident_mb() - settled < 4);  // a frame kept whole would be 200 x 18 KB; the soak suite measures the slope
    });
  }
}
