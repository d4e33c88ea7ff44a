#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <vector>

#include <vos/wire/mask_rows.hpp>
#include <vos/wire/palette.hpp>

namespace vos::web {

/// Where an object's name stands, and how large the object is.
struct Anchor {
  float x = 0, y = 0, area = 0;
};

/// The masks of the shown frame as textures want them: a map of slots, one byte a pixel or two where there are more than 255
/// objects, and a palette. Its memory is used again from frame to frame.
class MaskView {
 public:
  /// What the palette's fourth byte says of a slot.
  static constexpr std::uint8_t shown = 1, selected = 2, suspect = 4;

  /// Paints the frame. Hidden objects are left out, so that what they cover comes to light; where two overlap, the later id
  /// lies above. The frame must outlive the view, or the next `paint`.
  void paint(const MaskFrame& frame, const std::set<ObjectId>& hidden) {
    frame_ = &frame;
    const auto pixels = static_cast<std::size_t>(frame.height * frame.width);
    if (wide()) paint_as(wide_, pixels, hidden);
    else paint_as(narrow_, pixels, hidden);
    place();
  }
  void clear() {
    frame_ = nullptr;
    narrow_.clear(), wide_.clear(), anchors_.clear();
  }

  bool wide() const { return frame_ != nullptr && frame_->ids.size() > 255; }
  const void* pixels() const {
    return wide() ? static_cast<const void*>(wide_.data()) : static_cast<const void*>(narrow_.data());
  }
  std::int64_t width() const { return frame_ != nullptr ? frame_->width : 0; }
  std::int64_t height() const { return frame_ != nullptr ? frame_->height : 0; }
  std::span<const Anchor> anchors() const { return anchors_; }  ///< of `frame.ids`, in their order

  /// The object at a pixel, or the nearest within `reach` pixels; 0 for none. What is hidden cannot be hit.
  ObjectId hit(std::int64_t x, std::int64_t y, std::int64_t reach) const {
    if (frame_ == nullptr) return 0;
    ObjectId best = 0;
    auto nearest = reach * reach + 1;
    for (auto dy = -reach; dy <= reach; ++dy)
      for (auto dx = -reach; dx <= reach; ++dx) {
        const auto distance = dx * dx + dy * dy;
        if (distance >= nearest) continue;
        if (const auto slot = slot_at(x + dx, y + dy); slot != 0) best = frame_->ids[slot - 1U], nearest = distance;
      }
    return best;
  }

 private:
  std::uint16_t slot_at(std::int64_t x, std::int64_t y) const {
    if (x < 0 || y < 0 || x >= frame_->width || y >= frame_->height) return 0;
    const auto at = static_cast<std::size_t>(y * frame_->width + x);
    return wide() ? wide_[at] : narrow_[at];
  }

  template <class Pixel>
  void paint_as(std::vector<Pixel>& to, std::size_t pixels, const std::set<ObjectId>& hidden) {
    to.resize(pixels);
    const auto& ids = frame_->ids;
    if (!frame_->overlapping && frame_->layers.size() == 1) {
      value_of_.assign(ids.size() + 1, 0);
      for (std::size_t k = 0; k < ids.size(); ++k)
        if (!hidden.contains(ids[k])) value_of_[k + 1] = static_cast<std::uint16_t>(k + 1);
      std::vector<Pixel>& values = values_for(to);
      values.assign(value_of_.begin(), value_of_.end());
      paint_rows<Pixel>(frame_->layers[0], frame_->width, values, to.data());
      return;
    }
    std::fill(to.begin(), to.end(), Pixel{0});
    for (std::size_t k = 0; k < frame_->layers.size(); ++k)
      if (!hidden.contains(ids[k]))
        for_each_run(frame_->layers[k], frame_->width,
                     [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t) {
                       auto* row = to.data() + y * frame_->width;
                       std::fill(row + x0, row + x1, static_cast<Pixel>(k + 1));
                     });
  }
  std::vector<std::uint8_t>& values_for(const std::vector<std::uint8_t>&) { return narrow_values_; }
  std::vector<std::uint16_t>& values_for(const std::vector<std::uint16_t>&) { return wide_values_; }

  /// A name stands amid the longest run of the row of its object's centre of mass, or of the nearest row that has one.
  void place() {
    const auto& frame = *frame_;
    const auto slot_of = [&](std::size_t layer, std::uint16_t slot) {
      return frame.overlapping ? layer : static_cast<std::size_t>(slot - 1);
    };
    anchors_.assign(frame.ids.size(), Anchor{});
    sums_.assign(frame.ids.size(), 0.0);
    gap_.assign(frame.ids.size(), frame.height + 1);
    longest_.assign(frame.ids.size(), 0);
    for (std::size_t k = 0; k < frame.layers.size(); ++k)
      for_each_run(frame.layers[k], frame.width, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, auto slot) {
        const auto i = slot_of(k, slot);
        anchors_[i].area += static_cast<float>(x1 - x0);
        sums_[i] += static_cast<double>((x1 - x0) * y);
      });
    for (std::size_t k = 0; k < frame.layers.size(); ++k)
      for_each_run(frame.layers[k], frame.width, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, auto slot) {
        const auto i = slot_of(k, slot);
        const auto gap = std::abs(y - static_cast<std::int64_t>(sums_[i] / static_cast<double>(anchors_[i].area)));
        if (gap > gap_[i] || (gap == gap_[i] && x1 - x0 <= longest_[i])) return;
        gap_[i] = gap, longest_[i] = x1 - x0;
        anchors_[i].x = static_cast<float>(x0 + x1) / 2;
        anchors_[i].y = static_cast<float>(y) + 0.5F;
      });
  }

  const MaskFrame* frame_ = nullptr;
  std::vector<std::uint8_t> narrow_, narrow_values_;
  std::vector<std::uint16_t> wide_, wide_values_, value_of_;
  std::vector<Anchor> anchors_;
  std::vector<double> sums_;
  std::vector<std::int64_t> gap_, longest_;
};

}  // namespace vos::web
