#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <vos/io/files.hpp>
#include <vos/train/run_log.hpp>
#include <vos/train/step_name.hpp>
#if VOS_OPENCV
#include <vos/io/images.hpp>
#endif

namespace vos {

/// Pictures in the run's folder, as RUN/pictures/step_N/NAME.png. Those of the best validation and of the last stay. A build
/// without OpenCV writes none.
class PictureLog final : public RunLog {
 public:
  explicit PictureLog(const std::filesystem::path& run) : folder_(run / "pictures") {}

  void validation(const ValidationReport& report) override {
    const auto shown = [](const ClipFigures& clip) { return !clip.picture.empty(); };
    if (std::none_of(report.clips.begin(), report.clips.end(), shown)) return;
    const auto best = folder_ / best_name;
    std::error_code code;
    auto kept = std::filesystem::exists(best, code) ? read_text(best, 4096) : std::string{};
    if (report.best) {
      kept = step_name(report.step);
      make_folder(folder_);
      write_file(best, kept);
    }
    for (const auto& folder : folders())
      if (folder.filename() != kept || folder.filename() == step_name(report.step))  // the latter's are to come
        std::filesystem::remove_all(folder, code);
  }

  void picture([[maybe_unused]] std::int64_t step, [[maybe_unused]] const std::string& name,
               [[maybe_unused]] const at::Tensor& rgb) override {
#if VOS_OPENCV
    const auto folder = folder_ / step_name(step);
    make_folder(folder);
    write_image(folder / (name + ".png"), rgb);
#endif
  }

  void resumed(std::int64_t step) override {
    std::error_code code;
    for (const auto& folder : folders())
      if (folder.filename() > step_name(step)) std::filesystem::remove_all(folder, code);
  }

 private:
  static constexpr const char* best_name = "best";

  std::vector<std::filesystem::path> folders() const {
    std::vector<std::filesystem::path> folders;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, code))
      if (entry.path().filename().string().starts_with("step_")) folders.push_back(entry.path());
    return folders;
  }

  std::filesystem::path folder_;
};

}  // namespace vos
