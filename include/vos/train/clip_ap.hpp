#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <vos/data/annotated.hpp>
#include <vos/data/paste.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/frame/frame.hpp>
#include <vos/frame/track_word.hpp>
#include <vos/metric/video_ap.hpp>
#include <vos/train/metrics.hpp>
#include <vos/train/parallel/group.hpp>
#include <vos/wire/rle_encode.hpp>

namespace vos {

/// AP of objects that a validation has found in its clips, each a video of its own: what `vos-eval` says of the same masks. Where
/// the model has one class, objects of any kind are of it. Frames that nobody has labelled do not count.
class ClipAp {
 public:
  explicit ClipAp(std::int64_t classes = 1) : classes_(classes) {}

  /// A clip, and what was found in each of its frames.
  void add(const Sample& clip, std::span<const FrameResult> results) {
    const auto truth = labels_of(clip).contiguous();  // [T,H,W]
    std::map<ObjectId, Track> objects, found;
    std::size_t length = 0;
    for (std::size_t t = 0; t < results.size(); ++t) {
      if (!clip.labelled.empty() && !clip.labelled[t]) continue;
      add_masks(objects, truth[static_cast<std::int64_t>(t)], length);
      for (const auto id : add_masks(found, results[t].labels, length)) found[id].word.add(results[t].find(id));
      ++length;
    }
    const auto [height, width] = size_of(clip);
    nlohmann::json video{{"height", height}, {"width", width}, {"length", length}, {"objects", {}}, {"found", {}}};
    for (std::size_t i = 0; i < clip.ids.size(); ++i)
      if (const auto object = objects.find(clip.ids[i]); object != objects.end())
        video["objects"].push_back(object->second.json(clip.categories[i], length));
    for (auto& [id, track] : found) video["found"].push_back(track.json(track.word.category(), length));
    videos_.push_back(std::move(video));
  }

  /// That of all processes of a group, each of which has seen other clips.
  ClipAp together(Group& group) const {
    ClipAp all{classes_};
    for (const auto& videos : gather(group, videos_.dump()))
      for (auto& video : nlohmann::json::parse(videos)) all.videos_.push_back(std::move(video));
    return all;
  }

  /// "AP", "AP50" and "AP75"; none where there is no object.
  Metrics metrics() const {
    Annotations truth;
    std::vector<AnnotatedTrack> results;
    std::deque<std::string> texts;  // stay where they are: masks look into them
    for (std::int64_t c = 0; c < classes_; ++c) truth.categories.push_back({.id = c});
    for (const auto& json : videos_) {
      const auto number = static_cast<std::int64_t>(truth.videos.size());
      truth.videos.push_back(
          {.id = number, .height = json["height"], .width = json["width"], .length = json["length"]});
      for (const auto& object : json["objects"]) truth.tracks.push_back(track_of(object, truth.videos.back(), texts));
      for (const auto& track : json["found"]) results.push_back(track_of(track, truth.videos.back(), texts));
    }
    const auto summary = VideoAp(truth, results).summary();
    if (summary.ap < 0) return {};
    return {{"AP", summary.ap}, {"AP50", summary.ap50}, {"AP75", summary.ap75}};
  }

 private:
  struct Track {
    nlohmann::json masks = nlohmann::json::array();  // COCO's text, null where there is none
    TrackWord word = {};

    nlohmann::json json(std::int32_t category, std::size_t length) {
      while (masks.size() < length) masks.push_back(nullptr);
      const auto score = std::isfinite(word.score()) ? word.score() : 0;  // a network may be broken
      return {{"category", category}, {"score", score}, {"masks", masks}};
    }
  };

  /// Gives a label map's objects their masks of frame `t`, and says which ones they are.
  static std::vector<ObjectId> add_masks(std::map<ObjectId, Track>& tracks, const at::Tensor& labels, std::size_t t) {
    const std::span<const ObjectId> ids{labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(labels.numel())};
    std::vector<ObjectId> seen;
    for (const auto& [id, rle] : rles_from_labels(ids, labels.size(0), labels.size(1))) {
      auto& masks = tracks[id].masks;
      while (masks.size() < t) masks.push_back(nullptr);
      masks.push_back(rle_string(rle));
      seen.push_back(id);
    }
    return seen;
  }

  AnnotatedTrack track_of(const nlohmann::json& json, const AnnotatedVideo& video,
                          std::deque<std::string>& texts) const {
    AnnotatedTrack track{.video = video.id, .category = classes_ == 1 ? 0 : json["category"].get<std::int64_t>()};
    track.score = json["score"];
    for (const auto& mask : json["masks"]) {
      track.masks.emplace_back();
      if (mask.is_null()) continue;
      const auto& text = texts.emplace_back(mask.dump());  // as a file has it, with JSON's escapes and quotes
      track.masks.back() = {.form = MaskText::Form::text,
                            .height = static_cast<std::int32_t>(video.height),
                            .width = static_cast<std::int32_t>(video.width),
                            .json = std::string_view{text}.substr(1, text.size() - 2)};
    }
    return track;
  }

  std::int64_t classes_;
  nlohmann::json videos_ = nlohmann::json::array();
};

}  // namespace vos
