#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/images.hpp>
#include <vos/io/mark_masks.hpp>
#include <vos/io/source.hpp>
#include <vos/project/exporting.hpp>
#include <vos/project/following.hpp>
#include <vos/project/plan.hpp>
#include <vos/project/project.hpp>
#include <vos/project/results.hpp>
#include <vos/project/session_file.hpp>
#include <vos/segment/spec.hpp>
#include <vos/wire/palette.hpp>

namespace vos {

/// Any online model over any source. docs/concepts/project.md tells what an edit changes and what it costs.
class ModelProject final : public Project, private Following {
 public:
  /// `saved`: the text of a session file, or nothing. Where `spec` names no input, the session's is taken.
  ModelProject(ProjectSpec spec, const std::string& saved) : Following(std::move(spec), saved) {
    for (const auto& edits : {session_.edits.done(), session_.edits.undone()})
      for (const auto& edit : edits) note_ids(*edit);
  }

  ProjectInfo info() const override {
    ProjectInfo info{.name = name(), .model = plan_.model, .detects = detects_};
    const auto source = source_info();
    info.height = source.height;
    info.width = source.width;
    info.frames = live_ ? -1 : frames_end().value_or(source.frames);
    info.fps = source.fps;
    info.live = live_ != nullptr;
    return info;
  }

  // --- results -------------------------------------------------------------------------------------------------------
  ProjectStep step(std::int64_t index, std::stop_token stop) override {
    if (stop.stop_requested()) throw Cancelled("step");
    if (holds(index)) return {.state = ProjectStep::State::ready};
    shown_.reset();
    return live_ ? step_live(index, stop) : step_file(index, stop);
  }

  const ProjectFrame* result(std::int64_t index) const override {
    if (!holds(index)) return nullptr;
    if (!shown_ || shown_->index != index) {
      const auto parts = parts_of(index);
      shown_ = assemble(plan_, parts, std::max(parts.forward->revision, shown_revision_));
    }
    return &*shown_;
  }

  std::vector<std::pair<std::int64_t, std::int64_t>> ready() const override {
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
    for (const auto& [index, frame] : results_.all()) {
      if (!holds(index)) continue;
      if (!ranges.empty() && ranges.back().second == index) ++ranges.back().second;
      else ranges.emplace_back(index, index + 1);
    }
    return ranges;
  }

  std::int64_t newest() const override {
    if (live_) return newest_seen_;
    return results_.all().empty() ? -1 : results_.all().rbegin()->first;
  }

  std::vector<std::uint8_t> picture(std::int64_t index, std::int64_t max_size) override {
    const auto frame = frame_at(index);
    constexpr int quality = 85;
    return image_bytes(fitting(frame.rgb, max_size), ".jpg", quality);
  }

  std::int64_t feed(double seconds, std::span<const std::uint8_t> jpeg) override {
    if (spec_.input != "feed")
      throw Error({.what = "this project's pictures do not come from a browser",
                   .where = name(),
                   .mend = "begin another one with the source 'camera'"});
    Frame frame{fed_, seconds, image_from_bytes(jpeg, "camera picture " + std::to_string(fed_), spec_.max_size)};
    live_->add(std::move(frame));
    return fed_++;
  }

  // --- edits -------------------------------------------------------------------------------------------------------------
  Beside<MaskFrame> marking(std::int64_t index, std::vector<Mark> marks) override {
    const auto frame = frame_at(index);
    const auto known = known_ids();
    ObjectId next = 0;
    for (auto& mark : marks) {
      if (mark.object == 0) mark.object = next = next == 0 ? next_id() : next + 1;
      else if (!known.contains(mark.object)) refuse_unknown(mark.object);
    }
    MaskFrame masks{frame.height(), frame.width(), false, {}, {}};
    if (const auto* present = result(index)) masks = present->masks;
    return [frame, masks = std::move(masks), marks = std::move(marks)](std::stop_token stop) {
      return masks_from_marks(frame, masks, marks, stop);
    };
  }

