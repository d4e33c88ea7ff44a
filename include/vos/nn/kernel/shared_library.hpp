#pragma once

#include <filesystem>
#include <string>

#include <dlfcn.h>

namespace vos::detail {

/// A library that may be on this machine or not, opened while the program runs. It stays open to the end: what it left in
/// this process (threads, handlers at exit) would not survive closing.
class SharedLibrary {
 public:
  /// A path, or a bare name for the loader to find.
  explicit SharedLibrary(const std::string& name) : handle_(::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL)) {}

  explicit operator bool() const { return handle_ != nullptr; }

  /// Sets `function` to what the library calls `name`; false where it has no such thing.
  template <class Function>
  bool get(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(::dlsym(handle_, name));
    return function != nullptr;
  }

 private:
  void* handle_;
};

/// The folder of the library that `address` lies in; empty where that is unknown.
inline std::filesystem::path folder_of_library(const void* address) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path{info.dli_fname}.parent_path();
}

}  // namespace vos::detail
