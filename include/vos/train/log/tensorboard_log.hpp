#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <unistd.h>

#include <vos/io/files.hpp>
#include <vos/train/log/event_file.hpp>
#include <vos/train/run_log.hpp>

namespace vos {

/// The run for TensorBoard: `tensorboard --logdir RUN`. Scalars are called loss, loss/NAME, lr/GROUP, speed/NAME and
/// validation/NAME. A resumed run begins a new file, which tells TensorBoard to forget the steps that are done again.
class TensorBoardLog final : public RunLog {
 public:
  explicit TensorBoardLog(const std::filesystem::path& run)
      : file_((make_folder(run / "tensorboard"), run / "tensorboard"), now(), "." + std::to_string(::getpid())) {}

  void step(const StepReport& report) override {
    std::map<std::string, double> values{{"loss", report.loss},
                                         {"gradient_norm", report.gradient_norm},
                                         {"speed/seconds a step", report.seconds},
                                         {"speed/seconds waiting for data", report.waited}};
    for (const auto& [name, value] : report.losses) values["loss/" + name] = value;
    for (const auto& [name, value] : report.lr) values["lr/" + name] = value;
    file_.scalars(now(), report.step, values);
  }

  void validation(const ValidationReport& report) override {
    std::map<std::string, double> values;
    for (const auto& [name, value] : report.metrics) values["validation/" + name] = value;
    file_.scalars(now(), report.step, values);
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
