#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "job.hpp"

namespace vos::infer {

/// The label maps that a user drew: one for the first frame, or a folder of them named like their frames.
class MaskFiles {
 public:
  /// An Error where masks in the folder name no frame of the input, as far as its frames are known.
  MaskFiles(const Job& job, const FrameSource& source);

  /// The label map int32 [H,W] for this frame, undefined where there is none. One of another size than its frame is an
  /// Error with exit code 11; one that fits the frame before --max-size is shrunk with it.
  at::Tensor take(const Frame& frame, const std::string& stem);

  /// Those for which no frame came.
  std::vector<std::string> unused() const;

 private:
  Job job_;
  bool live_;
  std::filesystem::path first_;                         // one for the first frame, or
  std::map<std::string, std::filesystem::path> files_;  // by the frame's stem
};

/// The objects of a dataset's video: each is given once, in the first frame that has a mask of it. DAVIS gives objects in
/// the first frame alone; what shows up later there is not to be followed.
class CatalogPrompts {
 public:
  explicit CatalogPrompts(const Job& job);
  /// The label map int32 [H,W] of the objects that are new in this frame, undefined where there is none.
  at::Tensor take(const Frame& frame, const std::string& stem);

 private:
  at::Tensor labels_of(std::size_t at, const Frame& frame) const;

  Job job_;
  std::map<std::string, std::size_t> frames_;  // by stem, those that may hold a new object
  std::set<ObjectId> known_;
};

/// Objects for a source that knows the truth: all that show in the first frame; later each one once it stands clear of
/// the picture's border, so that nobody has to follow what began as a sliver.
class TruthPrompts {
 public:
  /// The part of `truth` int32 [H,W] to prompt, undefined where nothing is new.
  at::Tensor take(const at::Tensor& truth);
  /// Objects that need no prompt any more.
  void know(ObjectId id) { known_.insert(id); }

 private:
  bool first_ = true;
  std::set<ObjectId> known_;
};

}  // namespace vos::infer
