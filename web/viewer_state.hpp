#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/wire/mask_decode.hpp>
#include <vos/wire/message.hpp>
#include <vos/wire/palette.hpp>

#include "frame_ring.hpp"
#include "json_text.hpp"
#include "mask_view.hpp"
#include "time_line.hpp"

namespace vos::web {

/// All that the page knows of a session, but for what the server says once and the script keeps. No browser in here.
class ViewerState {
 public:
  explicit ViewerState(std::size_t ring_bytes = std::size_t{48} << 20) : ring_bytes_(ring_bytes), ring_(ring_bytes) {}

  /// A new connection: what differences build on is gone; frames, time line and looks stay.
  void reconnect() { base_ = {}; }
  /// Another session: nothing stays.
  void restart() { *this = ViewerState{ring_bytes_}; }

  /// Takes a message. Gives the number of its Body; 0: not a message that this page knows (`text` says why).
  int feed(wire::Bytes bytes) {
    text_.clear();
    const auto opened = wire::open_message(bytes);
    if (opened.message == nullptr) {
      text_ = JsonText{}.open('{').add("what", wire::text_of(opened.fault)).close('}').text();
      return 0;
    }
    const auto& message = *opened.message;
    JsonText json;
    json.open('{').add("request", message.request());
    switch (message.body_type()) {
      case wire::Body::FrameResult: take(*message.body_as_FrameResult()); break;
      case wire::Body::Welcome: write(json, *message.body_as_Welcome()); break;
      case wire::Body::ObjectList: take(json, *message.body_as_ObjectList()); break;
      case wire::Body::Playback: write(json, *message.body_as_Playback()); break;
      case wire::Body::Progress: write(json, *message.body_as_Progress()); break;
      case wire::Body::Notice: write(json, *message.body_as_Notice()); break;
      case wire::Body::Answer: take(json, *message.body_as_Answer()); break;
      case wire::Body::Statistics: write(json, *message.body_as_Statistics()); break;
      case wire::Body::Dropped: json.add("frames", message.body_as_Dropped()->frames()); break;
      default: text_ = R"({"what":"a message that only servers take"})"; return 0;
    }
    if (message.body_type() != wire::Body::FrameResult) text_ = json.close('}').text();
    return static_cast<int>(message.body_type());
  }

  /// What the last message said, as JSON. Empty after a frame.
  const std::string& text() const { return text_; }
  /// The frame that came last; its masks are not to be trusted if `fault` is not none: ask for a key frame.
  const KeptFrame* arrived() { return ring_.find(arrived_); }
  MaskFault fault() const { return fault_; }
  /// Whether it brought its picture: a result alone is news of a frame, not the one to be shown.
  bool brought_picture() const { return brought_picture_; }

  /// Makes a kept frame the shown one and paints it. Null where it is not kept.
  const KeptFrame* show(std::int64_t index) {
    const auto* frame = ring_.find(index);
    if (frame == nullptr) return nullptr;
    // A copy but for the picture, since the ring may drop the frame while it is on the screen.
    shown_ = {frame->index,   frame->seconds, frame->revision,
              frame->width,   frame->height,  frame->answered,
              frame->objects, frame->masks,   {}};
    if (!shown_.answered) shown_.objects.clear(), shown_.masks = {};
    restyle();
    return &shown_;
  }
  const KeptFrame& shown() const { return shown_; }
  const MaskView& view() const { return view_; }

  /// Paints again, after something was hidden, chosen or recoloured.
  void restyle() {
    if (shown_.masks.layers.empty()) view_.clear();
    else view_.paint(shown_.masks, invisible());
    const auto& ids = shown_.masks.ids;
    palette_.assign((ids.size() + 1) * 4, 0);
    for (std::size_t k = 0; k < ids.size(); ++k) {
      const auto id = ids[k];
      const auto colour = colour_of(id);
      auto* entry = palette_.data() + (k + 1) * 4;
      entry[0] = colour.r, entry[1] = colour.g, entry[2] = colour.b;
      entry[3] =
          static_cast<std::uint8_t>((is_shown(id) ? MaskView::shown : 0) | (id == selected_ ? MaskView::selected : 0));
    }
    anchors_.assign(shown_.objects.size(), Anchor{});
    for (std::size_t i = 0; i < shown_.objects.size() && view_.width() > 0; ++i) {
      const auto& object = shown_.objects[i];
      const auto at = std::lower_bound(ids.begin(), ids.end(), object.id());
      if (at == ids.end() || *at != object.id()) continue;
      const auto k = static_cast<std::size_t>(at - ids.begin());
      anchors_[i] = view_.anchors()[k];
      if ((static_cast<unsigned>(object.flags()) & static_cast<unsigned>(wire::ObjectFlags::suspect)) != 0)
        palette_[(k + 1) * 4 + 3] |= MaskView::suspect;
    }
  }
  std::span<const Anchor> anchors() const { return anchors_; }        ///< of the shown frame's objects, in their order
  std::span<const std::uint8_t> palette() const { return palette_; }  ///< RGB and flags of each slot