  std::vector<ObjectId> prompt(std::int64_t index, const MaskFrame& masks,
                               const std::map<ObjectId, std::string>& names) override {
    expect_prompt(index, masks);
    edit::Prompt prompt{.index = index, .masks = masks};
    for (const auto& [id, name] : names)
      if (std::binary_search(masks.ids.begin(), masks.ids.end(), id)) prompt.names.emplace(id, name);
    add(std::move(prompt));
    return masks.ids;
  }

  void remove(ObjectId id) override {
    expect_known(id);
    const auto computed = results_.all().empty() ? 0 : results_.all().rbegin()->first + 1;
    add(edit::Remove{id, std::max(forward_->position(), computed)});
  }

  void rename(ObjectId id, std::string name, std::int32_t category, std::uint32_t colour) override {
    expect_known(id);
    add(edit::Rename{id, std::move(name), category, colour & 0xFFFFFF});
  }

  void merge(ObjectId from, ObjectId into) override {
    expect_known(from);
    expect_known(into);
    if (from == into)
      throw Error(
          {.what = "object " + std::to_string(from) + " cannot be merged into itself", .mend = "name two objects"});
    add(edit::Merge{from, into});
  }

  ObjectId split(ObjectId id, std::int64_t index) override {
    expect_known(id);
    expect_index(index);
    const auto other = next_id();
    add(edit::Split{id, index, other});
    return other;
  }

  void propagate_back(std::int64_t from, std::int64_t to, std::vector<ObjectId> objects) override {
    if (live_)
      throw Error({.what = "a live source cannot be followed backwards",
                   .where = name(),
                   .mend = "record it, and open the recording"});
    expect_index(to);
    if (to >= from)
      throw Error({.what = "frame " + std::to_string(to) + " does not lie before frame " + std::to_string(from),
                   .mend = "name a frame to go back to"});
    frame_at(from);
    for (const auto id : objects) expect_known(id);
    add(edit::PropagateBack{from, to, std::move(objects)});
  }

  bool undo() override {
    auto next = session_.edits;
    if (!next.undo()) return false;
    change(std::move(next));
    return true;
  }
  bool redo() override {
    auto next = session_.edits;
    if (!next.redo()) return false;
    change(std::move(next));
    return true;
  }

  void choose_model(const std::string& model, const std::map<std::string, std::string>& settings) override {
    add(edit::ChooseModel{model, settings});
  }

  std::vector<ProjectObject> objects() const override {
    std::map<ObjectId, ProjectObject> objects;
    for (const auto& [id, frames] : plan_.named_frames) {
      auto& object = objects[id];
      object.prompted = {*frames.begin()};
      object.corrected.assign(std::next(frames.begin()), frames.end());
    }
    const auto seen = [&](const SeenObject& one, ObjectId id, std::int64_t index) {
      if (id == 0) return;
      auto& object = objects[id];
      if (one.category >= 0) object.category = one.category;
      if (!one.visible) return;
      object.first_frame = object.first_frame < 0 ? index : std::min(object.first_frame, index);
      object.last_frame = std::max(object.last_frame, index);
    };
    for (const auto& [index, frame] : results_.all())
      for (const auto& one : frame->objects) seen(one, plan_.identities.shown_as(one.id, index), index);
    for (const auto& pass : plan_.backward)
      if (const auto found = backward_.find(pass.edit.get()); found != backward_.end())
        for (const auto& [index, frame] : found->second.frames.all())
          for (const auto& one : frame->objects) seen(one, plan_.identities.renamed(one.id, pass.step, index), index);
    std::vector<ProjectObject> list;
    for (auto& [id, object] : objects) {
      object.id = id;
      const auto usual = object_colour(id);
      object.colour = static_cast<std::uint32_t>(usual.r << 16 | usual.g << 8 | usual.b);
      if (const auto look = plan_.looks.find(id); look != plan_.looks.end()) {
        object.name = look->second.name;
        if (look->second.category >= 0) object.category = look->second.category;
        if (look->second.colour != 0) object.colour = look->second.colour;
      }
      list.push_back(std::move(object));
    }
    return list;
  }

