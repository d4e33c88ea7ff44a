#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/parallel.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/data/lint/tally.hpp>
#include <vos/data/lint/video.hpp>
#include <vos/io/lint/look.hpp>

namespace vos {

struct LintOptions {
  bool quick = false;  ///< decode the first, the middle and the last frame of each video alone
  std::size_t threads = 1;
};

/// What was found in a dataset, in the order of its videos and frames, and what was counted.
struct LintReport {
  std::vector<Finding> findings = {};
  LintTally tally = {};
  bool complete = true;  ///< false: stopped before the end

  std::int64_t count(Finding::Level level) const {
    return std::count_if(findings.begin(), findings.end(), [&](const auto& f) { return f.level == level; });
  }
};

namespace detail {

/// Frames of one video that a thread decodes in one go.
struct LintPart {
  std::size_t video = 0;
  std::int64_t begin = 0, end = 0;
};

inline std::vector<LintPart> lint_parts(const Catalog& catalog) {
  constexpr std::int64_t most = 16;  // long videos are shared between threads
  std::vector<LintPart> parts;
  for (std::size_t v = 0; v < catalog.videos.size(); ++v) {
    const auto count = static_cast<std::int64_t>(catalog.videos[v].frames.size());
    for (std::int64_t begin = 0; begin < count; begin += most)
      parts.push_back({v, begin, std::min(count, begin + most)});
  }
  return parts;
}

inline bool is_looked_at(std::int64_t t, std::int64_t count, const LintOptions& options) {
  return !options.quick || t == 0 || t == count / 2 || t == count - 1;
}

}  // namespace detail

/// Reads a dataset the way training does: decodes every image and every mask, and says what it finds. `looked()` is
/// called after each frame, from any thread. The same dataset gives the same report on any number of threads; memory does
/// not grow with the length of videos but for a few numbers a frame.
inline LintReport lint(const Catalog& catalog, const LintOptions& options = {}, std::stop_token stop = {},
                       const std::function<void()>& looked = {}) {
  struct Open {
    std::vector<SeenFrame> frames = {};
    std::int64_t left = 0;
    VideoLint done = {};
  };
  std::vector<Open> open(catalog.videos.size());
  for (std::size_t v = 0; v < open.size(); ++v)
    open[v].left = static_cast<std::int64_t>(catalog.videos[v].frames.size());
  std::mutex mutex;
  const auto parts = detail::lint_parts(catalog);
  for_each_parallel(parts.size(), options.threads, stop, [&](std::size_t i) {
    const auto& part = parts[i];
    const auto& video = catalog.videos[part.video];
    const auto count = static_cast<std::int64_t>(video.frames.size());
    std::vector<SeenFrame> seen;
    for (auto t = part.begin; t < part.end; ++t) {
      if (stop.stop_requested()) return;
      const bool wanted = detail::is_looked_at(t, count, options);
      seen.push_back(wanted ? detail::look_at_frame(catalog, video, t) : SeenFrame{});
      if (looked) looked();
    }
    auto& mine = open[part.video];
    std::vector<SeenFrame> frames;
    {
      const std::scoped_lock lock(mutex);
      mine.frames.resize(video.frames.size());
      std::move(seen.begin(), seen.end(), mine.frames.begin() + part.begin);
      if (mine.left -= part.end - part.begin; mine.left > 0) return;
      frames = std::move(mine.frames);
    }
    mine.done = lint_video(catalog, video, std::move(frames));
  });
  LintReport report{.findings = catalog.findings};
  for (auto& video : open) {
    report.complete &= video.left == 0;
    std::move(video.done.findings.begin(), video.done.findings.end(), std::back_inserter(report.findings));
    report.tally.add(video.done.tally);
  }
  return report;
}

}  // namespace vos
