#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>

namespace vos::detail::flow {

/// Where a pixel was a frame ago, as an affine function of where it is.
using Affine = cv::Matx23f;

inline cv::Point2f apply(const Affine& motion, cv::Point2f at) {
  return {motion(0, 0) * at.x + motion(0, 1) * at.y + motion(0, 2),
          motion(1, 0) * at.x + motion(1, 1) * at.y + motion(1, 2)};
}

struct Correspondence {
  cv::Point2f now, before;
};

/// The affine motion that most of the pairs follow within `tolerance` pixels (RANSAC), or nothing for too few pairs.
inline std::optional<Affine> common_motion(const std::vector<Correspondence>& pairs, float tolerance) {
  constexpr std::size_t enough = 12;
  constexpr int trials = 100;
  if (pairs.size() < enough) return std::nullopt;
  cv::RNG random(20231);  // its own, so that equal pairs give an equal motion whatever ran before
  const auto through = [&](const std::array<std::size_t, 3>& pick) -> std::optional<Affine> {
    const auto &p = pairs[pick[0]], &q = pairs[pick[1]], &r = pairs[pick[2]];
    const cv::Point2f u = q.now - p.now, v = r.now - p.now;
    const float area = u.x * v.y - u.y * v.x;
    if (std::abs(area) < 4) return std::nullopt;
    const cv::Point2f du = q.before - p.before, dv = r.before - p.before;
    const cv::Point2f along_x = (du * v.y - dv * u.y) / area, along_y = (dv * u.x - du * v.x) / area;
    const cv::Point2f offset = p.before - along_x * p.now.x - along_y * p.now.y;
    return Affine(along_x.x, along_y.x, offset.x, along_x.y, along_y.y, offset.y);
  };
  const float near = tolerance * tolerance;
  const auto fits = [&](const Affine& motion, const Correspondence& pair) {
    const cv::Point2f miss = apply(motion, pair.now) - pair.before;
    return miss.dot(miss) < near;
  };
  std::optional<Affine> best;
  std::ptrdiff_t best_count = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::array<std::size_t, 3> pick{};
    for (auto& index : pick) index = random.uniform(0, static_cast<int>(pairs.size()));
    const auto motion = through(pick);
    if (!motion) continue;
    const auto count = std::count_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return fits(*motion, pair); });
    if (count > best_count) best = motion, best_count = count;
  }
  if (!best || best_count < static_cast<std::ptrdiff_t>(enough)) return std::nullopt;

  // Least squares over those that agree.
  cv::Matx33d normal = cv::Matx33d::zeros();
  cv::Matx<double, 3, 2> right = cv::Matx<double, 3, 2>::zeros();
  for (const auto& pair : pairs) {
    if (!fits(*best, pair)) continue;
    const cv::Vec3d now(pair.now.x, pair.now.y, 1);
    normal += now * now.t();
    right += now * cv::Vec2d(pair.before.x, pair.before.y).t();
  }
  bool solved = false;
  const cv::Matx33d inverse = normal.inv(cv::DECOMP_CHOLESKY, &solved);
  if (solved) best = Affine((inverse * right).t());
  return best;
}

}  // namespace vos::detail::flow
