#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <c10/util/Exception.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

/// Whether LibTorch or the system had no memory left, on whatever device.
inline bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  // The CPU's allocator throws what any failed check throws, and words tell it apart.
  const std::string_view text = error.what();
  return dynamic_cast<const c10::Error*>(&error) != nullptr &&
         (text.find("can't allocate memory") != text.npos || text.find("out of memory") != text.npos);
}

/// What to tell a user whose training ran out of memory: `doing` as in "step 12, a batch of 2 clips", and what can be lowered, in
/// the order in which it costs least.
inline Error out_of_memory(const std::string& doing, const std::vector<std::string>& lower) {
  return Error({.what = "out of memory",
                .where = doing,
                .mend = lower.empty() ? std::string{"make the batch smaller"}
                                      : "in this order: " + join(lower, "; ") +
                                            ". The run goes on from its last checkpoint with --resume"});
}

}  // namespace vos
