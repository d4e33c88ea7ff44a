#include <map>
#include <memory>
#include <vector>

#include <ATen/ATen.h>

#include <vos/core/options.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/synthetic_dataset.hpp>
#include <vos/model/vita_tcovis/entry.hpp>
#include <vos/model/vita_tcovis/segmenter.hpp>
#include <vos/nn/for_inference.hpp>
#include <vos/train/tracking_validation.hpp>
#include <vos/weights/fill_module.hpp>

#include "../small_network.hpp"
#include "../test.hpp"

using namespace vos;

namespace {

/// Options of the smallest network, changed by these.
VitaTcovisOptions small(const std::map<std::string, std::string>& changes = {}) {
  VitaTcovisOptions options;
  options.network.mask_stride = 4;
  for (const auto& [key, value] : test::small_network) set_option(options, key, value);
  for (const auto& [key, value] : changes) set_option(options, key, value);
  return options;
}

std::shared_ptr<VitaTcovisImpl> network_of(const VitaTcovisOptions& options, Place place = {}) {
  auto network = std::make_shared<VitaTcovisImpl>(options.network);
  fill_module(*network, FillRule::vita);
  prepare_for_inference(*network, place);
  return network;
}

Frame frame_of(std::int64_t height, std::int64_t width, std::int64_t index = 0) {
  const SceneRenderer renderer{scene_from("crossing,size=" + std::to_string(width) + "x" + std::to_string(height))};
  return {index, 0, renderer.render(index).rgb};
}

}  // namespace