  // --- out ---------------------------------------------------------------------------------------------------------------
  Beside<std::filesystem::path> exporting(const ExportSpec& spec) override {
    ExportJob job{.spec = spec, .source = source_info()};
    job.source.name = name();
    if (spec.kind == ExportSpec::Kind::session) job.session = save();
    else collect(job);
    return [job = std::move(job)](std::stop_token stop) { return export_project(job, stop); };
  }

  std::string save() const override {
    auto session = session_;
    auto& source = session.source;
    source.name = name();
    source.max_size = spec_.max_size;
    const auto info = source_info();
    source.height = info.height;
    source.width = info.width;
    source.frames = live_ ? -1 : frames_end().value_or(info.frames);
    if (!spec_.name.empty()) {  // a server's own paths are not for others
      source.input = public_input(spec_.input, spec_.name);
      session.weights = std::filesystem::path{session.weights}.filename().string();
    }
    std::map<EditList::Shared, std::string> texts;
    const auto text_of = [&](const EditList::Shared& edit) -> const std::string& {
      const auto known = edit_texts_.find(edit);
      return texts[edit] = known != edit_texts_.end() ? std::move(known->second) : edit_text(*edit);
    };
    auto text = session_text(session, text_of);
    edit_texts_ = std::move(texts);
    return text;
  }

  std::size_t memory() const override {
    std::size_t bytes = results_.bytes() + forward_->moments() * moment_bytes();
    if (live_) bytes += live_->bytes();
    if (work_) bytes += work_->bytes();
    if (view_) bytes += view_->bytes();
    for (const auto& [edit, pass] : backward_) bytes += pass.frames.bytes();
    for (const auto& [edit, text] : edit_texts_) bytes += text.size();
    return bytes;
  }

 private:
  /// What may be told of an input to others: a scene or a camera, or the name of a file, which is the person's for an upload.
  static std::string public_input(const std::string& input, const std::string& name) {
    const auto kind = input.substr(0, std::min(input.find(':'), input.size()));
    if (kind == "synthetic" || kind == "camera" || kind == "feed") return input;
    if (input.find("://") != std::string::npos) return kind + "://";
    const std::filesystem::path named{name}, path{input};
    return (named.has_extension() ? named : path).filename().string();
  }

  // --- edits -------------------------------------------------------------------------------------------------------------
  void add(Edit edit) {
    auto next = session_.edits;
    if (next.done().size() >= most_edits)
      throw Error({.what = "there are " + std::to_string(most_edits) + " edits",
                   .where = name(),
                   .mend = "work on the video in parts"});
    next.add(std::move(edit));
    change(std::move(next));
    note_ids(*session_.edits.done().back());
  }

  /// Another list of edits: what does not hold with it is forgotten. All that can fail comes first.
  void change(EditList next) {
    auto plan = plan_of(session_.model, session_.settings, next.done());
    const auto first = first_difference(plan_, plan);
    if (plan.model != plan_.model || plan.settings != plan_.settings) {
      expect_new_model();
      forward_.emplace(make_model(plan));
      back_model_.reset();
      results_.forget_from(0);
    } else if (first) {
      expect_reachable(*first, plan);
      forward_->forget_from(*first);
      results_.forget_from(*first);
    }
    session_.edits = std::move(next);
    plan_ = std::move(plan);
    std::erase_if(backward_, [&](const auto& each) {
      const auto pass = std::find_if(plan_.backward.begin(), plan_.backward.end(),
                                     [&](const auto& one) { return one.edit.get() == each.first; });
      return pass == plan_.backward.end() || (first && *first <= pass->what().from);
    });
    if (runner_ && !backward_.contains(runner_->edit.get())) runner_.reset();
    shown_revision_ = ++revision_;
    shown_.reset();
  }

  void expect_new_model() const {
    if (!live_ || plan_.named_frames.empty()) return;
    throw Error({.what = "the model of a live source cannot be changed once objects were named: their frames are gone",
                 .where = name(),
                 .mend = "begin another session with that model"});
  }

