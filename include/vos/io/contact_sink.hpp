#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/frame/label_map.hpp>
#include <vos/io/draw.hpp>
#include <vos/io/files.hpp>
#include <vos/io/images.hpp>
#include <vos/io/label_checks.hpp>
#include <vos/io/sink.hpp>
#include <vos/wire/number.hpp>

namespace vos {

/// A sheet of evenly spaced drawn frames, each with its number.
///
/// Nobody knows how long a stream is: every n-th frame is kept, and when twice the tiles are full, every second of them
/// goes and n doubles. So memory is fixed, and the spacing even up to one step.
class ContactSink final : public ResultSink {
 public:
  explicit ContactSink(const SinkSpec& spec)
      : file_(spec.directory / "contact.png"),
        draw_(spec.draw),
        tiles_(static_cast<std::size_t>(std::clamp<std::int64_t>(spec.tiles, 1, 400))) {
    make_folder(spec.directory);
  }
  ~ContactSink() override {
    try {
      close();
    } catch (...) {  // a destructor has nobody to tell; close() has
    }
  }

  void write(const Frame& frame, const FrameResult& result, const std::string&) override {
    if (seen_ % stride_ == 0) {
      if (kept_.size() == 2 * tiles_) {
        for (std::size_t i = 0; i < tiles_; ++i) kept_[i] = std::move(kept_[2 * i]);
        kept_.resize(tiles_);
        stride_ *= 2;
      }
      if (seen_ % stride_ == 0) kept_.push_back({frame.index, thumbnail(frame, result)});
    }
    ++seen_;
    closed_ = false;
  }

  void close() override {
    if (std::exchange(closed_, true) || kept_.empty()) return;
    const auto count = std::min(tiles_, kept_.size());
    std::vector<const Thumbnail*> chosen;
    for (std::size_t i = 0; i < count; ++i)
      chosen.push_back(&kept_[count < 2 ? 0 : (i * (kept_.size() - 1) + (count - 1) / 2) / (count - 1)]);
    write_image(file_, sheet(chosen));
    saved_ = true;
  }
  bool needs_picture() const override { return true; }
  std::vector<std::filesystem::path> outputs() const override {
    return saved_ ? std::vector{file_} : std::vector<std::filesystem::path>{};
  }

 private:
  struct Thumbnail {
    std::int64_t index = 0;
    at::Tensor rgb;  // uint8 [h,w,3]
  };

  static constexpr std::int64_t tile_width = 400, tile_height = 300, gap = 10;
  static constexpr std::uint8_t ground = 24;

  /// Drawn at its final size, so that lines and numbers are as clear as on a full picture.
  at::Tensor thumbnail(const Frame& frame, const FrameResult& result) const {
    expect_same_size(result.labels, "the result of frame " + std::to_string(result.index), frame,
                     "frame " + std::to_string(frame.index));
    const double scale = std::min({1.0, static_cast<double>(tile_width) / static_cast<double>(frame.width()),
                                   static_cast<double>(tile_height) / static_cast<double>(frame.height())});
    const auto side = [scale](std::int64_t length) {
      return std::max<std::int64_t>(1, std::llround(static_cast<double>(length) * scale));
    };
    Frame small{frame.index, frame.seconds, at::empty({side(frame.height()), side(frame.width()), 3}, at::kByte)};
    const auto picture = frame.rgb.contiguous();
    auto view = mat_of(small.rgb);
    cv::resize(mat_of(picture), view, view.size(), 0, 0, cv::INTER_AREA);
    FrameResult shrunk;
    shrunk.index = result.index;
    shrunk.labels =
        resize_labels(detail::plain_labels(result.labels, "result.labels [H,W]"), small.height(), small.width());
    auto options = draw_;  // widths given in pixels are those of the full picture
    options.outline_width = options.outline_width > 0 ? std::max(1.0, options.outline_width * scale) : 0;
    options.digit_height = std::max(11.0, options.digit_height * scale);
    return draw(small, shrunk, options);
  }

  static at::Tensor sheet(const std::vector<const Thumbnail*>& chosen) {
    std::int64_t w = 1, h = 1;
    for (const auto* tile : chosen) w = std::max(w, tile->rgb.size(1)), h = std::max(h, tile->rgb.size(0));
    const auto count = static_cast<std::int64_t>(chosen.size());
    // As many columns as make the sheet about 16:10.
    const auto columns = std::clamp<std::int64_t>(
        std::llround(std::sqrt(1.6 * static_cast<double>(count * (h + gap)) / static_cast<double>(w + gap))), 1, count);
    const auto rows = (count + columns - 1) / columns;
    auto rgb = at::empty({rows * (h + gap) + gap, columns * (w + gap) + gap, 3}, at::kByte);
    auto canvas = mat_of(rgb);
    canvas.setTo(cv::Scalar::all(ground));
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& tile = chosen[static_cast<std::size_t>(i)]->rgb;
      const auto left = gap + i % columns * (w + gap) + (w - tile.size(1)) / 2,
                 top = gap + i / columns * (h + gap) + (h - tile.size(0)) / 2;
      mat_of(tile).copyTo(canvas({static_cast<int>(left), static_cast<int>(top), static_cast<int>(tile.size(1)),
                                  static_cast<int>(tile.size(0))}));
      const NumberPlate number{chosen[static_cast<std::size_t>(i)]->index, 13};
      number.draw({rgb.mutable_data_ptr<std::uint8_t>(), rgb.size(0), rgb.size(1)}, left + 6, top + 6,
                  {ground, ground, ground});
    }
    return rgb;
  }

  std::filesystem::path file_;
  DrawOptions draw_;
  std::size_t tiles_;
  std::vector<Thumbnail> kept_;
  std::int64_t seen_ = 0, stride_ = 1;
  bool closed_ = false, saved_ = false;
};

}  // namespace vos
