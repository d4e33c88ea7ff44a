#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include <vos/error.hpp>

namespace vos {

/// Handed to a call that may take long: a way to stop it from another thread, and a way to follow it.
struct Work {
  std::stop_token stop = {};
  std::function<void(double done)> progress = {};  ///< 0..1, called on the working thread

  /// Call between steps: throws `Cancelled` once a stop is asked for.
  void step(double done, const char* where) const {
    if (stop.stop_requested()) throw Cancelled(where);
    if (progress) progress(done);
  }
};

}  // namespace vos
