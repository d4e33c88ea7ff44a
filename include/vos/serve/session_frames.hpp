#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <tuple>
#include <utility>
#include <vector>

#include <vos/serve/frame_maker.hpp>
#include <vos/serve/frame_store.hpp>
#include <vos/serve/playback.hpp>
#include <vos/serve/session_jobs.hpp>

namespace vos::serve {

/// The part of a session that knows what people are told: the frames, the objects, where playback is.
class SessionFrames : public SessionJobs {
 public:
  using Clock = std::chrono::steady_clock;

  SessionFrames(Workplace& place, SessionRecord record, SessionFolder folder)
      : SessionJobs(place, std::move(record), std::move(folder)), store_(place.options.store_bytes) {}

 protected:
  FrameMaker make_of(std::int64_t index, bool step, std::stop_token stop = {}) {
    const auto now = Clock::now();
    const bool list = now - listed_ > std::chrono::milliseconds(500);
    return {index, step, audience_.wants_pictures(), list, known_, std::move(stop)};
  }

  void take_in(MadeFrame& made) {
    if (made.forward >= 0) place_.metrics.forward.observe(made.forward), ++done_;
    if (made.decode >= 0) place_.metrics.decode.observe(made.decode);
    memory_ = made.memory;
    info_.height = made.height;
    info_.width = made.width;
    if (std::exchange(info_.frames, made.frames) != made.frames) audience_.tell(playback());
    if (made.objects) know(std::move(*made.objects));
  }

  /// The objects as they are now; tells everybody where that is news.
  void know(std::vector<ProjectObject> objects) {
    listed_ = Clock::now();
    known_.clear();
    for (const auto& object : objects) known_.insert(object.id);
    objects_ = std::move(objects);
    auto list = wire::message_of(object_list());
    if (told_ == list) return;
    told_ = std::move(list);
    audience_.tell(object_list());
  }

  // --- frames go out ---------------------------------------------------------------------------------------------------------
  std::shared_ptr<const SharedFrame> frame_of(const Content& content, const Content& before = nullptr,
                                              std::uint64_t before_serial = 0) {
    return std::make_shared<SharedFrame>(
        ++serial_, content, before, before_serial,
        [&encode = place_.metrics.encode](double seconds) { encode.observe(seconds); });
  }

  void send(const Content& content, bool always) {
    const auto before = last_ ? last_->content() : nullptr;
    last_ = frame_of(content, before, last_ ? last_->serial() : 0);
    store_.add(content);
    place_.metrics.frames.add();
    audience_.send(last_, content->frame.index, always);
  }

  /// This is the frame that people are at.
  void show(const Content& content, bool always) {
    current_ = content;
    playback_.shown(content->frame.index, Clock::now());
    send(content, always);
  }

  void send_again(Guest& guest) {
    if (!current_) return;
    guest.viewer().want_key_frame();
    guest.send(last_ && last_->content() == current_ ? last_ : frame_of(current_), current_->frame.index, true);
  }

  // --- what people are told --------------------------------------------------------------------------------------------------
  wire::PlaybackT playback() const {
    wire::PlaybackT told;
    told.index = std::max<std::int64_t>(playback_.index, 0);
    told.frames = info_.live ? -1 : info_.frames;
    told.playing = playback_.playing;
    told.speed = static_cast<float>(playback_.speed);
    return told;
  }

  wire::ObjectListT object_list() const {
    wire::ObjectListT list;
    for (const auto& object : objects_) {
      auto info = std::make_unique<wire::ObjectInfoT>();
      info->id = object.id;
      info->name = object.name;
      info->category = object.category;
      info->colour = object.colour;
      info->first_frame = object.first_frame;
      info->last_frame = object.last_frame;
      info->prompted.assign(object.prompted.begin(), object.prompted.end());
      info->corrected.assign(object.corrected.begin(), object.corrected.end());
      list.objects.push_back(std::move(info));
    }
    return list;
  }

  wire::WelcomeT welcome(const Guest& guest) const {
    wire::WelcomeT told;
    told.protocol = wire::protocol;
    told.server = "vos-serve " + place_.options.version;
    told.session = record_.id;
    if (guest.owner()) told.resume = record_.resume;
    told.role = guest.owner() ? wire::Role::owner : wire::Role::viewer;
    told.source = std::make_unique<wire::SourceT>();
    told.source->name = without_paths(info_.name.empty() ? record_.name : info_.name);
    told.source->width = static_cast<std::uint32_t>(info_.width);
    told.source->height = static_cast<std::uint32_t>(info_.height);
    told.source->frames = info_.frames;
    told.source->fps = info_.fps;
    told.source->live = info_.live;
    told.model = info_.model;
    for (const auto& choice : place_.options.models) {
      auto model = std::make_unique<wire::ModelT>();
      model->name = choice.name;
      model->detects = choice.detects;
      model->takes_prompts = choice.takes_prompts;
      model->categories = choice.name == info_.model ? info_.categories : choice.categories;
      told.models.push_back(std::move(model));
    }
    told.playback = std::make_unique<wire::PlaybackT>(playback());
    told.largest_message = static_cast<std::uint32_t>(wire::largest_message);
    return told;
  }

  Audience audience_;
  ProjectInfo info_;
  Playback playback_;
  FrameStore store_;
  Content current_;                          // what people are at
  std::shared_ptr<const SharedFrame> last_;  // what was sent last
  std::set<ObjectId> known_;                 // objects
  std::size_t memory_ = 0;
  std::int64_t done_ = 0;  // frames made

 private:
  std::vector<ProjectObject> objects_;
  wire::Written told_;  // of the objects
  Clock::time_point listed_ = {};
  std::uint64_t serial_ = 0;
};

}  // namespace vos::serve
