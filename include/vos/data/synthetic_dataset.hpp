#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include <vos/core/random.hpp>
#include <vos/core/text.hpp>
#include <vos/data/clip_sampler.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/transform.hpp>

namespace vos {

struct SyntheticDatasetOptions {
  /// As `scene_from` reads it, or several joined by '+', of which each sample shows one: "crossing+reentry,look=varied".
  /// Without `seed=` each sample is another clip of its kind.
  std::string scene = "train";
  std::int64_t samples = 1000;             ///< an epoch
  std::int64_t height = 480, width = 854;  ///< of scenes without `size=`
  std::int64_t objects = 0;                ///< of scenes without `objects=`; 0: as many as they have
  ClipOptions clip{.spacing = ClipSpacing::consecutive, .reversed = 0};
  Transforms transforms = {};
};

/// Clips of synthetic scenes: data without end, and without a file.
class SyntheticDataset {
 public:
  explicit SyntheticDataset(SyntheticDatasetOptions options = {})
      : options_(std::move(options)), texts_(split(options_.scene, '+')) {
    const auto kinds = scene_of(texts_.front(), 1).categories;
    const auto same = [&](const auto& text) { return scene_of(text, 1).categories == kinds; };
    classes_ = std::all_of(texts_.begin(), texts_.end(), same) ? static_cast<std::int64_t>(kinds.size()) : 0;
  }

  std::int64_t size() const { return options_.samples; }

  /// The kinds of objects that there are; 0 where scenes do not agree on them.
  std::int64_t classes() const { return classes_; }

  Sample operator()(const SampleKey& key) const {
    CounterRandom random{key.seed, static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.index),
                         0x5CE4E5};
    const auto seed = random.bits() >> 1;
    const auto& text = texts_[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(texts_.size())))];
    return options_.transforms(clip(SceneRenderer{scene_of(text, seed)}, random), key);
  }

 private:
  Scene scene_of(std::string text, std::uint64_t seed) const {
    const auto settings = "," + text;
    const auto unless_given = [&](const std::string& key, const std::string& value) {
      if (settings.find("," + key + "=") == std::string::npos) text += "," + key + "=" + value;
    };
    unless_given("seed", std::to_string(seed));
    unless_given("size", std::to_string(options_.width) + "x" + std::to_string(options_.height));
    if (options_.objects > 0) unless_given("objects", std::to_string(options_.objects));
    return scene_from(text);
  }

  Sample clip(const SceneRenderer& renderer, CounterRandom& random) const {
    const auto& scene = renderer.scene();
    const VideoFacts facts{.frames = scene.frames};  // every object is somewhere; looking would mean drawing
    const auto frames = draw_clip(facts, options_.clip, random);
    const auto length = static_cast<std::int64_t>(frames.size());
    Sample sample{.name = "synthetic:" + scene.name};
    sample.frames = at::empty({length, scene.height, scene.width, 3}, at::kByte);
    sample.labels = at::empty({length, scene.height, scene.width}, at::kInt);
    for (std::int64_t t = 0; t < length; ++t) {
      const auto picture = renderer.render(frames[static_cast<std::size_t>(t)]);
      sample.frames[t].copy_(picture.rgb);
      sample.labels[t].copy_(picture.labels);
    }
    for (const auto& sprite : scene.sprites)
      if (sprite.object) {
        sample.ids.push_back(static_cast<ObjectId>(sample.ids.size() + 1));
        sample.categories.push_back(sprite.category);
      }
    return without_unseen(std::move(sample));
  }

  SyntheticDatasetOptions options_;
  std::vector<std::string> texts_;
  std::int64_t classes_ = 0;
};

static_assert(Dataset<SyntheticDataset>);

}  // namespace vos
