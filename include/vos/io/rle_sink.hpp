#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/frame/track_word.hpp>
#include <vos/io/files.hpp>
#include <vos/io/label_checks.hpp>
#include <vos/io/sink.hpp>
#include <vos/wire/rle_encode.hpp>

namespace vos {

/// COCO's video results: one entry an object, in rising ids,
///
///   {"video_id": 1, "category_id": 3, "score": 0.9, "id": 7, "segmentations": [null, {"size": [h,w], "counts": "…"}, …]}
///
/// `segmentations` has an item for each frame written, in order; null where the object has no pixel. `score` is the mean
/// over the frames with a mask, `category_id` the class given most often, by the data set's number where that is known, and
/// 1 where the model knows none. `id`, the object's id, is ours: readers of the plain form pass over it.
///
/// The text of the masks is kept until the end, some hundred bytes a mask. Meanwhile the file is brought up to date at
/// frames 64, 128, 256 and so on, so that a killed run leaves at least half of itself and writing stays linear.
class RleSink final : public ResultSink {
 public:
  explicit RleSink(const SinkSpec& spec)
      : file_(spec.directory / "results.json"), video_id_(spec.video_id), categories_(spec.categories) {
    make_folder(spec.directory);
  }
  ~RleSink() override {
    try {
      if (changed_) save();
    } catch (...) {  // a destructor has nobody to tell; close() has
    }
  }

  void write(const Frame&, const FrameResult& result, const std::string&) override {
    for (const auto& object : result.objects) expect_category(object.category);
    for (const auto& [id, rle] : masks_of(result)) {
      auto& track = tracks_[id];
      track.skip_to(frames_);
      const nlohmann::json mask{{"size", {rle.height, rle.width}}, {"counts", rle_string(rle)}};
      track.add(mask.dump());
      track.word.add(result.find(id));
    }
    for (const auto& object : result.objects) tracks_[object.id].word.know(object);
    ++frames_;
    changed_ = true;
    if (frames_ == next_save_) {
      save();
      next_save_ *= 2;
    }
  }

  void close() override {
    if (changed_ || frames_ == 0) save();
  }
  bool needs_picture() const override { return false; }
  std::vector<std::filesystem::path> outputs() const override {
    return saved_ ? std::vector{file_} : std::vector<std::filesystem::path>{};
  }

 private:
  struct Track {
    std::string text;  // the items of `segmentations` so far
    std::int64_t items = 0;
    TrackWord word;

    void add(std::string_view item) {
      if (items++ > 0) text += ',';
      text += item;
    }
    void skip_to(std::int64_t frame) {
      while (items < frame) add("null");
    }
  };

  static std::map<ObjectId, Rle> masks_of(const FrameResult& result) {
    if (!result.masks.defined()) {
      const auto labels = detail::plain_labels(result.labels, "result.labels [H,W]");
      return rles_from_labels(detail::ids_of(labels), labels.size(0), labels.size(1));
    }
    const auto count = static_cast<std::int64_t>(result.objects.size());
    expect_shape(result.masks, {count, any_size, any_size}, "result.masks [objects,H,W]");
    const auto masks = result.masks.to(at::kCPU, at::kBool).contiguous();  // [objects,H,W]
    const auto height = masks.size(1), width = masks.size(2);
    const auto* bytes = static_cast<const std::uint8_t*>(masks.const_data_ptr());
    std::map<ObjectId, Rle> rles;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::span<const std::uint8_t> mask{bytes + i * height * width, static_cast<std::size_t>(height * width)};
      auto rle = rle_from_mask(mask, height, width);
      if (area(rle) > 0) rles.emplace(result.objects[static_cast<std::size_t>(i)].id, std::move(rle));
    }
    return rles;
  }

  void expect_category(std::int32_t category) const {
    if (categories_.empty() || category < std::ssize(categories_)) return;
    throw Error({.what = "the model's class " + std::to_string(category) + ", of a dataset of " +
                         std::to_string(categories_.size()) + " categories",
                 .where = file_.string(),
                 .mend = "use weights trained on this dataset, or model classes that match"});
  }

  std::int64_t number_of(std::int32_t category) const {
    if (category < 0) return 1;
    return categories_.empty() ? category : categories_[static_cast<std::size_t>(category)];
  }

  void save() {
    std::string text = "[";
    for (auto& [id, track] : tracks_) {
      track.skip_to(frames_);
      const nlohmann::ordered_json entry{{"video_id", video_id_},
                                         {"category_id", number_of(track.word.category())},
                                         {"score", std::round(1e6 * track.word.score()) / 1e6},
                                         {"id", id}};
      auto head = entry.dump();
      head.pop_back();  // its closing brace: the long list follows as text, which saves a second copy of it in memory
      text += (text.size() > 1 ? ",\n" : "\n") + head + ",\"segmentations\":[" + track.text + "]}";
    }
    text += "\n]\n";
    write_file(file_, text);
    saved_ = true;
    changed_ = false;
  }

  std::filesystem::path file_;
  std::int64_t video_id_, frames_ = 0, next_save_ = 64;
  std::vector<std::int64_t> categories_;
  std::map<ObjectId, Track> tracks_;
  bool changed_ = false, saved_ = false;
};

}  // namespace vos
