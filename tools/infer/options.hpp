#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/vos.hpp>

#include "common/command_line.hpp"

namespace vos::infer {

/// The command line of vos-infer, checked.
struct Options {
  enum class Action : std::uint8_t { run, print, list_models };
  Action action = Action::run;
  std::string text = {};  ///< what `print` prints
  tool::CommonOptions common = {};
  bool progress = false;  ///< draw a progress line: the error stream is a terminal

  std::vector<std::string> inputs = {};
  std::vector<std::string> masks = {};      ///< one for each input, or one for all, or none
  CatalogSpec dataset = {};                 ///< with a root: its videos instead of `inputs`
  std::vector<std::string> sequences = {};  ///< of the dataset; empty: all
  std::filesystem::path session = {};       ///< a session file, run again: it brings model, settings and masks
  std::filesystem::path output = {};
  std::vector<std::string> formats = {"png", "rle", "mp4", "contact"};
  std::string resume = {};  ///< --continue: empty for a new run, "exact" or "masks"
  bool overwrite = false;

  SegmenterSpec model = {};
  FrameRange frames = {};
  std::int64_t max_size = 0;

  bool from_dataset() const { return !dataset.root.empty(); }
  bool writes(std::string_view format) const;
};

/// Reads the words after the program's name. What cannot be right is an Error with exit code 2.
Options parse(const std::vector<std::string>& words);

/// "10:50:2", ":50", "10:" as Python means them, without negative numbers.
FrameRange range_from(const std::string& text);

}  // namespace vos::infer
