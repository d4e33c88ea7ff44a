#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "common/common_options.hpp"

namespace vos::eval {

/// The command line of vos-eval, checked.
struct Options {
  enum class Action : std::uint8_t { run, print };
  Action action = Action::run;
  std::string text = {};  ///< what `print` prints
  tool::CommonOptions common = {};
  bool progress = false;  ///< draw a progress line: the error stream is a terminal

  std::string command = {};  ///< davis, ytvos, generic, mosev2, lvos, vis, identity, pack
  std::filesystem::path gt = {}, pred = {};

  std::string year = {};          ///< davis; empty for the newest that has the split
  std::string split = {};         ///< empty: the one that the benchmark validates on
  std::string protocol = "semi";  ///< davis: or "unsupervised"
  std::string resolution = {};    ///< davis: empty for 480p, or what there is
  std::string task = "vis";       ///< identity: "vis", ids are free, or "vos", ids are given
  std::string pack = {};          ///< davis, ytvos or vis: pack `pred` into `output`
  std::filesystem::path output = {};
  std::string unseen = {};                ///< ytvos: categories, lvos: videos; a file, or names with commas
  std::filesystem::path train_meta = {};  ///< ytvos: categories that are not in it are unseen

  bool mots = false;  ///< identity: ids are class * 1000 + instance, 10000 is the ignored region
  double min_score = -std::numeric_limits<double>::infinity();  ///< identity: results below this are left out

  bool all_frames = false;     ///< generic: the first and the last frame count too
  bool lenient = false;        ///< unexpected sequences are a warning
  bool bootstrap = false;      ///< 95 % intervals over sequences
  bool compat_order = false;   ///< davis unsupervised: objects in the order of their proposals
  bool compat_uint8 = false;   ///< the decay's edges wrap at 256 frames
  bool compat_mosev2 = false;  ///< the reference's off-centre disk

  std::filesystem::path csv = {}, html = {};
  std::int64_t threads = 0;  ///< 0: as many as there are cores

  std::size_t thread_count() const;
};

/// Reads the words after the program's name. What cannot be right is an Error with exit code 2.
Options parse(std::vector<std::string> words);

}  // namespace vos::eval
