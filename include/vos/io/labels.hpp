#pragma once

#include <filesystem>

#include <ATen/core/Tensor.h>

#include <vos/io/label_checks.hpp>

namespace vos {

/// The label map in a PNG: int32 [H,W], 0 for no object.
///
/// Palette images (1 to 8 bit) give their indices, whatever the colours, and 255 is an object like any other. Grey images
/// give their values, up to 65,535 in 16 bit; grey with no value but 0 and white means object 1. Colour is refused unless
/// its channels agree (then it is grey), and so is alpha unless it is opaque. A file that is cut short, damaged or claims
/// an absurd size is an Error.
VOS_INLINE at::Tensor read_labels(const std::filesystem::path& path);

/// Writes int32 [H,W] as an 8-bit palette PNG in DAVIS colours, or as 16-bit grey where an id is above 255. Ids above
/// 65,535 are an Error (exit code 12). The file appears whole or not at all.
VOS_INLINE void write_labels(const std::filesystem::path& path, const at::Tensor& labels);

}  // namespace vos
