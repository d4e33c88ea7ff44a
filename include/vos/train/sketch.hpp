#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace vos {

struct NamedShape {
  std::string name = {}, kind = {};  ///< "class scores", "float [B,T,Q,K+1]"
  std::vector<std::int64_t> sizes = {};
};

/// A part of a network.
struct PartCount {
  std::string name = {};
  std::int64_t tensors = 0, numbers = 0;
  std::int64_t learning = 0;  ///< of the numbers
};

/// Bytes of tensors that a training needs at a time.
struct MemoryEstimate {
  std::int64_t weights = 0;  ///< and buffers
  std::int64_t gradients = 0;
  std::int64_t optimizer = 0;
  std::int64_t average = 0;
  std::int64_t passes = 0;    ///< what forward and backward need besides, at their peak, for a whole batch
  std::int64_t clips = 0;     ///< of a batch
  std::int64_t measured = 0;  ///< in a step with so many; beyond, `passes` is a straight line
  std::int64_t all() const { return weights + gradients + optimizer + average + passes; }
};

/// What a step would come to, before anything is trained.
struct TrainingSketch {
  std::vector<NamedShape> shapes = {};  ///< of a batch, and of what the network says of it
  std::vector<PartCount> parts = {};
  MemoryEstimate memory = {};
  std::map<std::string, double> losses = {};  ///< of the clips that were measured
  at::Tensor picture = {};                    ///< the first batch with masks and ids: uint8 [H,W,3]
};

/// What a step with so many clips takes.
struct StepCost {
  std::int64_t clips = 0;
  std::string trouble = {};  ///< why it could not be made: no memory, not so many clips
  double seconds = 0;
  std::int64_t bytes = 0;  ///< of tensors at the peak, all of them
  bool on_cpu = true;
};

}  // namespace vos
