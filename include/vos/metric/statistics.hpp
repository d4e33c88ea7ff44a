#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace vos {

/// What DAVIS reports of one object's values over time.
struct SequenceStatistics {
  double mean = 0;    ///< NaN ignored
  double recall = 0;  ///< share of frames above .5; NaN is not above
  double decay = 0;   ///< mean of the first quarter minus mean of the last
};

/// Mean that ignores NaN; NaN where nothing is left.
inline double mean_of(std::span<const double> values) {
  double sum = 0;
  std::int64_t count = 0;
  for (const double value : values)
    if (!std::isnan(value)) {
      sum += value;
      ++count;
    }
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

/// First and last frame of the four bins of the decay: bin k is frames edge[k] to edge[k+1], both included, so that
/// neighbours share a frame. The reference keeps edges in 8 bits, which wrap beyond 256 frames; `wrap_edges` does so too.
inline std::array<std::int64_t, 5> decay_edges(std::int64_t frames, bool wrap_edges = false) {
  std::array<std::int64_t, 5> edges{};
  for (std::size_t k = 0; k < edges.size(); ++k) {
    // The small addend turns rounding to even into rounding up, as in the reference.
    const double at = 1 + static_cast<double>(k) * static_cast<double>(frames - 1) / 4 + 1e-10;
    edges[k] = static_cast<std::int64_t>(std::nearbyint(at)) - 1;
    if (wrap_edges) edges[k] %= 256;
  }
  return edges;
}

/// Mean, recall and decay of one object's values, a value a frame. All NaN for no frames.
inline SequenceStatistics statistics_of(std::span<const double> values, bool wrap_edges = false) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (values.empty()) return {none, none, none};
  std::int64_t above = 0;
  for (const double value : values) above += value > 0.5;

  const auto edges = decay_edges(static_cast<std::int64_t>(values.size()), wrap_edges);
  const auto bin = [&](std::size_t k) {
    if (edges[k] > edges[k + 1]) return none;  // only wrapped edges run backwards
    return mean_of(
        values.subspan(static_cast<std::size_t>(edges[k]), static_cast<std::size_t>(edges[k + 1] - edges[k] + 1)));
  };
  return {mean_of(values), static_cast<double>(above) / static_cast<double>(values.size()), bin(0) - bin(3)};
}

}  // namespace vos
