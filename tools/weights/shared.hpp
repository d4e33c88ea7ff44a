#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <vos/weights/checkpoint.hpp>
#include <vos/weights/select.hpp>

namespace vos::weights {

/// Sums over some tensors. A tensor with several names counts once in `numbers` and `bytes`; views that overlap in part count
/// each.
struct Amount {
  std::int64_t tensors = 0, numbers = 0, bytes = 0;
};

/// Names of one tensor, or of views of one memory.
struct SharedNames {
  bool same = true;  ///< all of one shape and place: tied weights
  std::vector<std::string> names = {};
};

inline std::int64_t bytes_in(const TensorRecord& tensor) { return tensor.numel() * bytes_of(tensor.dtype); }

Amount amount_of(const Checkpoint& checkpoint, const std::vector<NamedRecord>& weights);
std::vector<SharedNames> shared_names(const Checkpoint& checkpoint, const std::vector<NamedRecord>& weights);

}  // namespace vos::weights
