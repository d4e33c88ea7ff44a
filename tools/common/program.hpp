#pragma once

#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>

#include <vos/error.hpp>

namespace vos::tool {

/// Runs `body`, the whole of a tool's main, and turns what it throws into a message and an exit code.
template <class Body>
int guarded(const char* name, Body&& body) {
  try {
    return body();
  } catch (const Error& e) {
    std::cerr << name << ": " << e.what() << std::endl;
    return e.parts().exit_code;
  } catch (const std::bad_alloc&) {
    std::cerr << name << ": out of memory\n  mend:  try --max-size, or fewer inputs at once" << std::endl;
  } catch (const std::exception& e) {
    // Not ours: LibTorch appends a stack trace, of which its user can make nothing.
    const std::string_view text = e.what();
    std::cerr << name << ": " << text.substr(0, text.find("\nException raised from")) << std::endl;
  }
  return exit_code::error;
}

}  // namespace vos::tool
