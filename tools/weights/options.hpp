#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <vos/weights/checkpoint.hpp>
#include <vos/weights/rules.hpp>
#include <vos/weights/select.hpp>

#include "common/command_line.hpp"

namespace vos::weights {

/// The command line of vos-weights, checked.
struct Options {
  enum class Action : std::uint8_t { print, inspect, convert, diff, check, fill };
  Action action = Action::print;
  std::string text = {};  ///< what `print` prints
  tool::CommonOptions common = {};

  std::vector<std::filesystem::path> files = {};  ///< as many as the command takes
  CheckpointOptions reading = {};
  SelectOptions select = {};
  std::int64_t threads = 0;  ///< 0: one for each core

  // inspect
  bool tree = false, stats = false;
  std::string filter = {};  ///< a KeyPattern; empty: everything

  // convert, fill
  std::optional<DType> dtype = {};
  std::vector<std::string> strip = {};  ///< entries of the file, or "all"
  std::vector<KeyRule> rename = {};
  bool overwrite = false;

  double tolerance = 0;  ///< of diff

  // check, fill
  std::string model = {}, rule = {};
  std::map<std::string, std::string> settings = {};  ///< options of the model
  std::string from = {};  ///< of check: the model is a part of the file's, whose names begin so
  std::filesystem::path keys = {}, output = {};

  std::size_t thread_count() const;
};

/// Reads the words after the program's name. What cannot be right is an Error with exit code 2.
Options parse(std::vector<std::string> words);

}  // namespace vos::weights
