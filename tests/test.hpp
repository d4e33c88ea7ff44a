#pragma once

/// What a test source includes, after the header it tests: doctest, and a few helpers. c10 and doctest both define CHECK,
/// and a failed check of c10 ends the process, so this comes after every LibTorch header.

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>

#undef CHECK
#include <doctest/doctest.h>

namespace vos::test {

/// A file or folder of this tree, by its path below tests/.
inline std::filesystem::path file(const std::string& name) { return std::filesystem::path{VOS_TESTS} / name; }

/// Real clips with masks, which are not ours to ship: where VOS_DATA says, or in shared/data beside the checkout.
inline std::filesystem::path real_data() {
  const char* given = std::getenv("VOS_DATA");
  return given != nullptr ? std::filesystem::path{given} : file("../../shared/data");
}

/// A folder of its own for one test, gone at the end.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("vos-test-" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Says that this case cannot run here, and why; return right after. `./vos test` counts it as skipped.
inline void skip(const std::string& reason) { std::cout << "[skipped] " << reason << std::endl; }

}  // namespace vos::test
