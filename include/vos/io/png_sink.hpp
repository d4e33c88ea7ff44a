#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <vos/io/files.hpp>
#include <vos/io/label_files.hpp>
#include <vos/io/sink.hpp>

namespace vos {

/// A label PNG a frame. A result without masks is written too: every frame has its file.
class PngSink final : public ResultSink {
 public:
  explicit PngSink(const SinkSpec& spec) : folder_(spec.directory) { make_folder(folder_); }

  void write(const Frame&, const FrameResult& result, const std::string& stem) override {
    write_labels(folder_ / (stem + ".png"), result.labels);
  }
  void close() override {}
  bool needs_picture() const override { return false; }
  std::vector<std::filesystem::path> outputs() const override { return {folder_}; }

 private:
  std::filesystem::path folder_;
};

}  // namespace vos
