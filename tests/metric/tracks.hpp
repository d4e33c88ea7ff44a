#pragma once

/// Ground truths and results of boxes, written down by hand.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <vos/data/annotated.hpp>
#include <vos/wire/rle_encode.hpp>

namespace vos::test {

struct Rect {
  std::int64_t x = 0, y = 0, width = 0, height = 0;
};
using MaybeRect = std::optional<Rect>;
inline constexpr std::nullopt_t absent = std::nullopt;

/// Grows tracks and keeps the texts of their masks.
class Tracks {
 public:
  Annotations truth = {};
  std::vector<AnnotatedTrack> results = {};

  void category(std::int64_t id) { truth.categories.push_back({id, "c" + std::to_string(id)}); }
  void video(std::int64_t id, std::int64_t height, std::int64_t width, std::int64_t length) {
    truth.videos.push_back({.id = id, .name = std::to_string(id), .height = height, .width = width, .length = length});
  }

  AnnotatedTrack& object(std::int64_t video, std::int64_t category, const std::vector<MaybeRect>& boxes,
                         bool crowd = false) {
    auto track = track_of(video, category, boxes);
    track.id = static_cast<std::int64_t>(truth.tracks.size()) + 1;
    track.crowd = crowd;
    return truth.tracks.emplace_back(std::move(track));
  }
  AnnotatedTrack& found(std::int64_t video, std::int64_t category, double score, const std::vector<MaybeRect>& boxes) {
    auto track = track_of(video, category, boxes);
    track.id = static_cast<std::int64_t>(results.size()) + 1;
    track.score = score;
    return results.emplace_back(std::move(track));
  }

  MaskText mask(const MaybeRect& box, std::int64_t height, std::int64_t width) {
    if (!box) return {};
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width));
    for (auto y = box->y; y < box->y + box->height; ++y)
      for (auto x = box->x; x < box->x + box->width; ++x) pixels[static_cast<std::size_t>(y * width + x)] = 1;
    std::string text;  // escaped, as it stands in a file
    for (const char c : rle_string(rle_from_mask(pixels, height, width)))
      text += c == '\\' ? "\\\\" : std::string(1, c);
    return {.form = MaskText::Form::text,
            .height = static_cast<std::int32_t>(height),
            .width = static_cast<std::int32_t>(width),
            .json = texts_.emplace_back(std::move(text))};
  }

 private:
  AnnotatedTrack track_of(std::int64_t id, std::int64_t category, const std::vector<MaybeRect>& boxes) {
    AnnotatedTrack track{.category = category};
    while (truth.videos[static_cast<std::size_t>(track.video)].id != id) ++track.video;
    const auto& video = truth.videos[static_cast<std::size_t>(track.video)];
    for (const auto& box : boxes) track.masks.push_back(mask(box, video.height, video.width));
    return track;
  }

  std::deque<std::string> texts_;
};

}  // namespace vos::test