  /// `plan`: the one to come, of which the model is told again what lies between `first` and where it is.
  void expect_reachable(std::int64_t first, const Plan& plan) const {
    if (!live_ || first >= forward_->position() || forward_->position() == 0) return;
    // All that was said since the moment from which it goes on has to be said again, of frames that are there.
    const auto is_there = [&](std::int64_t frame) {
      return live_->find(frame).has_value() || (held_ && held_->index == frame);
    };
    const auto from = forward_->kept_before(first);
    const auto said = plan.frames.lower_bound(from.value_or(0)), end = plan.frames.lower_bound(forward_->position());
    if (from && std::all_of(said, end, [&](const auto& each) { return is_there(each.first); })) return;
    throw Error({.what = "frame " + std::to_string(first) + " is gone",
                 .where = name(),
                 .mend =
                     "what was said of a live source can be changed for its last frames only; remove the object, or "
                     "correct it in a newer frame"});
  }

  void expect_prompt(std::int64_t index, const MaskFrame& masks) {
    const auto where = "frame " + std::to_string(index) + " of " + name();
    const auto refuse = [&](const std::string& what, const std::string& mend) {
      throw Error({.what = what, .where = where, .mend = mend});
    };
    if (masks.ids.empty() || masks.layers.size() != 1) refuse("the masks name no object", "draw one");
    if (masks.overlapping) refuse("the masks may overlap", "give masks that share no pixel");
    const auto frame = frame_at(index);
    if (masks.height != frame.height() || masks.width != frame.width())
      throw Error({.what = "the masks are " + std::to_string(masks.width) + "x" + std::to_string(masks.height) +
                           ", the frame is " + std::to_string(frame.width()) + "x" + std::to_string(frame.height()),
                   .where = where,
                   .mend = "give masks of the frame's size; they are never resized silently",
                   .exit_code = exit_code::sizes_differ});
    const auto beyond = [](ObjectId id) { return id < 1 || id > most_object_id; };
    if (const auto id = std::find_if(masks.ids.begin(), masks.ids.end(), beyond); id != masks.ids.end())
      refuse("no object has the id " + std::to_string(*id), "ids go from 1 to " + std::to_string(most_object_id));
    const auto known = known_ids();
    for (std::size_t slot = 0; slot < masks.ids.size(); ++slot)
      if (!known.contains(masks.ids[slot]) && detail::covers_nothing(masks, slot))
        refuse("the new object " + std::to_string(masks.ids[slot]) + " has no pixel", "draw it");
  }

  std::set<ObjectId> known_ids() const {
    std::set<ObjectId> ids;
    for (const auto& object : objects()) ids.insert(object.id);
    for (const auto& edit : session_.edits.done())
      if (const auto* split = std::get_if<edit::Split>(edit.get())) ids.insert(split->other);
    return ids;
  }
  [[noreturn]] void refuse_unknown(ObjectId id) const {
    std::vector<std::string> known;
    for (const auto& object : objects()) known.push_back(std::to_string(object.id));
    throw Error({.what = "there is no object " + std::to_string(id),
                 .where = name(),
                 .mend = known.empty() ? "mark one first" : "known objects: " + join(known, ", ")});
  }
  void expect_known(ObjectId id) const {
    if (!known_ids().contains(id)) refuse_unknown(id);
  }

  /// Never the id of an object that there is or was. A model that finds objects numbers them from 1; those that a person adds
  /// are numbered where it will not come.
  ObjectId next_id() const {
    ObjectId highest = std::max(highest_id_, detects_ ? 1000 : 0);
    for (const auto& object : objects()) highest = std::max(highest, object.id);
    if (highest < most_object_id) return highest + 1;
    throw Error({.what = "there is no id left for a new object",
                 .where = name(),
                 .mend = "ids go up to " + std::to_string(most_object_id) + ": give lower ones"});
  }
  void note_ids(const Edit& edit) {
    if (const auto* prompt = std::get_if<edit::Prompt>(&edit); prompt != nullptr && !prompt->masks.ids.empty())
      highest_id_ = std::max(highest_id_, prompt->masks.ids.back());
    if (const auto* split = std::get_if<edit::Split>(&edit)) highest_id_ = std::max(highest_id_, split->other);
  }