  void select(ObjectId id) { selected_ = id; }
  void hide(ObjectId id, bool hidden) { hidden ? void(hidden_.insert(id)) : void(hidden_.erase(id)); }
  void solo(ObjectId id) { solo_ = id; }  ///< 0: all
  bool is_shown(ObjectId id) const { return solo_ != 0 ? id == solo_ : !hidden_.contains(id); }

  /// The masks that came with the last Answer, painted alone; false where there are none, or no pixel is in them.
  bool show_preview() {
    if (preview_.layers.empty()) return false;
    preview_view_.paint(preview_, {});
    const auto anchors = preview_view_.anchors();
    return std::any_of(anchors.begin(), anchors.end(), [](const Anchor& anchor) { return anchor.area > 0; });
  }
  void clear_preview() { preview_ = {}, preview_view_.clear(); }
  const MaskView& preview() const { return preview_view_; }

  Colour colour_of(ObjectId id) const {
    const auto found = colours_.find(id);
    return found != colours_.end() ? found->second : object_colour(id);
  }
  std::span<const ObjectId> ids() const { return ids_; }  ///< of the object list, in its order
  std::vector<Colour> colours() const {
    std::vector<Colour> all;
    for (const auto id : ids_) all.push_back(colour_of(id));
    return all;
  }
  TimeLine& time_line() { return time_line_; }
  FrameRing& ring() { return ring_; }

  /// An edit at this frame makes what comes from it on anew.
  void doubt(std::int64_t first, std::int64_t last) {
    time_line_.doubt(first, last);
    ring_.forget_results(first);
  }

 private:
  std::set<ObjectId> invisible() const {
    std::set<ObjectId> result;
    for (const auto id : shown_.masks.ids)
      if (!is_shown(id)) result.insert(id);
    return result;
  }

  void take(const wire::FrameResult& frame) {
    KeptFrame kept{.index = frame.index(),
                   .seconds = frame.seconds(),
                   .revision = frame.revision(),
                   .width = frame.width(),
                   .height = frame.height()};
    fault_ = MaskFault::none;
    const auto masks = wire::bytes_of(frame.masks());
    if (!masks.empty()) {
      fault_ = decode_masks(masks, &base_, base_);
      kept.answered = fault_ == MaskFault::none;
    }
    if (kept.answered) {
      kept.masks = base_;
      if (frame.objects() != nullptr)
        for (const auto* object : *frame.objects()) kept.objects.push_back(*object);
      time_line_.set(kept.index, kept.objects);
    }
    const auto jpeg = wire::bytes_of(frame.jpeg());
    kept.jpeg.assign(jpeg.begin(), jpeg.end());
    brought_picture_ = !jpeg.empty();
    arrived_ = kept.index;
    ring_.put(std::move(kept));
  }

  void take(JsonText& json, const wire::ObjectList& list) {
    ids_.clear(), colours_.clear();
    json.open('[', "objects");
    if (list.objects() != nullptr)
      for (const auto* object : *list.objects()) {
        const auto rgb = object->colour();
        ids_.push_back(object->id());
        colours_[object->id()] = {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
                                  static_cast<std::uint8_t>(rgb)};
        json.open('{')
            .add("id", object->id())
            .add("name", wire::text_of(object->name()))
            .add("category", object->category())
            .add("colour", rgb)
            .add("first", object->first_frame())
            .add("last", object->last_frame());
        const auto frames = [&](const char* name, const flatbuffers::Vector<std::uint32_t>* numbers) {
          json.open('[', name);
          if (numbers != nullptr)
            for (const auto number : *numbers) json.add("", number);
          json.close(']');
        };
        frames("prompted", object->prompted());
        frames("corrected", object->corrected());
        json.close('}');
      }
    json.close(']');
  }

