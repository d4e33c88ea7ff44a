#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include <unistd.h>

#include <vos/io/files.hpp>
#include <vos/train/log/curves.hpp>
#include <vos/train/log/event_file.hpp>
#include <vos/train/log/value_histogram.hpp>
#include <vos/train/run_log.hpp>
#if VOS_OPENCV
#include <vos/io/images.hpp>
#endif

namespace vos {

/// The run for TensorBoard: `tensorboard --logdir RUN`. Scalars are called loss, loss/NAME, lr/GROUP, speed/NAME and
/// validation/NAME; pictures, which take a build with OpenCV, pictures/NAME; histograms as whoever gives them calls them. A
/// resumed run begins a new file, which tells TensorBoard to forget the steps that are done again.
class TensorBoardLog final : public RunLog {
 public:
  explicit TensorBoardLog(const std::filesystem::path& run)
      : file_((make_folder(run / "tensorboard"), run / "tensorboard"), now(), "." + std::to_string(::getpid())) {}

  void step(const StepReport& report) override { file_.scalars(now(), report.step, curves_of(report)); }
  void validation(const ValidationReport& report) override { file_.scalars(now(), report.step, curves_of(report)); }
  void picture([[maybe_unused]] std::int64_t step, [[maybe_unused]] const std::string& name,
               [[maybe_unused]] const at::Tensor& rgb) override {
#if VOS_OPENCV
    file_.picture(now(), step, "pictures/" + name,
                  {.height = rgb.size(0), .width = rgb.size(1), .png = image_bytes(rgb, ".png")});
#endif
  }
  void histogram(std::int64_t step, const std::string& name, const at::Tensor& values) override {
    file_.histogram(now(), step, name, histogram_of(values));
  }
  void resumed(std::int64_t step) override { file_.begin(now(), step + 1); }

  EventFile& file() { return file_; }

 private:
  static double now() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  EventFile file_;
};

}  // namespace vos
