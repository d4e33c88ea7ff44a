#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <vos/serve/session_goals.hpp>

namespace vos::serve {

/// The part of a session that changes the project: each edit is written down before it is answered.
class SessionEdits : public SessionGoals {
 public:
  using SessionGoals::SessionGoals;

 protected:
  static constexpr std::size_t most_edits = 64;

  template <class Value>
  struct Edited {
    Value value;
    ProjectInfo info;
    std::vector<ProjectObject> objects;
  };

  /// Changes the project with `change(Project&)`, writes the session down, and only then goes on with `then(Value)`: what was
  /// answered is not lost. What cannot be written is taken back by `back`.
  template <class Change, class Then>
  void edit(const Asked& asked, Change change, Then then, bool (Project::*back)() = &Project::undo) {
    using Value = std::invoke_result_t<Change, Project&>;
    run(
        [change = std::move(change), back, record = record_, folder = folder_](Project& project) mutable {
          auto value = change(project);
          auto info = project.info();
          try {
            write_down(project, info, record, folder);
          } catch (...) {
            (project.*back)();
            throw;
          }
          return Edited<Value>{std::move(value), std::move(info), project.objects()};
        },
        [this, asked, then = std::move(then)](Outcome<Edited<Value>> outcome) {
          editing_ = false;
          if (outcome.thrown) return asked.refuse(outcome.thrown);
          auto& edited = *outcome.value;
          const bool other_model = edited.info.model != info_.model;
          info_ = std::move(edited.info);
          know(std::move(edited.objects));
          store_.outdate();
          held_.reset();
          if (other_model)
            for (const auto& guest : audience_.guests()) guest->tell(welcome(*guest));
          then(std::move(edited.value));
        });
  }

  /// The session's file, before an edit is answered. A live one has no past to go back to.
  static void write_down(const Project& project, const ProjectInfo& info, SessionRecord& record,
                         const SessionFolder& folder) {
    if (info.live) return;
    record.project = project.save();
    make_folder(folder.path());
    folder.write(record);
  }

  void queue_edit(std::function<void()> edit) {
    if (edits_.size() >= most_edits)
      refuse("too much was asked for at once", "the session", "wait for an answer first", "busy");
    edits_.push_back(std::move(edit));
  }

  /// An edit whose answer is known at once; the frame that people are at follows.
  template <class Change>
  void queue_simple(const Asked& asked, Change change, bool (Project::*back)() = &Project::undo,
                    bool moves_masks = true) {
    queue_edit([this, asked, change = std::move(change), back, moves_masks] {
      edit(
          asked, change,
          [this, asked, moves_masks](const std::vector<ObjectId>& ids) {
            wire::AnswerT answer;
            answer.objects = ids;
            asked.answer(std::move(answer));
            if (moves_masks) refresh();
          },
          back);
    });
  }

  /// The frame that people are at, made anew after an edit.
  void refresh() {
    if (!current_ || playback_.playing || info_.live) return;
    if (!current_->known) {
      if (!seek_) seek_ = Seek{{}, playback_.index};
      return;
    }
    const bool comes = std::any_of(quick_.begin(), quick_.end(),
                                   [&](const auto& goal) { return goal->shows && goal->last == playback_.index; });
    if (!comes && quick_.size() < most_goals) quick_.push_back(goal_at({}, playback_.index, "update"));
  }

  void prompt(const Asked& asked, const wire::Prompt& prompt) {
    const auto index = frame_from(prompt.index(), info_, "Prompt.index");
    auto marks = marks_from(prompt);
    const bool whole = wire::bytes_of(prompt.masks()).size() > 0;
    if (whole == !marks.empty())
      refuse(whole ? "marks and masks at once" : "a prompt without marks or masks", "Prompt", "give one of them");
    if (whole) {
      if (prompt.preview())
        refuse("a preview of masks", "Prompt", "masks are what they are: send them without preview");
      queue_edit([this, asked, index, masks = masks_from(prompt, info_)] { keep_prompt(asked, index, masks, {}, {}); });
    } else if (prompt.preview()) {
      break_off([](const BesideWork& work) { return work.preview; });
      if (previews_.size() >= most_edits)
        refuse("too many previews at once", "the session", "wait for an answer first", "busy");
      preview(asked, index, std::move(marks));
    } else {
      queue_edit([this, asked, index, marks = std::move(marks)] { find_and_keep(asked, index, marks); });
    }
  }

