#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <vos/nn/sine_position.hpp>

namespace vos {

/// Position codes of the map sizes seen last: a video's frames have one size, and a code costs more than what it is added to.
class SineCache {
 public:
  explicit SineCache(SineOptions options = {}, SineOrigin origin = SineOrigin::one)
      : options_(options), origin_(origin) {}

  /// The code of an h x w map as tokens, of the type and on the device of `like`: [1,h*w,2*features].
  at::Tensor operator()(std::int64_t height, std::int64_t width, const at::Tensor& like) {
    const std::scoped_lock lock(mutex_);  // sessions may share a network
    const auto found = std::find_if(codes_.begin(), codes_.end(), [&](const Code& code) {
      return code.height == height && code.width == width && code.tokens.scalar_type() == like.scalar_type() &&
             code.tokens.device() == like.device();
    });
    if (found != codes_.end()) {
      std::rotate(codes_.begin(), found, found + 1);
    } else {
      // A code made in inference mode could not be used where gradients are kept.
      const c10::InferenceMode plain(false);
      const auto map = sine_position(height, width, origin_, like.device(), options_);  // [1,2*features,h,w]
      codes_.insert(codes_.begin(), {height, width, map.flatten(2).transpose(1, 2).to(like.scalar_type())});
      if (codes_.size() > most) codes_.pop_back();
    }
    return codes_.front().tokens;
  }

 private:
  static constexpr std::size_t most = 12;  // three levels of four sizes of video

  struct Code {
    std::int64_t height, width;
    at::Tensor tokens;
  };

  SineOptions options_;
  SineOrigin origin_;
  std::mutex mutex_;
  std::vector<Code> codes_;  // the one used last first
};

}  // namespace vos