TEST_SUITE("vita-tcovis segmenter") {
  TEST_CASE("1 to 100 tokens, frames of any size, fp32 and bf16: an answer at the frame's own size, twice the same") {
    for (const bool propagate : {false, true})
      for (const auto type : {at::kFloat, at::kBFloat16})
        for (const auto* tokens : {"1", "100"})
          for (const auto& [height, width] : {std::pair{1, 1}, {17, 33}, {64, 96}}) {
            CAPTURE(propagate);
            CAPTURE(tokens);
            CAPTURE(height);
            const auto options = small({{"tokens", tokens},
                                        {"slots", tokens},
                                        {"birth", "0.1"},
                                        {"keep", "0.05"},
                                        {"propagate", propagate ? "true" : "false"}});
            const Place place{.dtype = type};
            const auto network = network_of(options, place);
            auto once = vita_tcovis_segmenter(network, options, place),
                 again = vita_tcovis_segmenter(network, options, place);
            for (std::int64_t t = 0; t < 2; ++t) {
              const FrameResult result = once.push(frame_of(height, width, t)),
                                same = again.push(frame_of(height, width, t));
              CHECK(result.labels.sizes() == at::IntArrayRef{height, width});
              CHECK(at::equal(result.labels, same.labels));
              CHECK((result.objects == same.objects));
            }
          }
  }

  TEST_CASE("the network sees pictures of the size that is asked for, and says where its masks lie") {
    const auto seen_with = [](const std::map<std::string, std::string>& changes, std::int64_t height,
                              std::int64_t width) {
      const auto options = small(changes);
      VitaTcovisDetector detect(network_of(options), options, {});
      VitaTcovisDetector::Memory memory;
      return detect(frame_of(height, width), memory);
    };
    const auto as_is = seen_with({}, 50, 70);
    CHECK(as_is.seen == PictureSize{50, 70});
    CHECK(as_is.detections.masks.sizes() == at::IntArrayRef{1, 8, 13, 18});
    CHECK(as_is.rows_per_cell() == 4);
    const auto smaller = seen_with({{"size", "40"}}, 80, 120);
    CHECK(smaller.seen == PictureSize{40, 60});
    CHECK(smaller.detections.masks.sizes() == at::IntArrayRef{1, 8, 10, 15});
    CHECK(smaller.columns_per_cell() == 8);
    CHECK(seen_with({{"size", "40"}, {"max_size", "48"}}, 80, 120).seen == PictureSize{32, 48});
    CHECK(seen_with({{"max_size", "60"}}, 80, 120).seen == PictureSize{40, 60});
    CHECK(seen_with({{"max_size", "200"}}, 80, 120).seen == PictureSize{80, 120});
  }

  TEST_CASE("a frame's detections are what the network says of it as it was trained") {
    const auto options = small();
    const auto network = network_of(options);
    VitaTcovisDetector detect(network, options, {});
    VitaTcovisDetector::Memory memory;
    const auto frame = frame_of(64, 96);
    const at::NoGradGuard no_grad;
    const auto expected = network->detect(normalised(frame.rgb.unsqueeze(0)));
    const auto said = detect(frame, memory).detections;
    // Another layout in memory sums in another order.
    CHECK(at::allclose(said.logits, expected.logits, 1e-4, 1e-4));
    CHECK(at::allclose(said.masks, expected.masks, 1e-4, 1e-3));
    CHECK(at::allclose(said.embeddings, expected.embeddings, 1e-4, 1e-4));
  }

  TEST_CASE("where queries propagate the memory is a value, and slots begin anew by themselves") {
    const auto options = small({{"propagate", "true"}});
    VitaTcovisDetector detect(network_of(options), options, {});
    VitaTcovisDetector::Memory memory;
    const auto first = detect(frame_of(64, 96, 0), memory).detections;
    const auto copy = memory;
    const auto second = detect(frame_of(64, 96, 1), memory).detections;
    auto from_copy = copy;
    CHECK(at::equal(detect(frame_of(64, 96, 1), from_copy).detections.masks, second.masks));
    CHECK_FALSE(at::equal(first.logits, second.logits));

    auto anew = copy;
    const std::vector<std::int64_t> slots{2};
    detect.begin_anew(anew, slots);
    CHECK_FALSE(at::equal(anew.queries.select(1, 2), copy.queries.select(1, 2)));
    CHECK(at::equal(anew.queries.select(1, 3), copy.queries.select(1, 3)));
  }

  TEST_CASE("in benchmark mode results come at the end, and a mode that there is not is refused") {
    for (const auto* propagate : {"false", "true"}) {
      auto options = small({{"mode", "benchmark"}, {"top", "3"}, {"propagate", propagate}});
      prefer_recall(options.tracker);
      auto segmenter = vita_tcovis_segmenter(network_of(options), options, {});
      for (std::int64_t t = 0; t < 3; ++t) CHECK(segmenter.push(frame_of(48, 64, t)).empty());
      const auto results = segmenter.finish();
      REQUIRE(results.size() == 3);
      for (const auto& result : results) {
        CHECK(result.objects.size() == 3);
        CHECK(result.masks.sizes() == at::IntArrayRef{3, 48, 64});
      }
    }
    const auto wrong = small({{"mode", "live"}});
    CHECK_THROWS_WITH_AS(vita_tcovis_segmenter(network_of(wrong), wrong, {}), doctest::Contains("stream, benchmark"),
                         Error);
  }

  TEST_CASE("the small model that comes along finds what moves in clips that it never saw, and keeps the ids") {
    const auto file = test::file("../models/vita-tcovis-tiny.safetensors");
    const SyntheticDataset clips{{.scene = "demo+crossing+occlusion,look=varied",
                                  .samples = 3,
                                  .height = 240,
                                  .width = 427,
                                  .clip = {.length = 40, .spacing = ClipSpacing::consecutive, .reversed = 0}}};
    auto segmenter = vita_tcovis_entries()[2].make({.model = "vita-tcovis-tiny", .weights = file});
    TrackingScores scores;
    for (std::int64_t i = 0; i < clips.size(); ++i) {
      const auto clip = clips({.seed = 20261122, .index = i});
      scores += tracking_scores(clip, label_maps(track_clip(segmenter, clip)));
    }
    // Far below what it reaches, far above what one that had learnt nothing would.
    CHECK(scores.metrics().at("IDF1") > 0.75);
    CHECK(scores.metrics().at("J") > 0.65);
  }
}
