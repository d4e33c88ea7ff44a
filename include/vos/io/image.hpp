#pragma once

#include <cstdint>
#include <filesystem>

#include <ATen/core/Tensor.h>

#include <vos/fwd.hpp>

namespace vos {

/// The picture in a file: uint8 [H,W,3], RGB, upright by its EXIF orientation, its longer side at most `max_size` (0: as it
/// is). See `image_from_bytes` (io/images.hpp) for grey, 16 bits, alpha and CMYK. A file that is cut short, damaged or
/// of an unknown kind is an Error that names it.
VOS_INLINE at::Tensor read_image(const std::filesystem::path& path, std::int64_t max_size = 0);

}  // namespace vos
