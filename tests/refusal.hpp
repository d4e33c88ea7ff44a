#pragma once

#include <vos/error.hpp>

namespace vos::test {

/// The Error that `act` has to end in. Where it ends in none, one that no test asks for.
Error refused(const auto& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  return Error({.what = "not refused", .exit_code = -1});
}

}  // namespace vos::test
