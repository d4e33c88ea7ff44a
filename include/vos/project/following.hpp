#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/error.hpp>
#include <vos/io/source.hpp>
#include <vos/project/file_frames.hpp>
#include <vos/project/forward_pass.hpp>
#include <vos/project/frame_result.hpp>
#include <vos/project/live_frames.hpp>
#include <vos/project/plan.hpp>
#include <vos/project/project.hpp>
#include <vos/project/results.hpp>
#include <vos/project/session_file.hpp>
#include <vos/segment/spec.hpp>

namespace vos {

/// What a ModelProject works with: the frames, the model, its ways through them as the plan says, and what came of them. It
/// knows nothing of what a person may do; whoever changes the plan forgets the results that do not hold with it.
class Following {
 protected:
  Following(ProjectSpec spec, const std::string& saved)
      : spec_(std::move(spec)), results_(spec_.result_bytes), session_(taken_up(spec_, saved)) {
    spec_.input = session_.source.input;
    open_frames();
    plan_ = plan_of(session_.model, session_.settings, session_.edits.done());
    forward_.emplace(make_model(plan_));
  }

  /// What was found on a way back, and how far that went.
  struct Backward {
    StoredFrames frames;
    bool empty = false;  // none of its objects is seen where it begins
  };
  /// The way back that is being gone.
  struct Runner {
    EditList::Shared edit;
    std::set<ObjectId> objects;
    std::int64_t next;
  };

  static constexpr int patience = 16;  // frames decoded in one step on the way to the one that is wanted
  static constexpr std::int64_t most_lag = 8;

  static SessionFile taken_up(const ProjectSpec& spec, const std::string& saved) {
    SessionFile session;
    if (!saved.empty()) session = session_from_text(saved, spec.name.empty() ? "session" : spec.name);
    else {
      session.model = spec.model;
      session.settings = spec.settings;
    }
    if (!spec.input.empty()) session.source.input = spec.input;
    if (!spec.weights.empty() || saved.empty()) session.weights = spec.weights.string();
    return session;
  }

  // --- frames ------------------------------------------------------------------------------------------------------------
  void open_frames() {
    if (spec_.max_size == 0) spec_.max_size = session_.source.max_size;
    const auto first = first_new_frame();
    if (spec_.input == "feed") {
      live_ = std::make_unique<LiveFrames>(nullptr, spec_.picture_bytes, spec_.max_pixels);
      source_ = {.name = "camera", .live = true};
      fed_ = first;
      return;
    }
    SourceSpec source{.input = spec_.input, .max_size = spec_.max_size, .ahead = 0};
    auto work = std::make_unique<FileFrames>(source, spec_.picture_bytes / 2, spec_.max_pixels);
    source_ = work->info();
    if (source_.live) {
      live_ = std::make_unique<LiveFrames>(work->release(), spec_.picture_bytes, spec_.max_pixels, first);
      return;
    }
    work_ = std::move(work);
    expect_same_source();
  }

  /// Frames of a live source are gone when its project is taken up again: new ones do not have their numbers.
  std::int64_t first_new_frame() const {
    std::int64_t first = 0;
    for (const auto& edits : {session_.edits.done(), session_.edits.undone()})
      for (const auto& edit : edits)
        if (const auto* prompt = std::get_if<edit::Prompt>(edit.get())) first = std::max(first, prompt->index + 1);
    return first;
  }

  /// A session goes with its video.
  void expect_same_source() {
    const auto& saved = session_.source;
    const auto differ = [&](const std::string& what) {
      throw Error({.what = what,
                   .where = name(),
                   .mend = "open the video that the session was made of",
                   .exit_code = exit_code::sizes_differ});
    };
    const auto now = source_.frames;
    if (saved.frames >= 0 && now >= 0 && std::abs(saved.frames - now) > std::max<std::int64_t>(2, now / 50))
      differ("the video has " + std::to_string(now) + " frames, that of the session " + std::to_string(saved.frames));
    if (saved.height <= 0) return;
    try {
      if (source_.height <= 0) work_->fetch(0);  // most files tell it with their first frame
    } catch (const Error&) {                     // which is said when that frame is asked for
    }
    const auto info = work_->info();
    if (info.height > 0 && (saved.height != info.height || saved.width != info.width))
      differ("the video is " + std::to_string(info.width) + "x" + std::to_string(info.height) +
             ", that of the session " + std::to_string(saved.width) + "x" + std::to_string(saved.height));
  }

