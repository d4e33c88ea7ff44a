#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/io/image.hpp>
#include <vos/io/whole_image.hpp>

namespace vos {

/// An OpenCV view of a picture uint8 [H,W,3]; it does not keep the tensor.
inline cv::Mat mat_of(const at::Tensor& rgb) {
  return {static_cast<int>(rgb.size(0)), static_cast<int>(rgb.size(1)), CV_8UC3,
          const_cast<std::uint8_t*>(rgb.const_data_ptr<std::uint8_t>())};
}

/// A picture as OpenCV has it (BGR) as uint8 [H,W,3] in RGB, its longer side at most `max_size` (0: as it is).
inline at::Tensor rgb_from_bgr(const cv::Mat& bgr, std::int64_t max_size) {
  cv::Mat fitting = bgr;
  if (const auto longer = std::max(bgr.rows, bgr.cols); max_size > 0 && longer > max_size) {
    const auto side = [&](int length) {
      return static_cast<int>(std::max<std::int64_t>(1, (length * max_size + longer / 2) / longer));
    };
    cv::resize(bgr, fitting, {side(bgr.cols), side(bgr.rows)}, 0, 0, cv::INTER_AREA);
  }
  auto rgb = at::empty({fitting.rows, fitting.cols, 3}, at::kByte);
  auto view = mat_of(rgb);
  cv::cvtColor(fitting, view, cv::COLOR_BGR2RGB);
  return rgb;
}

/// Decodes a picture: uint8 [H,W,3], upright by its EXIF orientation. Grey becomes RGB; 16 bits a channel are scaled to 8
/// over their full range; alpha is dropped, leaving the colours beneath it; CMYK is converted as Adobe writes it.
inline at::Tensor image_from_bytes(std::span<const std::uint8_t> bytes, const std::string& where,
                                   std::int64_t max_size = 0) {
  const auto refuse = [&](const std::string& what, const std::string& mend) -> void {
    throw Error({.what = what, .where = where, .mend = mend});
  };
  if (bytes.empty()) refuse("the image file is empty", "export or copy it again");
  if (!image_is_whole(bytes)) refuse("the image is cut short", "export or copy it again");
  cv::Mat bgr;
  try {
    const cv::Mat view{1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<std::uint8_t*>(bytes.data())};
    bgr = cv::imdecode(view, cv::IMREAD_COLOR | cv::IMREAD_ANYDEPTH);
  } catch (const cv::Exception& e) {
    refuse("the image cannot be decoded: " + e.err, "convert it to 8-bit PNG or JPEG");
  }
  if (bgr.empty())
    refuse("the image cannot be decoded", "it is damaged or of an unknown kind: convert it to 8-bit PNG or JPEG");
  if (bgr.depth() == CV_16U) bgr.convertTo(bgr, CV_8U, 1 / 257.0);
  if (bgr.depth() != CV_8U)
    refuse("the image has pixels that are neither 8 nor 16 bit", "convert it to 8-bit PNG or JPEG");
  return rgb_from_bgr(bgr, max_size);
}

/// Encodes uint8 [H,W,3]: as JPEG for the extension .jpg or .jpeg, `quality` 1 to 100, else as PNG.
inline std::vector<std::uint8_t> image_bytes(const at::Tensor& rgb, const std::string& extension, int quality = 95) {
  cv::Mat bgr;
  const auto plain = rgb.contiguous();
  cv::cvtColor(mat_of(plain), bgr, cv::COLOR_RGB2BGR);
  std::vector<std::uint8_t> bytes;
  if (extension == ".jpg" || extension == ".jpeg")
    cv::imencode(".jpg", bgr, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  else cv::imencode(".png", bgr, bytes);
  return bytes;
}

/// Writes uint8 [H,W,3] as its name's extension says, whole or not at all.
inline void write_image(const std::filesystem::path& path, const at::Tensor& rgb, int quality = 95) {
  write_file(path, image_bytes(rgb, lower_case(path.extension().string()), quality));
}

}  // namespace vos
