#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vos/data/catalog.hpp>

#include "common/command_line.hpp"

namespace vos::data {

/// The command line of vos-data, checked.
struct Options {
  enum class Action : std::uint8_t { print, check, preview };
  Action action = Action::check;
  std::string text = {};  ///< what `print` prints
  tool::CommonOptions common = {};
  bool progress = false;  ///< draw a progress line: the error stream is a terminal

  CatalogSpec dataset = {};
  bool quick = false, strict = false;
  std::int64_t threads = 0;  ///< 0: one for each core

  std::filesystem::path output = {};  ///< of preview
  std::int64_t videos = 24;
  bool overwrite = false;

  std::size_t thread_count() const;
};

/// Reads the words after the program's name. What cannot be right is an Error with exit code 2.
Options parse(std::vector<std::string> words);

}  // namespace vos::data