  std::string name() const {
    if (!spec_.name.empty()) return spec_.name;
    return !source_.name.empty() ? source_.name : session_.source.name;
  }

  SourceInfo source_info() const {
    auto info = source_;
    if (const auto* frames = work_ ? work_.get() : view_.get(); frames != nullptr) {
      info.height = frames->info().height;
      info.width = frames->info().width;
    }
    if (live_)
      if (const auto frame = live_->find(live_->newest())) info.height = frame->height(), info.width = frame->width();
    return info;
  }

  std::optional<std::int64_t> frames_end() const { return work_ ? work_->end() : std::nullopt; }

  void expect_index(std::int64_t index) const {
    const auto end =
        live_ ? std::numeric_limits<std::int64_t>::max()
              : frames_end().value_or(source_.frames >= 0 ? source_.frames : std::numeric_limits<std::int64_t>::max());
    if (index >= 0 && index < end) return;
    throw Error({.what = "there is no frame " + std::to_string(index),
                 .where = name(),
                 .mend = index < 0 ? "frames count from 0" : "the video has " + std::to_string(end) + " frames"});
  }

  /// A frame's picture, decoded now if need be.
  Frame frame_at(std::int64_t index) {
    expect_index(index);
    if (live_) {
      if (held_ && held_->index == index) return *held_;
      if (auto frame = live_->find(index)) return *frame;
      throw Error({.what = "frame " + std::to_string(index) + " is gone",
                   .where = name(),
                   .mend = "a live source keeps its last frames only: take a newer one"});
    }
    if (const auto* frame = work_->find(index)) return *frame;
    if (!view_) {
      SourceSpec source{.input = spec_.input, .max_size = spec_.max_size, .ahead = 0};
      view_ = std::make_unique<FileFrames>(source, spec_.picture_bytes / 2, spec_.max_pixels);
    }
    if (view_->fetch(index) == FileFrames::Got::frame) return *view_->find(index);
    throw Error({.what = "there is no frame " + std::to_string(index),
                 .where = name(),
                 .mend = "the video has " + std::to_string(view_->end().value_or(0)) + " frames"});
  }

  // --- models ------------------------------------------------------------------------------------------------------------
  AnySegmenter make_model(const Plan& plan) {
    auto detects = false;
    for (const auto& model : list_models())
      if (model.name == plan.model) detects = !model.needs_prompt;
    auto segmenter = make_segmenter({.model = plan.model,
                                     .weights = plan.model == session_.model ? session_.weights : "",
                                     .options = plan.settings});
    if (!segmenter.latency().online())
      throw Error({.what = "model '" + plan.model + "' answers late",
                   .where = name(),
                   .mend = "a project shows each frame at once: choose an online model"});
    detects_ = detects;
    return segmenter;
  }

  /// What a moment is taken for: `flow`, the model that keeps most, was measured. It looks at pictures of at most that size.
  static constexpr std::int64_t moment_bytes_a_pixel = 215, moment_pixels = 427 * 320;
  std::size_t moment_bytes() const {
    const auto info = source_info();
    return static_cast<std::size_t>(std::clamp<std::int64_t>(info.height * info.width, 1, moment_pixels) *
                                    moment_bytes_a_pixel);
  }
  std::size_t most_moments() const { return std::clamp<std::size_t>(spec_.moment_bytes / moment_bytes(), 4, 33) - 1; }

  // --- steps -------------------------------------------------------------------------------------------------------------
  bool holds(std::int64_t index) const {
    if (!results_.find(index)) return false;
    return std::all_of(plan_.backward.begin(), plan_.backward.end(),
                       [&](const auto& pass) { return !pass.covers(index) || has_backward(pass, index); });
  }
  bool has_backward(const BackwardPass& pass, std::int64_t index) const {
    const auto found = backward_.find(pass.edit.get());
    return found != backward_.end() && (found->second.empty || found->second.frames.find(index));
  }

  FrameParts parts_of(std::int64_t index) const {
    FrameParts parts{results_.find(index), {}};
    for (const auto& pass : plan_.backward)
      if (pass.covers(index))
        if (auto frame = backward_.at(pass.edit.get()).frames.find(index))
          parts.back.push_back({std::move(frame), pass.step});
    return parts;
  }

