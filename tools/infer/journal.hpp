#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <vos/vos.hpp>

namespace vos::infer {

/// `frames.jsonl`: what was answered for each frame, a line each, written as the run goes. The first line holds the run's
/// settings, the last one of a complete run says so. An interrupted run is continued from here.
class Journal {
 public:
  /// Begins a new file, or goes on with the one that `read_past` read.
  Journal(const std::filesystem::path& folder, const nlohmann::ordered_json& settings, bool go_on);

  /// Call when all that belongs to the frame is on disk.
  void add(const FrameResult& result, const std::string& stem);
  void complete();

 private:
  void line(const nlohmann::ordered_json& json);
  std::filesystem::path path_;
  std::ofstream file_;
};

/// What an earlier run left behind.
struct Past {
  nlohmann::ordered_json settings = {};
  bool complete = false;
  std::int64_t frames = 0;                          ///< how many were answered
  std::int64_t last = -1;                           ///< the index of the last of them
  std::map<ObjectId, std::int64_t> last_seen = {};  ///< for each object, the last frame in which it had a pixel
  std::uintmax_t bytes = 0;                         ///< the length of the lines that are whole
};

/// Reads a folder's journal; a last line that was cut off is left out. An Error where there is none.
Past read_past(const std::filesystem::path& folder);

/// An Error that names the first setting in which the earlier run differs. Masks may come from elsewhere now: a run that
/// stumbled over one goes on with a mended copy.
void check_same_run(const Past& past, const nlohmann::ordered_json& settings, const std::filesystem::path& folder);

/// Reads back, in step with the frames, what an earlier run answered.
class Replay {
 public:
  explicit Replay(const std::filesystem::path& folder);
  /// The result of the frame with this index, its label map from the PNG; nothing where there was none.
  std::optional<FrameResult> result(const Frame& frame);

 private:
  std::filesystem::path folder_;
  std::ifstream file_;
};

/// Removes what an earlier run put into a folder, as its journal tells, and nothing else.
void remove_results(const std::filesystem::path& folder);

}  // namespace vos::infer
