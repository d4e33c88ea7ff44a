#pragma once

#include <ATen/core/Tensor.h>

#include <vos/frame/frame.hpp>
#include <vos/wire/draw_options.hpp>

namespace vos {

/// The frame with its objects laid over it in colour, each with an outline and its id: uint8 [H,W,3], a new tensor.
/// Where masks overlap, a pixel shows the object that `result.labels` names. An Error where the sizes differ.
VOS_INLINE at::Tensor draw(const Frame& frame, const FrameResult& result, const DrawOptions& options = {});

}  // namespace vos
