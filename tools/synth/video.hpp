#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <vos/core/box.hpp>
#include <vos/fwd.hpp>
#include <vos/wire/rle.hpp>

#include "options.hpp"

namespace vos::synth {

/// An object in a frame, as lists tell of it.
struct Sighting {
  std::int64_t area = 0;  ///< 0: not to be seen
  Box box = {};
  Rle mask = {};  ///< where the layout keeps masks in a list
  double visibility = 0, occluded = 0, outside = 0;
};

struct WrittenObject {
  ObjectId id = 0;
  std::int32_t category = 0;
  std::vector<Sighting> frames = {};  ///< one for each frame
  bool seen() const;
};

/// What is known of a video whose pictures and label maps lie on disk.
struct WrittenVideo {
  std::string name = {}, input = {};
  std::int64_t seed = 0, height = 0, width = 0;
  double fps = 25;
  std::vector<std::string> stems = {};
  std::vector<std::string> pictures = {};  ///< by name, below the layout's folder of pictures
  std::vector<WrittenObject> objects = {};
  std::int64_t masks() const;
};

/// Where a layout keeps things, below the dataset's folder.
struct Places {
  std::filesystem::path pictures = {};
  std::filesystem::path labels = {};  ///< empty where masks are kept in the list
  std::filesystem::path truth = {};   ///< complete label maps, where `labels` holds first appearances only
  std::filesystem::path list = {};    ///< what lists the videos or their objects

  static Places of(const Options& options);
};

/// Draws video `i` and writes its pictures and label maps below `root`. `step` is called after each frame; once it says
/// false the rest is left out.
WrittenVideo write_video(const Options& options, std::int64_t i, const std::filesystem::path& root,
                         const std::function<bool()>& step);

}  // namespace vos::synth
