#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vos/data/scene.hpp>

#include "common/command_line.hpp"

namespace vos::synth {

/// The command line of vos-synth, checked.
struct Options {
  enum class Layout : std::uint8_t { davis, ytvos, ytvis, coco };

  std::string text = {};  ///< to print instead of running
  tool::CommonOptions common = {};
  bool progress = false;  ///< draw a progress line: the error stream is a terminal

  std::string scene = "train", look = {};
  Layout layout = Layout::davis;
  bool training_split = true;
  std::filesystem::path output = {};
  std::int64_t videos = 1, frames = 0, objects = 0, threads = 0;
  std::int64_t seed = 1;  ///< of the first video
  std::string size = {}, fps = {};
  std::int64_t quality = 95;
  bool png = false, overwrite = false;

  /// The names of layouts, in the order of Layout.
  static const std::vector<std::string>& layout_names();
  const std::string& layout_name() const { return layout_names()[static_cast<std::size_t>(layout)]; }

  /// From one written frame to the next in the scene: YouTube-VOS keeps every fifth of 30 a second.
  std::int64_t stride() const { return layout == Layout::ytvos ? 5 : 1; }
  /// What makes video `i` as an input: "crossing,frames=90,seed=1".
  std::string input(std::int64_t i) const;
  /// The same, made. How many frames are written of it: its `frames` by the stride.
  Scene scene_of(std::int64_t i) const;
  std::string video_name(std::int64_t i) const;
};

/// Reads the words after the program's name. What cannot be right is an Error with exit code 2.
Options parse(const std::vector<std::string>& words);

}  // namespace vos::synth
