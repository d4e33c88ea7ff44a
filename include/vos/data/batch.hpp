#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <vos/core/shape.hpp>
#include <vos/data/dataset.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/data/transform/normalise.hpp>

namespace vos {

/// Samples side by side, as a training step takes them.
struct Batch {
  std::int64_t step = 0, epoch = 0;
  std::vector<SampleKey> keys = {};
  at::Tensor frames = {};               ///< uint8 [B,T,H,W,3], each clip at the upper left, zeros beyond
  std::vector<PictureSize> sizes = {};  ///< [B] of each clip before it was padded
  std::vector<Sample> targets = {};     ///< [B], their `frames` being views into the batch's, at their own size
};

struct CollateOptions {
  std::int64_t multiple = 1;  ///< height and width are rounded up to multiples of this: 32 for most backbones
  bool pinned = false;        ///< frames in page-locked memory, where there is CUDA: copies to the GPU need not wait
};

/// Clips of one length and any sizes as one batch.
inline Batch collated(std::vector<Sample> samples, const CollateOptions& options = {}) {
  Batch batch;
  std::int64_t height = 1, width = 1;
  const auto length = samples.empty() ? 0 : length_of(samples[0]);
  for (const auto& sample : samples) {
    if (length_of(sample) != length)
      throw Error({.what = "a clip of " + std::to_string(length_of(sample)) + " frames in a batch with one of " +
                           std::to_string(length),
                   .where = sample.name,
                   .mend = "mix datasets of one clip length"});
    height = std::max(height, size_of(sample).height);
    width = std::max(width, size_of(sample).width);
    batch.sizes.push_back(size_of(sample));
  }
  const auto up = [&](std::int64_t side) {
    return (side + options.multiple - 1) / options.multiple * options.multiple;
  };
  height = up(height), width = up(width);
  auto kind = at::TensorOptions{at::kByte}.pinned_memory(options.pinned && at::globalContext().hasCUDA());
  batch.frames = at::empty({static_cast<std::int64_t>(samples.size()), length, height, width, 3}, kind);
  for (std::size_t b = 0; b < samples.size(); ++b) {
    const auto [h, w] = batch.sizes[b];
    auto whole = batch.frames[static_cast<std::int64_t>(b)];
    if (h < height) whole.narrow(1, h, height - h).zero_();
    if (w < width) whole.narrow(1, 0, h).narrow(2, w, width - w).zero_();
    auto own = whole.narrow(1, 0, h).narrow(2, 0, w);
    own.copy_(samples[b].frames);
    samples[b].frames = own;
  }
  batch.targets = std::move(samples);
  return batch;
}

/// A batch's frames as a model takes them: float [B,T,3,H,W] on `device`, normalised, 0 where they are padding. The bytes
/// travel, not the floats.
inline at::Tensor model_input(const Batch& batch, at::Device device, const NormaliseOptions& options = {}) {
  const auto bytes = batch.frames.to(device, true).permute({0, 1, 4, 2, 3});  // [B,T,3,H,W]
  at::Tensor input;
  if (options.numpy_rounding) {  // looked up: a device's arithmetic would round once more or once less
    input = at::empty(bytes.sizes(), at::TensorOptions{at::kFloat}.device(device));
    const auto table = normalise_table(options);
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto plane = bytes.select(2, c);
      const auto values = at::tensor(at::ArrayRef<float>{table[static_cast<std::size_t>(c)]}).to(device);
      input.select(2, c).copy_(values.index_select(0, plane.reshape({-1}).to(at::kInt)).reshape(plane.sizes()));
    }
  } else {
    const auto row = [&](const std::array<double, 3>& values) {
      return at::tensor({static_cast<float>(values[0]), static_cast<float>(values[1]), static_cast<float>(values[2])})
          .reshape({1, 1, 3, 1, 1})
          .to(device);
    };
    input = bytes.to(at::kFloat).contiguous();
    input.div_(255).sub_(row(options.mean)).div_(row(options.deviation));
  }
  for (std::size_t b = 0; b < batch.sizes.size(); ++b) {
    const auto [height, width] = batch.sizes[b];
    auto one = input[static_cast<std::int64_t>(b)];
    if (height < one.size(2)) one.narrow(2, height, one.size(2) - height).zero_();
    if (width < one.size(3)) one.narrow(3, width, one.size(3) - width).zero_();
  }
  return input;
}

}  // namespace vos
