#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/wire/mask_encode.hpp>
#include <vos/wire/message.hpp>

namespace vos::web {

/// Writes the client's messages for a script that knows nothing of FlatBuffers: it names numbers and words in the order of the
/// schema's fields, then says what they are. A Prompt is gathered from parts first.
class Composer {
 public:
  enum class Part : std::uint8_t {
    mark,     ///< object, category; a word: the name
    box,      ///< x0, y0, x1, y1
    click,    ///< x, y, add
    stroke,   ///< radius, erase, then x, y of each point
    polygon,  ///< erase, then x, y of each point
    mask,     ///< width, height, object, with the pixels beside it: RGBA, an object where it is bright and not clear
  };

  void number(double value) { numbers_.push_back(value); }
  void word(std::string value) { words_.push_back(std::move(value)); }

  /// Adds a part to the Prompt that is being gathered. False where its numbers make no sense.
  bool add(Part part, std::span<const std::uint8_t> bytes = {}) {
    const bool done = part == Part::mask ? add_mask(bytes) : add_mark(part);
    forget();
    return done;
  }

  /// The message of a kind with what was named so far; empty where the page may not send such.
  wire::Written say(wire::Body kind, std::uint32_t request, std::span<const std::uint8_t> bytes = {}) {
    auto message = written(kind, request, bytes);
    forget();
    return message;
  }

 private:
  double at(std::size_t i) const { return i < numbers_.size() ? numbers_[i] : 0; }
  std::int64_t whole(std::size_t i) const { return static_cast<std::int64_t>(at(i)); }
  std::int32_t small(std::size_t i) const { return static_cast<std::int32_t>(at(i)); }
  float real(std::size_t i) const { return static_cast<float>(at(i)); }
  std::string text(std::size_t i) const { return i < words_.size() ? words_[i] : std::string{}; }
  void forget() { numbers_.clear(), words_.clear(); }

  std::vector<wire::Point> points(std::size_t from) const {
    std::vector<wire::Point> result;
    for (auto i = from; i + 1 < numbers_.size(); i += 2) result.emplace_back(real(i), real(i + 1));
    return result;
  }
  std::vector<std::int32_t> ids(std::size_t from) const {
    std::vector<std::int32_t> result;
    for (auto i = from; i < numbers_.size(); ++i) result.push_back(small(i));
    return result;
  }
  std::vector<std::unique_ptr<wire::SettingT>> settings(std::size_t from) const {
    std::vector<std::unique_ptr<wire::SettingT>> result;
    for (auto i = from; i + 1 < words_.size(); i += 2) {
      result.push_back(std::make_unique<wire::SettingT>());
      result.back()->key = words_[i];
      result.back()->value = words_[i + 1];
    }
    return result;
  }

  bool add_mark(Part part) {
    if (part == Part::mark) {
      auto mark = std::make_unique<wire::MarkT>();
      mark->object = small(0);
      mark->category = numbers_.size() > 1 ? small(1) : -1;
      mark->name = text(0);
      prompt_.marks.push_back(std::move(mark));
      return true;
    }
    if (prompt_.marks.empty()) return false;
    auto& mark = *prompt_.marks.back();
    switch (part) {
      case Part::box: mark.box = std::make_unique<wire::Box>(real(0), real(1), real(2), real(3)); return true;
      case Part::click: mark.clicks.emplace_back(wire::Point{real(0), real(1)}, at(2) != 0); return true;
      case Part::stroke: {
        auto stroke = std::make_unique<wire::StrokeT>();
        stroke->radius = real(0);
        stroke->erase = at(1) != 0;
        stroke->points = points(2);
        mark.strokes.push_back(std::move(stroke));
        return true;
      }
      case Part::polygon: {
        auto polygon = std::make_unique<wire::PolygonT>();
        polygon->erase = at(0) != 0;
        polygon->points = points(1);
        mark.polygons.push_back(std::move(polygon));
        return true;
      }
      default: return false;
    }
  }

