#pragma once

#include <algorithm>
#include <cstdint>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/frame/frame.hpp>
#include <vos/model/flow/colour.hpp>
#include <vos/model/flow/cut.hpp>
#include <vos/model/flow/matching.hpp>
#include <vos/model/flow/options.hpp>

namespace vos::detail::flow {

/// What is computed once a frame, for all objects. Never written afterwards.
struct Picture {
  cv::Size full;      // the frame's size; all else is in the working size
  cv::Mat grey;       // CV_8U
  cv::Mat lab;        // CV_8UC3
  cv::Mat local;      // CV_16U, bins of local_bins
  cv::Mat global;     // CV_16U, bins of global_bins
  Histogram colours;  // of all pixels
  Contrast contrast;
  Cells cells;

  cv::Size size() const { return lab.size(); }
};

inline cv::Size working_size(const cv::Size& full, std::int64_t side) {
  const double scale = std::min(1.0, static_cast<double>(side) / std::max(full.width, full.height));
  return {std::max(1, cvRound(full.width * scale)), std::max(1, cvRound(full.height * scale))};
}

inline Picture picture_of(const Frame& frame, const FlowOptions& options) {
  Picture picture;
  picture.full = {static_cast<int>(frame.width()), static_cast<int>(frame.height())};
  // OpenCV has no read-only matrix; nothing below writes to it.
  cv::Mat rgb(picture.full, CV_8UC3, const_cast<std::uint8_t*>(frame.rgb.const_data_ptr<std::uint8_t>()));
  const auto size = working_size(picture.full, options.working_side);
  if (size != picture.full) {
    cv::Mat small;
    cv::resize(rgb, small, size, 0, 0, cv::INTER_AREA);
    rgb = small;
  }
  cv::cvtColor(rgb, picture.grey, cv::COLOR_RGB2GRAY);
  cv::cvtColor(rgb, picture.lab, cv::COLOR_RGB2Lab);
  picture.local = local_bins.of_all(picture.lab);
  picture.global = global_bins.of_all(picture.lab);
  picture.colours = Histogram(picture.global);
  picture.contrast = contrast_of(picture.lab, options.smoothness);
  if (options.matching > 0) picture.cells = cells_of(picture.lab, picture.grey);
  return picture;
}

}  // namespace vos::detail::flow
