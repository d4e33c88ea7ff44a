#pragma once

#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace vos {

/// Where it lives, matrix products and convolutions compute in `dtype`, and what needs the range in float32. float32 itself
/// changes nothing.
class Autocast {
 public:
  Autocast(c10::DeviceType device, c10::ScalarType dtype)
      : device_(device),
        enabled_(at::autocast::is_autocast_enabled(device)),
        dtype_(at::autocast::get_autocast_dtype(device)) {
    if (dtype == c10::kFloat) return;
    at::autocast::set_autocast_enabled(device, true);
    at::autocast::set_autocast_dtype(device, dtype);
    at::autocast::increment_nesting();
    active_ = true;
  }
  ~Autocast() {
    if (!active_) return;
    // Weights that were converted are kept until the outermost one ends: the next step has other weights.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, enabled_);
    at::autocast::set_autocast_dtype(device_, dtype_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool enabled_, active_ = false;
  c10::ScalarType dtype_;
};

}  // namespace vos
