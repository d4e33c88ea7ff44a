#pragma once

#include <algorithm>
#include <cstdint>

#include <vos/core/autocast.hpp>

namespace vos {

/// Keeps the small gradients of fp16 from vanishing: the loss is multiplied by `scale`, which halves when gradients overflow and
/// doubles after `patience` steps in which none did. A value: it goes into a checkpoint as it is.
struct LossScale {
  static constexpr std::int64_t patience = 2000;
  double scale = 65536;
  std::int64_t good = 0;  ///< steps without an overflow since it last changed

  /// Tells how the step went.
  void update(bool overflowed) {
    if (overflowed) scale = std::max(1.0, scale / 2), good = 0;
    else if (++good == patience) scale *= 2, good = 0;
  }
};

}  // namespace vos
