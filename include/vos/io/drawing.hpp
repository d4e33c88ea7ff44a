#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/core/shape.hpp>
#include <vos/io/draw.hpp>
#include <vos/io/label_checks.hpp>
#include <vos/wire/blend.hpp>

namespace vos {

VOS_INLINE at::Tensor draw(const Frame& frame, const FrameResult& result, const DrawOptions& options) {
  expect_shape(frame.rgb, {any_size, any_size, 3}, "frame.rgb [H,W,3]");
  const auto labels = detail::plain_labels(result.labels, "result.labels [H,W]");
  expect_same_size(labels, "the result of frame " + std::to_string(result.index), frame,
                   "frame " + std::to_string(frame.index));
  const auto rgb = frame.rgb.to(at::kCPU, at::kByte).contiguous();
  auto drawn = at::empty({rgb.size(0), rgb.size(1), 3}, at::kByte);  // [H,W,3]
  // Not clone(): it would wake LibTorch's threads, which other work may hold, for a megabyte.
  std::memcpy(drawn.mutable_data_ptr<std::uint8_t>(), rgb.const_data_ptr<std::uint8_t>(),
              static_cast<std::size_t>(rgb.numel()));
  blend({drawn.mutable_data_ptr<std::uint8_t>(), drawn.size(0), drawn.size(1)}, detail::ids_of(labels), options);
  return drawn;
}

}  // namespace vos
