#pragma once

/// Frames and clips that the tests of io/ make for themselves.

#include <cstdint>
#include <filesystem>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <vos/frame/frame.hpp>
#include <vos/io/encoder.hpp>
#include <vos/io/image_files.hpp>

namespace vos::test {

/// One level of grey for each frame, so that a reader can tell which it was given: 10 more from frame to frame.
inline at::Tensor grey_frame(std::int64_t height, std::int64_t width, std::int64_t index) {
  return at::full({height, width, 3}, 20 + 10 * index % 200, at::kByte);
}

inline std::int64_t index_of_grey(const at::Tensor& rgb) {
  const int value = rgb.const_data_ptr<std::uint8_t>()[(rgb.size(0) / 2 * rgb.size(1) + rgb.size(1) / 2) * 3];
  return (value - 20 + 5) / 10;
}

/// Frame `index` of a clip in which object 1 is a block that moves right, 2 pixels a frame, and object 2 stands still.
inline Frame clip_frame(std::int64_t index, std::int64_t height = 48, std::int64_t width = 64) {
  return {index, static_cast<double>(index) / 25, grey_frame(height, width, index)};
}

inline FrameResult clip_result(std::int64_t index, std::int64_t height = 48, std::int64_t width = 64) {
  FrameResult result;
  result.index = index;
  result.labels = at::zeros({height, width}, at::kInt);
  result.labels.slice(0, 10, 30).slice(1, 2 * index, 2 * index + 12).fill_(1);
  result.labels.slice(0, 35, 45).slice(1, 40, 60).fill_(2);
  result.objects = {{.id = 1, .category = 3, .score = 0.5F}, {.id = 2, .category = -1, .score = 0.75F}};
  return result;
}

inline void write_grey_clip(const std::filesystem::path& path, std::int64_t frames, std::int64_t height = 48,
                            std::int64_t width = 64) {
  VideoWriter writer{path, 25};
  for (std::int64_t i = 0; i < frames; ++i) writer.write(grey_frame(height, width, i));
  writer.close();
}

inline void write_grey_folder(const std::filesystem::path& folder, std::int64_t frames) {
  std::filesystem::create_directories(folder);
  for (std::int64_t i = 0; i < frames; ++i)
    write_image(folder / ("f" + std::to_string(i) + ".png"), grey_frame(48, 64, i));
}

}  // namespace vos::test
