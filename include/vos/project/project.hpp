#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/box.hpp>
#include <vos/fwd.hpp>
#include <vos/project/marks.hpp>
#include <vos/wire/mask_rows.hpp>

namespace vos {

/// What is worked on, and with which model.
struct ProjectInfo {
  std::string name = {};
  std::int64_t height = 0, width = 0;  ///< 0 until the first frame is known
  std::int64_t frames = -1;            ///< -1: not known, or live
  double fps = 25;
  bool live = false;  ///< frames come by themselves and are gone once they have left the ring
  std::string model = {};
  bool detects = false;  ///< finds objects without being told
  std::vector<std::string> categories = {};
};

/// One object in one frame of a project.
struct SeenObject {
  ObjectId id = 0;
  std::int32_t category = -1;
  float score = 0;
  Box box = {};
  bool visible = false;
  bool prompted = false, corrected = false;  ///< named by a person in this frame, for the first time or again
  bool suspect = false;                      ///< it may be another object from here on
};

/// The answer for one frame, without tensors: what is sent, kept and exported.
struct ProjectFrame {
  std::int64_t index = 0;
  double seconds = 0;
  std::uint32_t revision = 0;            ///< rises when the frame is made anew, and with each edit
  std::vector<SeenObject> objects = {};  ///< ids rise
  MaskFrame masks = {};
};

/// One object over the whole video.
struct ProjectObject {
  ObjectId id = 0;
  std::string name = {};
  std::int32_t category = -1;
  std::uint32_t colour = 0;                                 ///< 0xRRGGBB
  std::int64_t first_frame = -1, last_frame = -1;           ///< among the results that are there; -1: in none
  std::vector<std::int64_t> prompted = {}, corrected = {};  ///< frames
};

/// What `Project::step` has done.
struct ProjectStep {
  enum class State : std::uint8_t {
    ready,    ///< the result that was asked for is there; of a live source perhaps that of a later frame, `index`
    working,  ///< one frame's work was done towards it; call again
    waiting,  ///< a live source has no frame just now; call again once it may have one
    ended,    ///< there is no such frame: the video ends before it
  } state = State::ready;
  std::int64_t index = -1;            ///< of the frame whose result was made in this step; -1: none
  std::int64_t done = 0, total = -1;  ///< of the work towards the frame that was asked for
};

/// What an export is to hold.
struct ExportSpec {
  enum class Kind : std::uint8_t { png_zip, rle_json, overlay_mp4, session } kind = Kind::png_zip;
  std::int64_t first = 0, last = -1;   ///< frames, both included; -1: to the end
  std::vector<ObjectId> objects = {};  ///< none: all
  std::filesystem::path folder = {};   ///< where the file is to be made
};

/// Work that may run on any thread, beside the project: it holds all that it needs. Throws Error, or Cancelled.
template <class Result>
using Beside = std::function<Result(std::stop_token)>;

/// A video, a model, and what a person has said about it: the masks follow from these three. Whoever edits says something
/// (`prompt`, `remove`, ...); results that this changes are made anew when they are asked for, so that the same edits give the
/// same masks, in whatever order and with whatever detours a person made them. `save` writes them down.
///
/// From one thread at a time; what `marking`, `exporting` give runs beside. An Error leaves the project as it was.
///
/// Models: ModelProject (any segmenter over any source). Consumers: serve/, `vos-infer --session`.
class Project {
 public:
  virtual ~Project() = default;

  virtual ProjectInfo info() const = 0;

  // --- results -------------------------------------------------------------------------------------------------------
  /// At most one frame's work towards the result of frame `index`. Stopping leaves what was done. A live source may have no
  /// frame of that number, or the model may be too slow for it: then the step is `ready` with a later `ProjectStep::index`, the
  /// frame that there is, and `result` of that one is the answer.
  virtual ProjectStep step(std::int64_t index, std::stop_token stop) = 0;
  /// The frame's result if it is there and holds with all edits, else null. Valid until the next call of another function.
  virtual const ProjectFrame* result(std::int64_t index) const = 0;
  /// The frames whose results hold now, as half-open ranges in order: what a time line shows.
  virtual std::vector<std::pair<std::int64_t, std::int64_t>> ready() const = 0;
  /// The last frame that a live source has brought and `step` has seen; of a file the last that has a result; -1: none.
  virtual std::int64_t newest() const = 0;
  /// The frame as JPEG, its longer side at most `max_size` (0: as it is). An Error where it is gone.
  virtual std::vector<std::uint8_t> picture(std::int64_t index, std::int64_t max_size = 0) = 0;
  /// A picture of a camera that somebody else holds; only where the source takes them. The index is chosen by the project.
  virtual std::int64_t feed(double seconds, std::span<const std::uint8_t> jpeg) = 0;