  void store(StoredFrames& to, const FrameResult& result, std::int64_t index, const std::set<ObjectId>& suspect,
             const std::set<ObjectId>& wanted) {
    StoredFrame stored{.index = index, .seconds = result.seconds, .revision = revision_};
    std::vector<ObjectId> ids;
    for (const auto& object : result.objects) {
      if (!wanted.empty() && !wanted.contains(object.id)) continue;
      ids.push_back(object.id);
      stored.objects.push_back({.id = object.id,
                                .category = object.category,
                                .score = object.score,
                                .box = object.box,
                                .visible = object.state == ObjectState::visible,
                                .suspect = suspect.contains(object.id)});
    }
    auto labels = result.labels;
    if (!wanted.empty()) {
      labels = labels.clone();
      auto* label = labels.mutable_data_ptr<ObjectId>();
      std::replace_if(label, label + labels.numel(), [&](auto id) { return !wanted.contains(id); }, 0);
    }
    stored.masks =
        encode_masks(masks_from_labels({labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(labels.numel())},
                                       labels.size(0), labels.size(1), ids));
    to.put(std::move(stored));
  }

  ProjectStep step_file(std::int64_t index, const std::stop_token& stop) {
    expect_index_from_zero(index);
    if (work_->is_bad(index)) work_->fetch(index);  // throws
    if (const auto end = work_->end(); end && index >= *end) return {.state = ProjectStep::State::ended};
    auto step = work_towards(index, stop);
    if (index != target_) target_ = index, done_ = 0;
    if (step.index >= 0) ++done_;
    step.done = done_;
    step.total = done_ + left_until(index);
    if (holds(index)) step.state = ProjectStep::State::ready;
    return step;
  }

  static void expect_index_from_zero(std::int64_t index) {
    if (index < 0) throw Error({.what = "there is no frame " + std::to_string(index), .mend = "frames count from 0"});
  }

  /// The frames still to be made before the one that is asked for is there.
  std::int64_t left_until(std::int64_t index) const {
    std::int64_t left = results_.find(index) ? 0 : index + 1 - forward_->reachable(index);
    for (const auto& pass : plan_.backward) {
      if (!pass.covers(index) || has_backward(pass, index)) continue;
      const auto from = pass.what().from;
      const bool on_it = runner_ && runner_->edit == pass.edit && runner_->next >= index;
      if (!on_it && !results_.find(from)) left += from - std::max(index, forward_->reachable(from)) + 1;
      left += (on_it ? runner_->next : from) - index + 1;
    }
    return left;
  }

  ProjectStep work_towards(std::int64_t index, const std::stop_token& stop) {
    // The frame itself comes last: on the way to where a way back begins, there may be no room to keep its result.
    for (const auto& pass : plan_.backward) {
      if (!pass.covers(index) || has_backward(pass, index)) continue;
      const bool on_it = runner_ && runner_->edit == pass.edit && runner_->next >= index;
      if (on_it) return step_back(pass, stop);
      const auto from = pass.what().from;
      if (!results_.find(from)) {
        auto step = forward_towards(from, stop);
        if (step.state == ProjectStep::State::ended) pass_of(pass).empty = true;
        if (step.state == ProjectStep::State::ended) step.state = ProjectStep::State::working;
        return step;
      }
      begin_back(pass);
      return {.state = ProjectStep::State::working};
    }
    return forward_towards(index, stop);
  }

  ProjectStep forward_towards(std::int64_t target, const std::stop_token& stop) {
    forward_->go_to(forward_->reachable(target));
    while (forward_->position() < target && work_->is_bad(forward_->position())) forward_->skip();
    const auto due = forward_->position();
    switch (work_->fetch(due, false, patience)) {
      case FileFrames::Got::not_yet: return {.state = ProjectStep::State::working};
      case FileFrames::Got::none: return {.state = ProjectStep::State::ended};
      case FileFrames::Got::frame: break;
    }
    push(*work_->find(due), stop);
    return {.state = ProjectStep::State::working, .index = due};
  }

  void push(const Frame& frame, const std::stop_token& stop) {
    forward_->keep(most_moments(), live_ ? 4 : 16);
    const auto answer = forward_->push(frame, plan_, {.stop = stop});
    store(results_, answer.result, frame.index, answer.suspect, {});
  }

  Backward& pass_of(const BackwardPass& pass) {
    return backward_.try_emplace(pass.edit.get(), Backward{StoredFrames{spec_.result_bytes / 4}}).first->second;
  }

