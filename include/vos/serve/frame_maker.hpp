#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <tuple>
#include <utility>
#include <vector>

#include <vos/project/project.hpp>
#include <vos/serve/shared_frame.hpp>

namespace vos::serve {

/// What a job brings back.
struct MadeFrame {
  ProjectStep step = {};
  Content content = {};
  std::int64_t height = 0, width = 0, frames = -1;
  std::size_t memory = 0;
  std::optional<std::vector<ProjectObject>> objects = {};
  double forward = -1, decode = -1;  // seconds
};

/// A job: makes a frame, or takes what is there of it, and what people are told with it.
struct FrameMaker {
  using Clock = std::chrono::steady_clock;

  std::int64_t index = 0;
  bool step = true;  // false: only what is there already
  bool picture = false;
  bool list = false;              // the objects as well
  std::set<ObjectId> known = {};  // objects; where the frame has others, the objects as well
  std::stop_token stop = {};

  MadeFrame operator()(Project& project) const {
    const auto seconds = [](Clock::time_point since) {
      return std::chrono::duration<double>(Clock::now() - since).count();
    };
    MadeFrame made;
    if (step) {
      const auto begin = Clock::now();
      made.step = project.step(index, stop);
      if (made.step.index >= 0) made.forward = seconds(begin);
    }
    const auto info = project.info();
    std::tie(made.height, made.width, made.frames) = std::tuple{info.height, info.width, info.frames};
    if (made.step.state == ProjectStep::State::ready) {
      // A live source that was not kept up with goes on with a later frame.
      const auto at = info.live ? std::max(made.step.index, index) : index;
      auto content = std::make_shared<FrameContent>();
      if (const auto* result = project.result(at)) content->frame = *result;
      else content->known = false;
      if (!content->known) {
        content->frame = {.index = at, .seconds = info.fps > 0 ? static_cast<double>(at) / info.fps : 0};
        content->frame.masks.height = info.height;
        content->frame.masks.width = info.width;
      }
      if (picture) {
        const auto begin = Clock::now();
        content->jpeg = project.picture(at);
        made.decode = seconds(begin);
        if (content->frame.masks.height == 0) {
          content->frame.masks.height = made.height = project.info().height;
          content->frame.masks.width = made.width = project.info().width;
        }
      }
      const bool strangers = std::any_of(content->frame.objects.begin(), content->frame.objects.end(),
                                         [&](const auto& object) { return !known.contains(object.id); });
      if (list || strangers) made.objects = project.objects();
      made.content = std::move(content);
    }
    made.memory = project.memory();
    return made;
  }
};

}  // namespace vos::serve
