#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/model/flow/patch.hpp>

namespace vos::detail::flow {

/// The picture cut into small cells, each described by gradients and colours around it. A row a cell.
struct Cells {
  static constexpr int side = 4;  // pixels
  static constexpr int orientations = 8;
  static constexpr int length = 2 * orientations + 3 * 3;

  cv::Size grid;
  cv::Mat descriptors;  // CV_32F [cells, length]

  static cv::Size grid_of(const cv::Size& picture) {
    return {(picture.width + side - 1) / side, (picture.height + side - 1) / side};
  }
  static cv::Point2f middle(const cv::Point& cell) {
    return (cv::Point2f(cell) + cv::Point2f(0.5F, 0.5F)) * static_cast<float>(side);
  }
};

/// Sums of unsigned gradients by orientation, a grid cell each. CV_32FC8.
inline cv::Mat gradient_cells(const cv::Mat& grey, const cv::Size& grid, int side) {
  cv::Mat dx, dy;
  cv::Sobel(grey, dx, CV_32F, 1, 0);
  cv::Sobel(grey, dy, CV_32F, 0, 1);
  cv::Mat sums = cv::Mat::zeros(grid, CV_32FC(Cells::orientations));
  constexpr float bins_per_radian = Cells::orientations / std::numbers::pi_v<float>;
  for (int y = 0; y < grey.rows; ++y) {
    const auto *gx = dx.ptr<float>(y), *gy = dy.ptr<float>(y);
    auto* row = sums.ptr<float>(std::min(y / side, grid.height - 1));
    for (int x = 0; x < grey.cols; ++x) {
      const float size = std::sqrt(gx[x] * gx[x] + gy[x] * gy[x]);
      if (size <= 0) continue;
      const float place = (cv::fastAtan2(gy[x], gx[x]) * std::numbers::pi_v<float> / 180) * bins_per_radian;
      const int low = static_cast<int>(place);
      const float part = place - static_cast<float>(low);
      auto* cell = row + std::min(x / side, grid.width - 1) * Cells::orientations;
      cell[low % Cells::orientations] += size * (1 - part);
      cell[(low + 1) % Cells::orientations] += size * part;
    }
  }
  return sums;
}

inline Cells cells_of(const cv::Mat& lab, const cv::Mat& grey) {
  Cells cells{Cells::grid_of(lab.size()), {}};
  const auto grid = cells.grid;
  cells.descriptors.create(grid.area(), Cells::length, CV_32F);

  const auto gradients_into = [&](const cv::Mat& sums, int column) {
    cv::Mat around;
    cv::boxFilter(sums, around, CV_32F, {3, 3}, {-1, -1}, false, cv::BORDER_REPLICATE);
    if (around.size() != grid) cv::resize(around, around, grid, 0, 0, cv::INTER_LINEAR);
    for (int i = 0; i < grid.area(); ++i) {
      const auto* from = around.ptr<float>(i / grid.width) + i % grid.width * Cells::orientations;
      auto* to = cells.descriptors.ptr<float>(i) + column;
      // The constant lets flat, noisy cells have short descriptors instead of random directions.
      float square = 2500;
      for (int k = 0; k < Cells::orientations; ++k) square += from[k] * from[k];
      for (int k = 0; k < Cells::orientations; ++k) to[k] = 0.7F * from[k] / std::sqrt(square);
    }
  };
  gradients_into(gradient_cells(grey, grid, Cells::side), 0);
  cv::Mat half;
  cv::resize(grey, half, {(grey.cols + 1) / 2, (grey.rows + 1) / 2}, 0, 0, cv::INTER_AREA);
  gradients_into(gradient_cells(half, Cells::grid_of(half.size()), Cells::side), Cells::orientations);

  cv::Mat colours;
  cv::resize(lab, colours, grid, 0, 0, cv::INTER_AREA);
  colours.convertTo(colours, CV_32FC3);
  int column = 2 * Cells::orientations;
  for (const auto& [window, weight] : {std::pair{1, 1.0F}, {3, 0.7F}, {7, 0.5F}}) {
    cv::Mat mean;
    cv::blur(colours, mean, {window, window}, {-1, -1}, cv::BORDER_REPLICATE);
    for (int i = 0; i < grid.area(); ++i) {
      const auto& from = mean.at<cv::Vec3f>(i / grid.width, i % grid.width);
      auto* to = cells.descriptors.ptr<float>(i) + column;
      // 8-bit Lab keeps lightness at 255/100 of its scale.
      to[0] = weight * (from[0] * (100.0F / 255) / 60);
      to[1] = weight * ((from[1] - 128) / 25);
      to[2] = weight * ((from[2] - 128) / 25);
    }
    column += 3;
  }
  return cells;
}

/// A mask's mean over each cell of a rectangle of cells.
inline cv::Mat cell_means(const Patch& mask, const cv::Rect& cells) {
  const cv::Rect pixels(cells.tl() * Cells::side, cells.size() * Cells::side);
  cv::Mat means;
  cv::resize(over(mask, pixels), means, cells.size(), 0, 0, cv::INTER_AREA);
  return means;
}

/// An object's own frame of reference: where it is and how large, so that its parts are compared with like parts.
struct Pose {
  cv::Point2f centre;
  float size = 1;  // square root of its area