  // --- exports -----------------------------------------------------------------------------------------------------------
  void collect(ExportJob& job) {
    const auto& [kind, first, wanted_last, objects, folder] = job.spec;
    auto last = wanted_last;
    if (live_) {
      for (const auto& [index, frame] : results_.all())
        if (index >= first && (last < 0 || index <= last)) {
          job.frames.push_back(parts_of(index));
          job.stems.push_back(detail::numbered_stem(index));
        }
    } else if (last >= 0) {
      expect_index(last);
    } else {
      last = frames_end().value_or(source_.frames) - 1;
      if (last < 0) last = newest();
    }
    for (auto index = std::max<std::int64_t>(first, 0); !live_ && index <= last; ++index) {
      if (!holds(index)) {
        if (work_->is_bad(index)) continue;  // there is nothing to wait for
        throw Error({.what = "frame " + std::to_string(index) + " has no result yet",
                     .where = name(),
                     .mend = "follow the objects to frame " + std::to_string(last) + " first"});
      }
      job.frames.push_back(parts_of(index));
      job.stems.push_back(work_->stem(index));
    }
    if (job.frames.empty())
      throw Error({.what = "there are no results to export", .where = name(), .mend = "follow some objects first"});
    job.plan = plan_;
    if (kind == ExportSpec::Kind::overlay_mp4) job.pictures = pictures_of(job);
  }

  std::function<std::function<Frame(std::int64_t)>()> pictures_of(ExportJob& job) {
    if (live_) {
      std::map<std::int64_t, Frame> frames;
      for (const auto& parts : job.frames)
        if (auto frame = live_->find(parts.forward->index)) frames.emplace(frame->index, *frame);
      std::vector<FrameParts> kept;
      std::vector<std::string> stems;
      for (std::size_t i = 0; i < job.frames.size(); ++i) {
        if (!frames.contains(job.frames[i].forward->index)) continue;
        kept.push_back(std::move(job.frames[i]));
        stems.push_back(std::move(job.stems[i]));
      }
      if (kept.empty())
        throw Error({.what = "there are no pictures to export",
                     .where = name(),
                     .mend = "a live source keeps its last frames only: export them sooner, or the masks alone"});
      job.frames = std::move(kept);
      job.stems = std::move(stems);
      return [frames = std::move(frames)] { return [frames](std::int64_t index) { return frames.at(index); }; };
    }
    SourceSpec source{.input = spec_.input, .max_size = spec_.max_size, .ahead = 0};
    source.frames.begin = job.frames.front().forward->index;
    return [source, most = spec_.max_pixels] {
      auto frames = std::make_shared<FileFrames>(source, 0, most);
      return [frames](std::int64_t index) {
        if (frames->fetch(index) == FileFrames::Got::frame) return *frames->find(index);
        throw Error({.what = "frame " + std::to_string(index) + " cannot be read again"});
      };
    };
  }

  static at::Tensor fitting(const at::Tensor& rgb, std::int64_t max_size) {
    const auto longer = std::max(rgb.size(0), rgb.size(1));
    if (max_size <= 0 || longer <= max_size) return rgb;
    const auto side = [&](std::int64_t length) {
      return static_cast<int>(std::max<std::int64_t>(1, (length * max_size + longer / 2) / longer));
    };
    auto small = at::empty({side(rgb.size(0)), side(rgb.size(1)), 3}, at::kByte);
    auto view = mat_of(small);
    cv::resize(mat_of(rgb), view, view.size(), 0, 0, cv::INTER_AREA);
    return small;
  }

  std::uint32_t shown_revision_ = 1;
  ObjectId highest_id_ = 0;
  mutable std::optional<ProjectFrame> shown_;
  mutable std::map<EditList::Shared, std::string> edit_texts_;
};

}  // namespace vos