  // --- edits -------------------------------------------------------------------------------------------------------------
  /// Finds the masks that the marks mean in this frame; the objects' masks there (or, for a new one, nothing) are where they
  /// begin. New objects get the ids that `prompt` would give them. Nothing is changed.
  virtual Beside<MaskFrame> marking(std::int64_t index, std::vector<Mark> marks) = 0;
  /// Says that objects look like this in a frame: adds them or corrects them. Pixels of no object say nothing of the others,
  /// but an object named here has no pixel outside its mask. Gives the ids, as in `masks`.
  virtual std::vector<ObjectId> prompt(std::int64_t index, const MaskFrame& masks,
                                       const std::map<ObjectId, std::string>& names = {}) = 0;
  /// Takes an object out of all frames.
  virtual void remove(ObjectId id) = 0;
  virtual void rename(ObjectId id, std::string name, std::int32_t category, std::uint32_t colour) = 0;
  /// Both are one object, `into`; where both show, `into` covers the pixels of both.
  virtual void merge(ObjectId from, ObjectId into) = 0;
  /// From this frame on it is another object; gives its id.
  virtual ObjectId split(ObjectId id, std::int64_t index) = 0;
  /// Follows objects from frame `from` backwards to `to`, and keeps what is found where nothing was known of them. The work is
  /// done by `step` for those frames.
  virtual void propagate_back(std::int64_t from, std::int64_t to, std::vector<ObjectId> objects) = 0;
  /// Takes the last edit back, or makes it again. False: there is none.
  virtual bool undo() = 0;
  virtual bool redo() = 0;
  /// Another model, or other settings; all results are made anew. Part of what `undo` takes back.
  virtual void choose_model(const std::string& name, const std::map<std::string, std::string>& settings) = 0;

  virtual std::vector<ProjectObject> objects() const = 0;

  // --- out ---------------------------------------------------------------------------------------------------------------
  /// Writes the results that are there into one file in `spec.folder`, and gives its path. An Error where one in the range is
  /// missing: `step` to `last` first.
  virtual Beside<std::filesystem::path> exporting(const ExportSpec& spec) = 0;
  /// The session file: source, model, settings, edits. Complete after each edit; what it lacks are pictures.
  virtual std::string save() const = 0;
  /// Bytes held: pictures, results, snapshots.
  virtual std::size_t memory() const = 0;
};

/// What a project is made of.
struct ProjectSpec {
  std::string input = {};  ///< as `vos-infer --input` takes it, or "feed": pictures come by Project::feed
  std::string name = {};   ///< shown instead of the input's; a path of the server must not be
  std::string model = "flow";
  std::filesystem::path weights = {};
  std::map<std::string, std::string> settings = {};
  std::int64_t max_size = 0, max_pixels = std::int64_t{1} << 24;  ///< of a frame
  std::size_t picture_bytes = std::size_t{64} << 20, result_bytes = std::size_t{64} << 20,
              moment_bytes = std::size_t{192} << 20;  ///< kept at most; moments of the model are what it goes back to
};

/// A ModelProject: the model that `spec` names over the source that it names. `saved`: text of `save`, where it goes on.
VOS_INLINE std::unique_ptr<Project> open_project(const ProjectSpec& spec, const std::string& saved = {});

/// Makes projects: `open_project` for real ones, a test's lambda for others. Text of `save`, where it goes on.
using MakeProject = std::function<std::unique_ptr<Project>(const ProjectSpec& spec, const std::string& saved)>;

}  // namespace vos
