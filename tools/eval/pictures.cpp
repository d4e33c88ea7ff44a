#include "pictures.hpp"

#include <memory>
#include <string>
#include <utility>

#include <vos/io/open_labels.hpp>

namespace vos::eval {
namespace {

namespace fs = std::filesystem;

/// Where the frames of label maps in `truth` lie: DAVIS/JPEGImages/480p for DAVIS/Annotations/480p.
fs::path frames_beside(const fs::path& truth) {
  fs::path images;
  bool found = false;
  for (const auto& part : fs::is_directory(truth / "Annotations") ? truth / "Annotations" : truth) {
    const bool annotations = part.string().starts_with("Annotations");
    images /= annotations ? fs::path{"JPEGImages"} : part;
    found |= annotations;
  }
  return found ? images : fs::path{};
}

}  // namespace

Pictures pictures_of(const nlohmann::json& report) {
  if (!report.contains("truth")) return {};
  const fs::path folder = report.at("truth").get<std::string>();
  const std::shared_ptr<const LabelStore> truth = open_labels(folder);
  const std::shared_ptr<const LabelStore> guess = open_labels(report.at("pred").get<std::string>(), truth.get());
  const auto reader = [](const std::shared_ptr<const LabelStore>& store) {
    return [store](const std::string& sequence, const std::string& stem) {
      return store->has(sequence, stem) ? store->read(sequence, stem) : LabelImage{};
    };
  };
  Pictures pictures{.truth = reader(truth), .guess = reader(guess)};
  pictures.any_object = report.at("settings").value("year", "") == "2016";
  if (const auto frames = frames_beside(folder); !frames.empty())
    pictures.frame = [frames](const std::string& sequence, const std::string& stem) {
      for (const char* extension : {".jpg", ".jpeg", ".png"})
        if (auto file = frames / sequence / (stem + extension); fs::is_regular_file(file)) return file;
      return fs::path{};
    };
  return pictures;
}

}  // namespace vos::eval
