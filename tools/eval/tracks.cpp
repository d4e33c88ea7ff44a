#include "tracks.hpp"

#include <string>
#include <string_view>

#include <vos/core/text.hpp>
#include <vos/io/zip.hpp>

namespace vos::eval {

Annotations load_truth(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path))
    throw Error({.what = "the truth is a folder", .where = path.string(), .mend = "name its annotation file, a .json"});
  return read_annotations(path);
}

ResultTracks load_results(const std::filesystem::path& path, const std::vector<AnnotatedVideo>& videos) {
  if (std::filesystem::is_directory(path)) return read_results(path / "results.json", videos);
  if (lower_case(path.extension().string()) != ".zip") return read_results(path, videos);
  const auto bytes = ZipReader(path).read("results.json");
  return results_from({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string() + ": results.json",
                      videos);
}

}  // namespace vos::eval
