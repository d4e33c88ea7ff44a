#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include <vos/data/clip_sampler.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/transform.hpp>

namespace vos {

struct SyntheticDatasetOptions {
  std::string scene = "train";  ///< "train": a new random scene for each sample; else a scene as `scene_from` reads it
  std::int64_t samples = 1000;  ///< an epoch
  std::int64_t height = 480, width = 854;  ///< of a training scene
  std::int64_t objects = 0;                ///< of a training scene; 0: as many as it likes
  ClipOptions clip{.spacing = ClipSpacing::consecutive, .reversed = 0};
  Transforms transforms = {};
};

/// Clips of synthetic scenes: data without end, and without a file.
class SyntheticDataset {
 public:
  explicit SyntheticDataset(SyntheticDatasetOptions options = {}) : options_(std::move(options)) {
    if (options_.scene != "train") fixed_.emplace(scene_from(options_.scene));
  }

  std::int64_t size() const { return options_.samples; }

  Sample operator()(const SampleKey& key) const {
    CounterRandom random{key.seed, static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.index),
                         0x5CE4E5};
    const auto seed = random.bits();
    if (fixed_) return options_.transforms(clip(*fixed_, random), key);
    auto scene = training_scene(seed, {.objects = options_.objects});
    scene.height = options_.height;
    scene.width = options_.width;
    return options_.transforms(clip(SceneRenderer{std::move(scene)}, random), key);
  }

 private:
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
  std::optional<SceneRenderer> fixed_;
};

static_assert(Dataset<SyntheticDataset>);

}  // namespace vos