  /// The masks that marks mean: of the project as it is when its turn comes. The newest one counts.
  void preview(const Asked& asked, std::int64_t index, std::vector<Mark> marks) {
    for (const auto& one : std::exchange(previews_, {})) one.refuse(Cancelled("preview"));
    previews_.push_back(asked);
    queue_edit([this, asked, index, marks = std::move(marks)] {
      editing_ = false;
      const auto found = std::find(previews_.begin(), previews_.end(), asked);
      if (found == previews_.end()) return pump();
      previews_.erase(found);
      run([index, marks](Project& project) { return project.marking(index, marks); },
          [this, asked](Outcome<Beside<MaskFrame>> outcome) {
            if (outcome.thrown) return asked.refuse(outcome.thrown);
            run_beside<MaskFrame>(asked, true, std::move(*outcome.value), [asked](Outcome<MaskFrame> found) {
              if (found.thrown) return asked.refuse(found.thrown);
              wire::AnswerT answer;
              answer.objects = found.value->ids;
              answer.masks = encode_masks(*found.value);
              asked.answer(std::move(answer));
            });
          });
    });
  }

  void find_and_keep(const Asked& asked, std::int64_t index, const std::vector<Mark>& marks) {
    const auto give_up = [this, asked](const std::exception_ptr& thrown) {
      editing_ = false;
      asked.refuse(thrown);
    };
    run([index, marks](Project& project) { return project.marking(index, marks); },
        [this, asked, index, marks, give_up](Outcome<Beside<MaskFrame>> outcome) {
          if (outcome.thrown) return give_up(outcome.thrown);
          run_beside<MaskFrame>(asked, false, std::move(*outcome.value),
                                [this, asked, index, marks, give_up](Outcome<MaskFrame> found) {
                                  if (found.thrown) return give_up(found.thrown);
                                  keep_prompt(asked, index, std::move(*found.value), marks, known_);
                                });
        });
  }

  /// `marks` that led to the masks, for the names in them; `known`: the objects that are not new.
  void keep_prompt(const Asked& asked, std::int64_t index, MaskFrame masks, const std::vector<Mark>& marks,
                   const std::set<ObjectId>& known) {
    std::map<ObjectId, std::string> names;
    auto fresh = masks.ids.begin();
    for (const auto& mark : marks) {
      auto id = mark.object;
      if (id == 0) {
        while (fresh != masks.ids.end() && known.contains(*fresh)) ++fresh;
        if (fresh == masks.ids.end()) break;
        id = *fresh++;
      }
      if (!mark.name.empty()) names[id] = mark.name;
    }
    edit(
        asked,
        [index, masks = std::move(masks), names](Project& project) { return project.prompt(index, masks, names); },
        [this, asked, index](std::vector<ObjectId> ids) {
          const auto answer = [asked, ids = std::move(ids)] {
            wire::AnswerT answer;
            answer.objects = ids;
            asked.answer(std::move(answer));
          };
          if (quick_.size() >= most_goals) return answer();
          // Answered when the frame is made anew and sent.
          auto goal = goal_at(asked, index, "prompt");
          goal->done = answer;
          quick_.push_front(std::move(goal));
        });
  }

  void propagate(const Asked& asked, const wire::Propagate& propagate) {
    if (info_.live) refuse("a live source is followed as it comes", "Propagate", "play it");
    const auto from = frame_from(propagate.from(), info_, "Propagate.from");
    const auto to = propagate.to() < 0 ? info_.frames - 1 : frame_from(propagate.to(), info_, "Propagate.to");
    auto objects = objects_from(propagate.objects(), "Propagate.objects");
    const auto follow = [this, asked, from, to] {
      auto goal =
          std::make_shared<Goal>(Goal{.asked = asked, .at = from, .last = to, .first = from, .task = "propagate"});
      goal->done = [asked] { asked.answer(); };
      long_.push_back(std::move(goal));
    };
    if (quick_.size() + long_.size() >= most_goals)
      refuse("too much was asked for at once", "Propagate", "wait for an answer first", "busy");
    if (to >= from || to < 0) return follow();
    queue_edit([this, asked, from, to, objects = std::move(objects), follow] {
      edit(
          asked,
          [from, to, objects](Project& project) {
            project.propagate_back(from, to, objects);
            return 0;
          },
          [follow](int) { follow(); });
    });
  }

  void choose_model(const Asked& asked, std::string name, std::map<std::string, std::string> settings) {
    const auto& models = place_.options.models;
    const auto known = [&](const auto& model) { return model.name == name; };
    if (!models.empty() && std::none_of(models.begin(), models.end(), known)) {
      std::vector<std::string> names;
      for (const auto& model : models) names.push_back(model.name);
      refuse("there is no model '" + printable(name) + "'" + did_you_mean(name, names), "ChooseModel.name",
             "models: " + join(names, ", "), "no_model");
    }
    queue_simple(asked, [name = std::move(name), settings = std::move(settings)](Project& project) {
      project.choose_model(name, settings);
      return std::vector<ObjectId>{};
    });
  }

  std::deque<std::function<void()>> edits_;
  bool editing_ = false;  // one is under way, on the compute thread or beside

 private:
  std::vector<Asked> previews_;
};

}  // namespace vos::serve
