#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/data/lint/seen.hpp>
#include <vos/data/lint/tally.hpp>

namespace vos {

/// What is to be said of a video, and what it adds to the counts.
struct VideoLint {
  std::vector<Finding> findings = {};
  LintTally tally = {};
};

namespace detail {

/// Brings together what was seen of a video's frames. Each check is a function of its own.
class VideoChecks {
 public:
  VideoChecks(const Catalog& catalog, const CatalogVideo& video, std::vector<SeenFrame>&& frames)
      : catalog_(catalog), video_(video), frames_(std::move(frames)) {
    for (const auto& frame : video.frames) labelled_ += frame.labels.empty() ? 0 : 1;
    whole_ = std::all_of(frames_.begin(), frames_.end(), [](const auto& frame) { return frame.looked; });
  }

  VideoLint run() {
    check_masks_there();
    check_frames();
    check_masks();
    check_ids();
    check_listed_objects();
    count();
    return std::move(lint_);
  }

 private:
  bool has_label_maps() const {
    return catalog_.layout != Layout::ytvis && catalog_.layout != Layout::coco && catalog_.layout != Layout::yolo;
  }
  bool has_clips() const {
    return catalog_.layout != Layout::pairs && catalog_.layout != Layout::coco && catalog_.layout != Layout::yolo;
  }
  std::string place(const std::filesystem::path& path) const { return place_in(catalog_.root, path); }
  void found(const char* code, std::string where, std::string what) {
    lint_.findings.push_back(finding(code, std::move(where), std::move(what)));
  }

  /// Which frames should have a mask: all of a video most of whose frames do. Test splits bring the first masks alone,
  /// LVOS every fifth.
  void check_masks_there() {
    const auto count = static_cast<std::int64_t>(video_.frames.size());
    if (has_clips() && count == 1) found("short-video", video_.name, "the video has a single frame");
    if (!has_label_maps()) return;
    if (labelled_ == 0)
      return found("video-without-masks", video_.name,
                   "none of its " + counted(video_.frames.size(), "frame") + " has a mask");
    if (2 * labelled_ <= count) return;
    std::map<std::int64_t, std::int64_t> listed;  // frame: the first object that is listed for it
    for (const auto& object : video_.objects)
      for (const auto t : object.frames) listed.emplace(t, object.id);
    for (std::int64_t t = 0; t < count; ++t) {
      const auto& frame = video_.frames[static_cast<std::size_t>(t)];
      if (!frame.labels.empty()) continue;
      const auto object = listed.find(t);
      if (object == listed.end()) found("frame-without-mask", place(frame.image), "the frame has no mask");
      else
        found("missing-mask", place(frame.image),
              "object " + std::to_string(object->second) + " is listed for this frame, but it has no mask");
    }
  }

  void check_frames() {
    const SeenFrame* before = nullptr;  // the last one that could be read
    for (std::size_t t = 0; t < frames_.size(); ++t) {
      auto& frame = frames_[t];
      std::move(frame.findings.begin(), frame.findings.end(), std::back_inserter(lint_.findings));
      if (!frame.image.read()) continue;
      check_image(t, frame.image, before == nullptr ? nullptr : &before->image, t > 0 && before == &frames_[t - 1]);
      before = &frame;
    }
  }

  /// `before` is the last image, and `next` says that no frame lies in between.
  void check_image(std::size_t t, const SeenImage& image, const SeenImage* before, bool next) {
    const auto where = place(video_.frames[t].image);
    const auto size = size_text(image.height, image.width);
    const auto differs = [&](std::int64_t height, std::int64_t width) {
      return image.height != height || image.width != width;
    };
    if (video_.height > 0 && differs(video_.height, video_.width))
      found("size-unlike-list", where,
            "the image is " + size + ", its list says " + size_text(video_.height, video_.width));
    else if (video_.height == 0 && before != nullptr && differs(before->height, before->width))
      found("size-changes", where,
            "the frame is " + size + ", the one before " + size_text(before->height, before->width));
    else if (next && before->content == image.content)
      found("duplicate-frame", where, "the frame is pixel by pixel the one before");
  }

  void check_masks() {
    bool any_palette = false;
    for (const auto& frame : frames_) any_palette |= frame.mask.palette;
    std::int64_t with_255 = 0;
    std::string first_255;
    for (std::size_t t = 0; t < frames_.size(); ++t) {
      const auto& [looked, image, mask, listed, findings] = frames_[t];
      if (!mask.read()) continue;
      const auto where = place(video_.frames[t].labels);
      if (image.read() && (mask.height != image.height || mask.width != image.width))
        found("mask-size-differs", where,
              "the mask is " + size_text(mask.height, mask.width) + ", its frame " +
                  size_text(image.height, image.width));
      const bool has_255 = !mask.areas.empty() && mask.areas.back().first == 255;
      const bool alone = mask.areas.size() == 1 && has_255;
      if (mask.areas.empty()) found("empty-mask", where, "the mask shows no object");
      else if (!catalog_.binary_masks && ((mask.white && any_palette) || alone))
        found("binary-mask", where,
              alone ? "the mask has no values but 0 and 255"
                    : "the mask is grey with 0 and 255, others of its video are indexed");
      else if (has_255 && !catalog_.binary_masks && with_255++ == 0) first_255 = where;
    }
    if (with_255 > 0)
      found(catalog_.void_255 ? "void-255" : "object-255", first_255,
            "255 in this and " + counted(static_cast<std::size_t>(with_255 - 1), "more mask") + " of the video");
  }

