#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/core/shape.hpp>

namespace vos {

struct NormaliseOptions {
  std::array<double, 3> mean{0.485, 0.456, 0.406}, deviation{0.229, 0.224, 0.225};  ///< ImageNet's, of values in 0..1
  /// v / 255 in float, then each step in double and back, as NumPy in AOT rounds; else in float throughout, as
  /// torchvision does. They differ in the last bit of half of the values.
  bool numpy_rounding = false;
};

/// What each of the 256 values of each channel becomes.
inline std::array<std::array<float, 256>, 3> normalise_table(const NormaliseOptions& options = {}) {
  std::array<std::array<float, 256>, 3> table{};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t value = 0; value < 256; ++value) {
      const float share = static_cast<float>(value) / 255.0F;
      if (options.numpy_rounding) {
        const auto centred = static_cast<float>(static_cast<double>(share) - options.mean[c]);
        table[c][value] = static_cast<float>(static_cast<double>(centred) / options.deviation[c]);
      } else {
        table[c][value] = (share - static_cast<float>(options.mean[c])) / static_cast<float>(options.deviation[c]);
      }
    }
  return table;
}

/// Frames uint8 [T,H,W,3] as a model takes them: float [T,3,H,W], normalised.
inline at::Tensor normalised(const at::Tensor& frames, const NormaliseOptions& options = {}) {
  expect_shape(frames, {any_size, any_size, any_size, 3}, "frames [T,H,W,3]");
  const auto table = normalise_table(options);
  const auto plain = frames.contiguous();
  const auto length = frames.size(0), height = frames.size(1), width = frames.size(2), pixels = height * width;
  auto made = at::empty({length, 3, height, width}, frames.options().dtype(at::kFloat));
  const auto* from = plain.const_data_ptr<std::uint8_t>();
  auto* to = made.mutable_data_ptr<float>();
  for (std::int64_t t = 0; t < length; ++t, to += 3 * pixels)
    for (std::int64_t i = 0; i < pixels; ++i, from += 3) {
      to[i] = table[0][from[0]];
      to[i + pixels] = table[1][from[1]];
      to[i + 2 * pixels] = table[2][from[2]];
    }
  return made;
}

}  // namespace vos
