#pragma once

/// The synthetic world: scenes, their frames with exact labels, and both as an input.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <ATen/core/Tensor.h>

#include <vos/data/scene.hpp>
#include <vos/data/synthetic/named.hpp>
#include <vos/data/synthetic/renderer.hpp>
#include <vos/data/synthetic/scene_text.hpp>
#include <vos/data/synthetic/training.hpp>
#include <vos/frame/frame.hpp>
#include <vos/io/source.hpp>

namespace vos {

/// A scene as a source of frames, with its truth.
class SyntheticSource final : public FrameSource {
 public:
  SyntheticSource(Scene scene, FrameRange range) : renderer_(std::move(scene)), range_(range), next_(range.begin) {
    const auto& s = renderer_.scene();
    info_ = {.name = s.name,
             .frames = detail::frames_in(range_, s.frames),
             .fps = s.fps,
             .height = s.height,
             .width = s.width};
  }

  std::optional<Frame> next() override {
    const auto& s = renderer_.scene();
    const auto end = std::min(range_.end, s.frames);
    if (next_ >= end) return std::nullopt;
    const auto index = std::exchange(next_, range_.step < end - next_ ? next_ + range_.step : end);
    return Frame{index, static_cast<double>(index) / s.fps, renderer_.render(index).rgb};
  }

  const SourceInfo& info() const override { return info_; }

  std::string stem(std::int64_t index) const override { return detail::numbered_stem(index); }

  at::Tensor truth(std::int64_t index) const override { return renderer_.render(index).labels; }

 private:
  SceneRenderer renderer_;
  FrameRange range_;
  std::int64_t next_;
  SourceInfo info_;
};

/// Opens "synthetic:NAME[,key=value…]". A smaller `max_size` renders the scene at that size.
inline std::unique_ptr<FrameSource> open_synthetic(const SourceSpec& spec) {
  check_spec(spec);
  auto scene = scene_from(std::string_view{spec.input}.substr(spec.input.find(':') + 1));
  if (const auto longer = std::max(scene.height, scene.width); spec.max_size > 0 && longer > spec.max_size) {
    scene.height = std::max<std::int64_t>(1, (scene.height * spec.max_size + longer / 2) / longer);
    scene.width = std::max<std::int64_t>(1, (scene.width * spec.max_size + longer / 2) / longer);
  }
  return std::make_unique<SyntheticSource>(std::move(scene), spec.frames);
}

}  // namespace vos
