#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/io/label_results.hpp>
#include <vos/io/label_store.hpp>
#include <vos/io/mots_labels.hpp>

namespace vos {

namespace detail {

/// The results.json of each sequence whose folder holds no label maps.
inline std::vector<std::pair<std::string, std::filesystem::path>> results_in(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::filesystem::path>> files;
  for (const auto& entry : entries_of(folder))
    if (entry.is_directory() && std::filesystem::is_regular_file(entry.path() / "results.json"))
      files.emplace_back(entry.path().filename().string(), entry.path() / "results.json");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace detail

/// Opens label maps by looking: a folder or a zip of PNGs, a results.json in COCO's RLE, in a folder or zip of its own too,
/// KITTI-MOTS text. `truth` is what they are compared with, null where this is the truth itself: it names the videos and
/// frames that results number, and the sequence of a folder that is one itself.
inline std::unique_ptr<LabelStore> open_labels(const std::filesystem::path& path, const LabelStore* truth = nullptr) {
  const auto refusal = [&](const std::string& what, const std::string& mend) {
    return Error({.what = what, .where = path.string(), .mend = mend});
  };
  const auto need_truth = [&]() -> const LabelStore& {
    if (truth == nullptr) throw refusal("results cannot be the truth", "give label maps as the truth");
    return *truth;
  };
  const auto one = truth != nullptr && truth->frames().size() == 1 ? truth->frames().begin()->first : std::string{};
  if (std::filesystem::is_directory(path)) {
    auto folder = std::make_unique<LabelFolder>(path, one);
    if (!folder->frames().empty()) return folder;
    if (std::filesystem::is_regular_file(path / "results.json"))
      return std::make_unique<LabelResults>(path / "results.json", read_file(path / "results.json"), need_truth());
    if (const auto files = detail::results_in(path); !files.empty())
      return std::make_unique<LabelResults>(files, need_truth());
    if (const auto files = mots_files_in(path); !files.empty()) return std::make_unique<MotsLabels>(files, truth);
    throw refusal("the folder holds no label maps", "name the folder that holds SEQUENCE/FRAME.png");
  }
  if (!std::filesystem::exists(path)) throw refusal("there is no such file or folder", "check the name");
  const auto extension = lower_case(path.extension().string());
  if (extension == ".json") return std::make_unique<LabelResults>(path, read_file(path), need_truth());
  if (extension == ".txt") return std::make_unique<MotsLabels>(std::vector{path}, truth);
  if (extension == ".zip") {
    auto zip = std::make_unique<LabelZip>(path, one);
    if (!zip->frames().empty()) return zip;
    const ZipReader reader(path);
    const auto& names = reader.names();
    if (std::find(names.begin(), names.end(), "results.json") != names.end())
      return std::make_unique<LabelResults>(path / "results.json", reader.read("results.json"), need_truth());
    throw refusal("the zip holds no label maps", "it should hold SEQUENCE/FRAME.png");
  }
  throw refusal("this is neither a folder of label maps nor a zip, JSON or MOTS file",
                "give a folder, .zip, .json or .txt; a video of masks cannot be read, as compression changes ids");
}

}  // namespace vos
