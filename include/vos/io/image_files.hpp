#pragma once

#include <cstdint>
#include <filesystem>

#include <ATen/core/Tensor.h>

#include <vos/io/files.hpp>
#include <vos/io/image.hpp>
#include <vos/io/images.hpp>

namespace vos {

VOS_INLINE at::Tensor read_image(const std::filesystem::path& path, std::int64_t max_size) {
  return image_from_bytes(read_file(path), path.string(), max_size);
}

}  // namespace vos