  void take(JsonText& json, const wire::Answer& answer) {
    if (answer.error() != nullptr) write(json.open('{', "error"), *answer.error()).close('}');
    json.open('[', "objects");
    if (answer.objects() != nullptr)
      for (const auto id : *answer.objects()) json.add("", id);
    json.close(']');
    json.add("address", wire::text_of(answer.address())).add("bytes", answer.bytes());
    const auto masks = wire::bytes_of(answer.masks());
    preview_ = {};
    const bool sound = !masks.empty() && decode_masks(masks, nullptr, preview_) == MaskFault::none;
    json.add("masks", sound);
  }

  static JsonText& write(JsonText& json, const wire::Notice& notice) {
    return json.add("severity", static_cast<int>(notice.severity()))
        .add("code", wire::text_of(notice.code()))
        .add("what", wire::text_of(notice.what()))
        .add("where", wire::text_of(notice.where()))
        .add("mend", wire::text_of(notice.mend()))
        .add("index", notice.index())
        .add("object", notice.object());
  }
  static void write(JsonText& json, const wire::Progress& progress) {
    json.add("task", wire::text_of(progress.task()))
        .add("done", progress.done())
        .add("total", progress.total())
        .add("seconds_left", double{progress.seconds_left()});
  }
  static void write(JsonText& json, const wire::Playback& playback) {
    json.add("index", playback.index())
        .add("frames", playback.frames())
        .add("playing", playback.playing())
        .add("speed", double{playback.speed()});
  }
  static void write(JsonText& json, const wire::Statistics& numbers) {
    json.add("fps", double{numbers.frames_per_second()})
        .add("latency", double{numbers.latency_ms()})
        .add("queue", numbers.queue())
        .add("dropped", numbers.dropped())
        .add("bytes", numbers.sent_bytes())
        .add("viewers", numbers.viewers());
  }
  static void write(JsonText& json, const wire::Welcome& welcome) {
    json.add("protocol", welcome.protocol())
        .add("server", wire::text_of(welcome.server()))
        .add("session", wire::text_of(welcome.session()))
        .add("resume", wire::text_of(welcome.resume()))
        .add("owner", welcome.role() == wire::Role::owner)
        .add("model", wire::text_of(welcome.model()))
        .add("largest", welcome.largest_message());
    if (const auto* source = welcome.source(); source != nullptr)
      json.open('{', "source")
          .add("name", wire::text_of(source->name()))
          .add("width", source->width())
          .add("height", source->height())
          .add("frames", source->frames())
          .add("fps", source->fps())
          .add("live", source->live())
          .close('}');
    json.open('[', "models");
    if (welcome.models() != nullptr)
      for (const auto* model : *welcome.models()) {
        json.open('{')
            .add("name", wire::text_of(model->name()))
            .add("detects", model->detects())
            .add("takes_prompts", model->takes_prompts())
            .open('[', "categories");
        if (model->categories() != nullptr)
          for (const auto* category : *model->categories()) json.add("", wire::text_of(category));
        json.close(']').close('}');
      }
    json.close(']');
    if (welcome.playback() != nullptr) {
      json.open('{', "playback");
      write(json, *welcome.playback());
      json.close('}');
    }
  }

  std::size_t ring_bytes_;
  FrameRing ring_;
  MaskFrame base_;  // what the next difference builds on: the frame that came last, shown or not
  MaskFault fault_ = MaskFault::none;
  std::int64_t arrived_ = -1;
  bool brought_picture_ = false;
  KeptFrame shown_;
  MaskView view_, preview_view_;
  MaskFrame preview_;
  std::vector<std::uint8_t> palette_;
  std::vector<Anchor> anchors_;
  std::vector<ObjectId> ids_;
  std::map<ObjectId, Colour> colours_;
  std::set<ObjectId> hidden_;
  ObjectId selected_ = 0, solo_ = 0;
  TimeLine time_line_;
  std::string text_;
};

}  // namespace vos::web
