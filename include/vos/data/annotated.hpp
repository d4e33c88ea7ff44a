#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/data/mask_text.hpp>

namespace vos {

/// A video as an annotation file lists it; an image is a video of one frame.
struct AnnotatedVideo {
  std::int64_t id = 0;
  std::string name = {};  ///< the folder of its frames, or the image's path without extension
  std::int64_t height = 0, width = 0, length = 0;
  std::vector<std::string> files = {};  ///< [length], below the images' folder
};

/// An object through a video, from ground truth or from results.
struct AnnotatedTrack {
  std::int64_t id = 0;        ///< the annotation's number; of results, its place from 1 on
  std::int64_t video = 0;     ///< index into the videos
  std::int64_t category = 0;  ///< the dataset's own number
  bool crowd = false;
  double score = 0;                  ///< of results
  std::vector<MaskText> masks = {};  ///< [length]; empty where the file gives the object none in any frame
  std::vector<double> areas = {};    ///< [length] as the file says, 0 where it says null; empty where it says nothing

  /// The mask of a frame of its video.
  MaskText mask_at(std::size_t frame) const { return masks.empty() ? MaskText{} : masks[frame]; }
};

/// An annotation file. Masks stay views into its text until `rle_from` decodes them.
struct Annotations {
  std::vector<CatalogCategory> categories = {};
  std::vector<AnnotatedVideo> videos = {};
  std::vector<AnnotatedTrack> tracks = {};
  std::shared_ptr<const void> keeps = {};  ///< owns the text that the masks look into
};

/// A results file: an object a record, in the order of the file.
struct ResultTracks {
  std::vector<AnnotatedTrack> tracks = {};
  std::shared_ptr<const void> keeps = {};
};

}  // namespace vos