  /// Frame `from` of the way back: its masks are what the model is given.
  void begin_back(const BackwardPass& pass) {
    const auto& [from, to, objects] = pass.what();
    auto& found = pass_of(pass);
    found.frames.forget_from(0);
    // Names as they were when the edit was made: what was said later changes what it is called, not what it is.
    const auto then = plan_of(session_.model, session_.settings, session_.edits.done().first(pass.step));
    const auto masks = assemble(then, {results_.find(from), {}}, 0);
    Runner runner{pass.edit, {}, from};
    for (const auto& object : masks.objects)
      if (object.visible && (objects.empty() || std::find(objects.begin(), objects.end(), object.id) != objects.end()))
        runner.objects.insert(object.id);
    found.empty = runner.objects.empty();
    if (found.empty) return;
    if (!back_model_) back_model_.emplace(make_model(plan_));
    back_model_->reset();
    given_back_ = frame_result_of(masks, runner.objects).labels;
    runner_ = std::move(runner);
  }

  ProjectStep step_back(const BackwardPass& pass, const std::stop_token& stop) {
    const auto due = runner_->next;
    switch (work_->is_bad(due) ? FileFrames::Got::none : work_->fetch(due, true, patience)) {
      case FileFrames::Got::not_yet: return {.state = ProjectStep::State::working};
      case FileFrames::Got::none: --runner_->next; return {.state = ProjectStep::State::working};
      case FileFrames::Got::frame: break;
    }
    auto frame = *work_->find(due);
    const auto from = pass.what().from;
    frame.index = from - due;  // for the model time runs on
    if (due == from) back_model_->prompt(frame, given_back_);
    const FrameResult result = back_model_->push(frame, {.stop = stop});
    if (due < from) store(pass_of(pass).frames, result, due, {}, runner_->objects);
    --runner_->next;
    if (runner_->next < pass.what().to) runner_.reset();
    return {.state = ProjectStep::State::working, .index = due < from ? due : -1};
  }

  /// The frame that is due, or a later one where the model is too slow for the source.
  ProjectStep step_live(std::int64_t index, const std::stop_token& stop) {
    const auto due = forward_->position();
    const auto newest = live_->newest();
    newest_seen_ = std::max(newest_seen_, newest);
    if (index < due)  // passed over, or its result is no longer kept
      throw Error({.what = "frame " + std::to_string(index) + " is gone",
                   .where = name(),
                   .mend = "a live source keeps its last frames only: take a newer one"});
    auto wanted = due;
    if (newest >= due) {
      // New frames are passed over for the newest; those that were seen before are made again in ever shorter leaps.
      wanted = due > furthest_ ? newest : due + (newest - due) / most_lag;
      if (const auto planned = plan_.frames.lower_bound(due); planned != plan_.frames.end())
        wanted = std::min(wanted, planned->first);
    }
    std::optional<Frame> frame;
    if (held_ && held_->index >= due && held_->index <= wanted && plan_.frames.contains(held_->index)) frame = held_;
    else frame = live_->first_from(wanted);
    if (!frame) return {.state = live_->ended() ? ProjectStep::State::ended : ProjectStep::State::waiting};
    push(*frame, stop);
    held_ = frame;
    furthest_ = std::max(furthest_, frame->index);
    newest_seen_ = std::max(newest_seen_, frame->index);
    const auto state = frame->index >= index ? ProjectStep::State::ready : ProjectStep::State::working;
    return {.state = state,
            .index = frame->index,
            .done = 1,
            .total = 1 + std::max<std::int64_t>(0, newest - frame->index)};
  }

  ProjectSpec spec_;
  StoredFrames results_;
  SessionFile session_;
  Plan plan_;

  SourceInfo source_;
  std::unique_ptr<FileFrames> work_, view_;  // of a file: what is computed on, and what is looked at
  std::unique_ptr<LiveFrames> live_;
  std::optional<Frame> held_;  // of a live source, the last that was pushed
  std::int64_t furthest_ = -1, newest_seen_ = -1, fed_ = 0;

  std::optional<ForwardPass> forward_;
  bool detects_ = false;
  std::map<const Edit*, Backward> backward_;
  std::optional<Runner> runner_;
  std::optional<AnySegmenter> back_model_;
  at::Tensor given_back_;

  std::uint32_t revision_ = 1;
  std::int64_t target_ = -1, done_ = 0;
};

}  // namespace vos