  explicit Pose(const Patch& mask)
      : centre(flow::centre(mask)), size(std::max(std::sqrt(mass(mask)), static_cast<float>(Cells::side))) {}
};

/// Cells that an object's cells are compared with: descriptors with the place relative to the object appended.
struct Examples {
  static constexpr int length = Cells::length + 2;

  std::vector<float> descriptors;  // [size, length]
  std::vector<float> label;        // share of the cell that is the object
  std::vector<float> penalty;      // added to the squared distance

  std::size_t size() const { return label.size(); }

  void add(const Cells& cells, const cv::Point& cell, const Pose& pose) {
    const auto* from = cells.descriptors.ptr<float>(cell.y * cells.grid.width + cell.x);
    descriptors.insert(descriptors.end(), from, from + Cells::length);
    const cv::Point2f place = (Cells::middle(cell) - pose.centre) * (0.5F / pose.size);
    descriptors.push_back(place.x);
    descriptors.push_back(place.y);
  }
  void add(const Cells& cells, const cv::Point& cell, const Pose& pose, float share, float distance) {
    add(cells, cell, pose);
    label.push_back(share);
    penalty.push_back(distance);
  }
  void append(const Examples& more) {
    descriptors.insert(descriptors.end(), more.descriptors.begin(), more.descriptors.end());
    label.insert(label.end(), more.label.begin(), more.label.end());
    penalty.insert(penalty.end(), more.penalty.begin(), more.penalty.end());
  }
};

/// For each row of `queries` [n, Examples::length]: the probability that it is the object, voted by its nearest examples.
///
/// Not a matrix product of LibTorch's: those are small here, and waking its threads for them costs more than it saves.
inline std::vector<float> voted(const std::vector<float>& queries, const Examples& examples) {
  constexpr std::size_t nearest = 8, length = Examples::length, group = 32;
  constexpr float sharpness = 1 / 0.15F, far = std::numeric_limits<float>::max();
  const std::size_t count = queries.size() / length, groups = (examples.size() + group - 1) / group;

  // Examples in groups, a group's numbers side by side, so that a group is compared by vector instructions.
  // offset: |r|² + penalty. |q|² is the same for all and cancels.
  std::vector<float> columns(groups * length * group), offset(groups * group, far);
  for (std::size_t r = 0; r < examples.size(); ++r) {
    offset[r] = examples.penalty[r];
    for (std::size_t k = 0; k < length; ++k) {
      const float value = examples.descriptors[r * length + k];
      columns[(r / group * length + k) * group + r % group] = -2 * value;
      offset[r] += value * value;
    }
  }

  std::vector<float> probability(count, 0.5F);
  for (std::size_t q = 0; q < count && groups > 0; ++q) {
    const float* query = queries.data() + q * length;
    std::array<std::pair<float, std::size_t>, nearest> best;
    best.fill({far, 0});
    for (std::size_t g = 0; g < groups; ++g) {
      std::array<float, group> distance;
      std::copy_n(offset.data() + g * group, group, distance.data());
      const float* column = columns.data() + g * length * group;
      for (std::size_t k = 0; k < length; ++k, column += group)
        for (std::size_t i = 0; i < group; ++i) distance[i] += query[k] * column[i];
      // Hardly any example enters the list, so a group is looked at closely only if its nearest could.
      std::array<float, group / 2> least;
      for (std::size_t i = 0; i < group / 2; ++i) least[i] = std::min(distance[i], distance[i + group / 2]);
      if (*std::min_element(least.begin(), least.end()) >= best.back().first) continue;
      for (std::size_t i = 0; i < group; ++i) {
        if (distance[i] >= best.back().first) continue;
        std::size_t place = nearest - 1;
        for (; place > 0 && best[place - 1].first > distance[i]; --place) best[place] = best[place - 1];
        best[place] = {distance[i], g * group + i};
      }
    }
    float votes = 0, total = 0;
    for (const auto& [distance, r] : best) {
      if (distance == far) break;  // fewer examples than votes
      const float weight = std::exp((best.front().first - distance) * sharpness);
      votes += weight * examples.label[r];
      total += weight;
    }
    probability[q] = votes / total;
  }
  return probability;
}

}  // namespace vos::detail::flow
