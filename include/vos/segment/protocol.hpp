#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <vos/core/shape.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/frame/frame.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/segment/results.hpp>

namespace vos {

/// The rules of a segmenting session, the same for every model: which call may follow which, what frames and labels must
/// look like, and at which size the model works. Pure bookkeeping: it checks, converts and remembers.
///
///   frames    rise between resets; the first one fixes the working size, others are scaled to it and back
///   prompts   belong to the next frame to be pushed, or correct the last that was
///   ids       positive; an id removed and prompted again is the caller's object come back
///   finish    ends the video: then only reset() and restore()
class Protocol {
 public:
  struct Prompt {
    Frame frame;
    at::Tensor labels;  // int32 [h,w] at the working size
  };

  /// The prompt as the model shall see it; nothing when the labels are all zero.
  std::optional<Prompt> prompt(const Frame& frame, const at::Tensor& labels) {
    const std::string where = "prompt() at frame " + std::to_string(frame.index);
    check_open(where);
    check_frame(frame, where);
    auto ids = checked_labels(frame, labels, where);
    if (last_ && frame.index < *last_)
      throw Error({.what = "frame " + std::to_string(frame.index) + " is in the past: frame " + std::to_string(*last_) +
                           " was pushed already",
                   .where = where,
                   .mend = "prompt the frame pushed last or the next one; to change the past, restore() a snapshot() "
                           "taken there and push again from there"});
    const auto extents = label_extents(ids);
    if (extents.empty()) return std::nullopt;
    check_announced(frame.index, where);
    if (!last_ || frame.index > *last_) announced_ = frame.index;
    for (const auto& [id, extent] : extents) {
      objects_.insert(id);
      prompted_.insert(id);
      removed_.erase(id);
    }
    const auto working = at_working_size(frame);
    if (working.height() != frame.height() || working.width() != frame.width())
      ids = resize_labels(ids, working.height(), working.width());
    return Prompt{working, std::move(ids)};
  }

  void remove(ObjectId id) {
    check_open("remove()");
    if (objects_.erase(id)) {
      prompted_.erase(id);
      removed_.insert(id);
      return;
    }
    std::vector<std::string> known;
    for (const auto object : objects_) known.push_back(std::to_string(object));
    throw Error(
        {.what = "there is no object " + std::to_string(id),
         .where = "remove()",
         .mend = known.empty() ? "no object is known yet: prompt() one first" : "known objects: " + join(known, ", ")});
  }

  /// The frame as the model shall see it.
  Frame push(const Frame& frame) {
    const std::string where = "push() of frame " + std::to_string(frame.index);
    check_open(where);
    check_frame(frame, where);
    if (last_ && frame.index <= *last_)
      throw Error({.what = "frame " + std::to_string(frame.index) + " does not follow frame " + std::to_string(*last_),
                   .where = where,
                   .mend = "push frames in rising order; reset() begins another video"});
    check_announced(frame.index, where);
    announced_.reset();
    last_ = frame.index;
    auto working = at_working_size(frame);
    if (working.height() != frame.height() || working.width() != frame.width())
      own_sizes_[frame.index] = {frame.height(), frame.width()};
    return working;
  }

  void finish() {
    check_open("finish()");
    finished_ = true;
  }

  /// Brings results to their frames' own sizes and learns which objects there are.
  void deliver(Results& results) {
    for (auto& result : results) {
      for (const auto& object : result.objects)
        if (!removed_.contains(object.id)) objects_.insert(object.id);  // a late result may still show a removed one
      // What a model has found by itself it may also forget: then it is listed no more.
      std::erase_if(objects_, [&](auto id) { return !prompted_.contains(id) && result.find(id) == nullptr; });
      const auto own = own_sizes_.find(result.index);
      if (own == own_sizes_.end()) continue;
      const auto [height, width] = own->second;
      result.labels = resize_labels(result.labels.contiguous(), height, width);
      if (result.masks.defined()) {
        const auto masks = result.masks.toType(at::kInt);
        result.masks = at::Tensor{};
        std::vector<at::Tensor> resized;
        for (std::int64_t i = 0; i < masks.size(0); ++i)
          resized.push_back(resize_labels(masks[i].contiguous(), height, width));
        if (!resized.empty()) result.masks = at::stack(resized).toType(at::kBool);
      }
      measure_objects(result);
      own_sizes_.erase(own);
    }
  }

