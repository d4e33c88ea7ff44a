#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vos/core/compute.hpp>
#include <vos/train/log/log_options.hpp>

#include "common/command_line.hpp"
#include "config.hpp"

namespace vos::train {

/// The command line of vos-train, checked.
struct Options {
  std::string text = {};  ///< to print instead of running
  tool::CommonOptions common = {};
  bool live = false;  ///< draw a line that is written over: the error stream is a terminal

  std::string model = {};
  Settings settings = {};  ///< of the file, of key=value words and of flags, the later ones counting
  LogOptions log = {};
  std::filesystem::path run = {};
  std::filesystem::path weights = {};
  Compute compute = {};
  bool resume = false, overwrite = false, fast = false, validate_only = false;
  bool dry = false, find_rate = false, find_batch = false;  ///< trials, after which nothing has changed
  bool lint = true;
  int stopped_code = exit_code::interrupted;  ///< the exit code where a signal ended the run
};

/// Reads the words after the program's name. What cannot be right is an Error with exit code 2.
Options parse(const std::vector<std::string>& words);

}  // namespace vos::train