  bool add_mask(std::span<const std::uint8_t> rgba) {
    const auto width = whole(0), height = whole(1);
    const auto id = small(2);
    // Half of what a frame may have: no picture of that size is too ragged to be encoded.
    if (id < 1 || width < 1 || height < 1 || width > mask_side_limit || height > mask_side_limit ||
        width * height > mask_pixel_limit / 2 || rgba.size() != static_cast<std::size_t>(width * height) * 4)
      return false;
    MaskFrame masks{.height = height, .width = width, .ids = {id}, .layers = {MaskRows{}}};
    auto& rows = masks.layers[0];
    for (std::int64_t y = 0; y < height; ++y) {
      std::uint16_t slot = 0;
      for (std::int64_t x = 0; x < width; ++x) {
        const auto* pixel = rgba.data() + (y * width + x) * 4;
        const std::uint16_t now = pixel[3] > 127 && pixel[0] + pixel[1] + pixel[2] > 0 ? 1 : 0;
        if (now != slot) rows.runs.push_back({static_cast<std::uint16_t>(x), slot = now});
      }
      rows.end_row();
    }
    prompt_.masks = encode_masks(masks);
    return true;
  }

  wire::Written written(wire::Body kind, std::uint32_t request, std::span<const std::uint8_t> bytes) {
    using namespace wire;
    const auto pack = [&](auto fields) { return message_of(std::move(fields), request); };
    switch (kind) {
      case Body::Hello: {
        HelloT hello;
        hello.protocol = protocol;
        hello.client = text(0), hello.token = text(1), hello.session = text(2), hello.resume = text(3);
        hello.last_index = whole(0);
        hello.pictures = at(1) != 0;
        hello.most_frames_per_second = real(2);
        return pack(std::move(hello));
      }
      case Body::Play: return pack(PlayT{});
      case Body::Pause: return pack(PauseT{});
      case Body::Seek: {
        SeekT seek;
        seek.index = whole(0);
        return pack(seek);
      }
      case Body::Step: {
        StepT step;
        step.frames = small(0);
        return pack(step);
      }
      case Body::Speed: {
        SpeedT speed;
        speed.factor = real(0);
        return pack(speed);
      }
      case Body::Fetch: {
        FetchT fetch;
        fetch.first = whole(0), fetch.last = whole(1), fetch.pictures = at(2) != 0;
        return pack(fetch);
      }
      case Body::KeyFrame: return pack(KeyFrameT{});
      case Body::Seen: {
        SeenT seen;
        seen.index = whole(0);
        return pack(seen);
      }
      case Body::Prompt: {
        auto prompt = std::exchange(prompt_, {});
        prompt.index = whole(0);
        prompt.preview = at(1) != 0;
        return pack(std::move(prompt));
      }
      case Body::RenameObject: {
        RenameObjectT rename;
        rename.object = small(0), rename.category = small(1), rename.colour = static_cast<std::uint32_t>(whole(2));
        rename.name = text(0);
        return pack(std::move(rename));
      }
      case Body::RemoveObject: {
        RemoveObjectT remove;
        remove.object = small(0);
        return pack(remove);
      }
      case Body::MergeObjects: {
        MergeObjectsT merge;
        merge.from = small(0), merge.into = small(1);
        return pack(merge);
      }
      case Body::SplitObject: {
        SplitObjectT split;
        split.object = small(0), split.index = whole(1);
        return pack(split);
      }
      case Body::Propagate: {
        PropagateT propagate;
        propagate.from = whole(0), propagate.to = whole(1), propagate.objects = ids(2);
        return pack(std::move(propagate));
      }
      case Body::Undo: return pack(UndoT{});
      case Body::Redo: return pack(RedoT{});
      case Body::Cancel: {
        CancelT cancel;
        cancel.request = static_cast<std::uint32_t>(whole(0));
        return pack(cancel);
      }
      case Body::ChooseModel: {
        ChooseModelT choose;
        choose.name = text(0);
        choose.settings = settings(1);
        return pack(std::move(choose));
      }
      case Body::Settings: {
        SettingsT all;
        all.settings = settings(0);
        return pack(std::move(all));
      }
      case Body::Export: {
        ExportT wanted;
        wanted.kind = static_cast<ExportKind>(std::clamp(small(0), 0, static_cast<std::int32_t>(ExportKind::MAX)));
        wanted.first = whole(1), wanted.last = whole(2), wanted.objects = ids(3);
        return pack(std::move(wanted));
      }
      case Body::CameraFrame: {
        CameraFrameT frame;
        frame.index = whole(0), frame.seconds = at(1);
        frame.jpeg.assign(bytes.begin(), bytes.end());
        return pack(std::move(frame));
      }
      default: return {};
    }
  }

  std::vector<double> numbers_;
  std::vector<std::string> words_;
  wire::PromptT prompt_;
};

}  // namespace vos::web
