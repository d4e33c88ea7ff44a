#pragma once

#include <filesystem>
#include <vector>

#include <vos/data/annotations.hpp>

namespace vos::eval {

/// The ground truth of `vis` and `identity`: an annotation file.
Annotations load_truth(const std::filesystem::path& path);

/// Results for its videos: results.json, alone, in a folder or in a zip.
ResultTracks load_results(const std::filesystem::path& path, const std::vector<AnnotatedVideo>& videos);

}  // namespace vos::eval