  const std::set<ObjectId>& objects() const { return objects_; }

 private:
  void check_open(const std::string& where) const {
    if (finished_)
      throw Error(
          {.what = "the video was finished", .where = where, .mend = "reset() begins another, restore() goes back"});
  }

  void check_announced(std::int64_t index, const std::string& where) const {
    if (announced_ && *announced_ != index)
      throw Error({.what = "frame " + std::to_string(*announced_) + " was prompted and not yet pushed",
                   .where = where,
                   .mend = "push frame " + std::to_string(*announced_) + " first"});
  }

  static void check_frame(const Frame& frame, const std::string& where) {
    const auto& rgb = frame.rgb;
    const bool fits = rgb.defined() && rgb.scalar_type() == at::kByte && rgb.dim() == 3 && rgb.size(2) == 3 &&
                      rgb.size(0) > 0 && rgb.size(1) > 0 && rgb.device().is_cpu();
    if (!fits)
      throw Error(
          {.what = "the frame's rgb is " +
                   (rgb.defined() ? std::string{rgb.toString()} + " " + text_of_sizes(rgb.sizes()) : "no tensor"),
           .where = where,
           .mend = "expected uint8 [H,W,3] on the CPU"});
  }

  static at::Tensor checked_labels(const Frame& frame, const at::Tensor& labels, const std::string& where) {
    if (!labels.defined() || labels.dim() != 2 || !at::isIntegralType(labels.scalar_type(), /*includeBool=*/true))
      throw Error({.what = "the labels are " +
                           (labels.defined() ? std::string{labels.toString()} + " " + text_of_sizes(labels.sizes())
                                             : std::string{"no tensor"}),
                   .where = where,
                   .mend = "expected whole numbers [H,W]: the object's id in each of its pixels, 0 elsewhere"});
    if (labels.size(0) != frame.height() || labels.size(1) != frame.width())
      throw Error({.what = "the labels are " + std::to_string(labels.size(1)) + "x" + std::to_string(labels.size(0)) +
                           ", the frame is " + std::to_string(frame.width()) + "x" + std::to_string(frame.height()),
                   .where = where,
                   .mend = "give labels of the frame's size; they are never resized silently",
                   .exit_code = exit_code::sizes_differ});
    auto ids = labels.to(at::kCPU, at::kLong).contiguous();
    const auto low = ids.min().item<std::int64_t>(), high = ids.max().item<std::int64_t>();
    if (low < 0 || high > std::numeric_limits<ObjectId>::max())
      throw Error({.what = "the labels hold the id " + std::to_string(low < 0 ? low : high),
                   .where = where,
                   .mend = "ids are positive 32-bit numbers, 0 means no object"});
    return ids.to(at::kInt);
  }

  Frame at_working_size(const Frame& frame) {
    if (!working_) working_ = {frame.height(), frame.width()};
    const auto [height, width] = *working_;
    auto working = frame;
    if (frame.height() != height || frame.width() != width)
      working.rgb = at::upsample_bilinear2d(frame.rgb.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat), {height, width},
                                            /*align_corners=*/false)  // [1,3,h,w]
                        .squeeze(0)
                        .permute({1, 2, 0})
                        .round()
                        .clamp(0, 255)
                        .to(at::kByte);
    working.rgb = working.rgb.contiguous();
    return working;
  }

  std::optional<std::pair<std::int64_t, std::int64_t>> working_;             // height, width
  std::optional<std::int64_t> last_;                                         // the frame pushed last
  std::optional<std::int64_t> announced_;                                    // a frame prompted, not yet pushed
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> own_sizes_;  // of frames in flight that differ
  std::set<ObjectId> objects_, prompted_, removed_;
  bool finished_ = false;
};

}  // namespace vos
