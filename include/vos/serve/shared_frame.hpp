#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <vos/project/project.hpp>
#include <vos/serve/viewer.hpp>
#include <vos/wire/mask_encode.hpp>

namespace vos::serve {

/// What there is to send of one frame. Shared by the store and all viewers.
struct FrameContent {
  ProjectFrame frame = {};
  std::vector<std::uint8_t> jpeg = {};  ///< none: it was not asked for
  bool known = true;                    ///< false: the picture alone, nothing was found out about it

  std::size_t bytes() const {
    std::size_t sum = sizeof(FrameContent) + jpeg.size() + frame.objects.size() * sizeof(SeenObject);
    for (const auto& layer : frame.masks.layers)
      sum += layer.ends.size() * sizeof(std::uint32_t) + layer.runs.size() * sizeof(MaskRun);
    return sum;
  }
};

using Content = std::shared_ptr<const FrameContent>;

/// A frame on its way: written when the first viewer wants it, once in each form.
class SharedFrame final : public OutgoingFrame {
 public:
  /// `before` was sent before it, with the serial `before_serial`: viewers that show that one get the difference to it.
  /// `encoded` is told how many seconds each writing took.
  SharedFrame(std::uint64_t serial, Content content, Content before, std::uint64_t before_serial,
              std::function<void(double)> encoded = {})
      : serial_(serial),
        content_(std::move(content)),
        before_(before && before->known ? std::move(before) : nullptr),
        before_serial_(before_serial),
        encoded_(std::move(encoded)) {}

  Shared bytes(std::uint64_t shown, bool picture) const override {
    const bool difference = before_ && content_->known && shown == before_serial_;
    auto& form = forms_[2U * (difference ? 1U : 0U) + (picture && !content_->jpeg.empty() ? 1U : 0U)];
    if (!form) form = write(difference, picture);
    return form;
  }
  std::uint64_t serial() const override { return serial_; }
  const Content& content() const { return content_; }

 private:
  Shared write(bool difference, bool picture) const {
    const auto begin = std::chrono::steady_clock::now();
    const auto& frame = content_->frame;
    auto& masks = masks_[difference ? 1 : 0];
    if (masks.empty() && content_->known)
      masks = encode_masks(frame.masks, difference ? &before_->frame.masks : nullptr);
    std::vector<wire::FrameObject> objects;
    for (const auto& object : frame.objects) {
      auto flags = wire::ObjectFlags{};
      if (object.prompted) flags |= wire::ObjectFlags::prompted;
      if (object.corrected) flags |= wire::ObjectFlags::corrected;
      if (object.suspect) flags |= wire::ObjectFlags::suspect;
      objects.push_back(
          wire::object_to_send(object.id, object.category, object.score, object.box, object.visible, flags));
    }
    auto written = wire::frame_message({.index = frame.index,
                                        .seconds = frame.seconds,
                                        .height = frame.masks.height,
                                        .width = frame.masks.width,
                                        .objects = objects,
                                        .masks = masks,
                                        .jpeg = picture ? wire::Bytes{content_->jpeg} : wire::Bytes{},
                                        .revision = frame.revision});
    if (encoded_) encoded_(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return std::make_shared<const wire::Written>(std::move(written));
  }

  std::uint64_t serial_;
  Content content_, before_;
  std::uint64_t before_serial_;
  std::function<void(double)> encoded_;
  mutable std::array<Shared, 4> forms_;
  mutable std::array<std::vector<std::uint8_t>, 2> masks_;
};

}  // namespace vos::serve