  /// Which ids the masks show, and how often.
  void check_ids() {
    for (const auto& frame : frames_)
      for (const auto& [id, area] : frame.mask.areas)
        if (!is_void(id)) ++shown_[catalog_.binary_masks ? 1 : id];
    if (shown_.empty() || catalog_.binary_masks) return;
    std::set<std::int64_t> known;
    for (const auto& object : video_.objects) known.insert(object.id);
    if (!known.empty())
      for (const auto& [id, times] : shown_)
        if (!known.contains(id))
          found("unlisted-object", video_.name,
                "object " + std::to_string(id) + " is not listed, but " +
                    counted(static_cast<std::size_t>(times), "mask") + " of the video show it");
    for (const auto& [id, times] : shown_)
      if (id != 255) known.insert(id);
    std::vector<std::string> missing;
    std::int64_t gaps = 0, next = 1;
    for (const auto id : known) {
      for (; next < id; ++next)
        if (++gaps <= 8) missing.push_back(std::to_string(next));
      next = id + 1;
    }
    if (gaps > 0)
      found("id-gap", video_.name,
            "its ids go up to " + std::to_string(next - 1) + " without " + join(missing, ", ") +
                (gaps > 8 ? ", ..." : ""));
  }

  void check_listed_objects() {
    std::vector<std::int64_t> masks(video_.objects.size());
    for (const auto& frame : frames_)
      for (const auto& [object, area] : frame.listed) ++masks[static_cast<std::size_t>(object)];
    for (std::size_t i = 0; i < video_.objects.size(); ++i) {
      const auto& object = video_.objects[i];
      if (has_label_maps() && (labelled_ == 0 || !whole_)) continue;
      const bool visible =
          has_label_maps() ? shown_.contains(static_cast<ObjectId>(object.id)) : !object.frames.empty();
      if (!visible)
        found("object-never-visible", video_.name,
              (has_label_maps() ? "object " : "annotation ") + std::to_string(object.id) +
                  " is listed, but no mask shows it");
      if (object.category < 0) continue;
      auto& counts = lint_.tally.categories[object.category];
      ++counts.first;
      counts.second += has_label_maps() ? 0 : masks[i];
    }
  }

  void count() {
    auto& tally = lint_.tally;
    tally.videos = 1;
    tally.frames = static_cast<std::int64_t>(video_.frames.size());
    tally.lengths.add(static_cast<double>(tally.frames));
    std::set<std::int64_t> objects;
    for (const auto& object : video_.objects) objects.insert(object.id);
    for (const auto& [id, times] : shown_) objects.insert(id);
    tally.objects = static_cast<std::int64_t>(objects.size());
    tally.videos_without_objects = objects.empty() ? 1 : 0;
    tally.objects_per_video.add(static_cast<double>(objects.size()));
    for (const auto& [looked, image, mask, listed, findings] : frames_) {
      if (image.read()) ++tally.images_read, ++tally.pictures[{image.width, image.height}];
      const auto add = [&](std::int64_t area, std::int64_t height, std::int64_t width) {
        if (area > 0 && height > 0) tally.sizes.add(static_cast<double>(area) / static_cast<double>(height * width));
      };
      tally.masks += mask.read() ? 1 : static_cast<std::int64_t>(listed.size());
      for (const auto& [id, area] : mask.areas)
        if (!is_void(id)) add(area, mask.height, mask.width);
      for (const auto& [object, area] : listed)
        add(area, video_.height > 0 ? video_.height : image.height, video_.height > 0 ? video_.width : image.width);
    }
  }

  bool is_void(ObjectId id) const { return id == 255 && catalog_.void_255; }

  const Catalog& catalog_;
  const CatalogVideo& video_;
  std::vector<SeenFrame> frames_;
  std::int64_t labelled_ = 0;               // frames with a mask file
  bool whole_ = false;                      // every frame was looked at
  std::map<ObjectId, std::int64_t> shown_;  // object: in how many masks
  VideoLint lint_;
};

}  // namespace detail

/// The findings about one video from what was seen of its frames ([frames of the video]).
inline VideoLint lint_video(const Catalog& catalog, const CatalogVideo& video, std::vector<SeenFrame> frames) {
  return detail::VideoChecks{catalog, video, std::move(frames)}.run();
}

}  // namespace vos
