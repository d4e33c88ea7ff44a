#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/io/files.hpp>
#include <vos/io/label_checks.hpp>
#include <vos/io/labels.hpp>
#include <vos/io/png_labels.hpp>

namespace vos {

VOS_INLINE at::Tensor read_labels(const std::filesystem::path& path) {
  const auto image = labels_from_png(read_file(path), path.string());
  auto labels = at::empty({image.height, image.width}, at::kInt);  // [H,W]
  std::memcpy(labels.mutable_data_ptr<std::int32_t>(), image.ids.data(), image.ids.size() * sizeof(ObjectId));
  return labels;
}

VOS_INLINE void write_labels(const std::filesystem::path& path, const at::Tensor& labels) {
  const auto plain = detail::plain_labels(labels, "labels [H,W]");
  write_file(path, png_from_labels(detail::ids_of(plain), plain.size(0), plain.size(1), path.string()));
}

}  // namespace vos
