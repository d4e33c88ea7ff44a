#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/wire/mask_rows.hpp>

namespace vos {

/// The highest id that a person's object has. A project gives the model those above it (identities.hpp).
inline constexpr ObjectId most_object_id = (1 << 30) - 1;
/// Edits that a project takes.
inline constexpr std::size_t most_edits = 100'000;

/// What a person does to a project, as values: nothing in them depends on what was computed when they were made.
namespace edit {

/// Objects look like this in a frame. An object whose mask is empty is not there from this frame on, until it is named again.
struct Prompt {
  std::int64_t index = 0;
  MaskFrame masks = {};
  std::map<ObjectId, std::string> names = {};
  bool operator==(const Prompt&) const = default;
};

/// The object is shown nowhere. The model follows it unseen up to frame `told`, so that results before it stay as they are.
struct Remove {
  ObjectId object = 0;
  std::int64_t told = 0;
  bool operator==(const Remove&) const = default;
};

struct Rename {
  ObjectId object = 0;
  std::string name = {};
  std::int32_t category = -1;
  std::uint32_t colour = 0;
  bool operator==(const Rename&) const = default;
};

struct Merge {
  ObjectId from = 0, into = 0;
  bool operator==(const Merge&) const = default;
};

/// From frame `index` on, `object` is called `other`.
struct Split {
  ObjectId object = 0;
  std::int64_t index = 0;
  ObjectId other = 0;
  bool operator==(const Split&) const = default;
};

/// `objects` are followed from frame `from` backwards to `to`.
struct PropagateBack {
  std::int64_t from = 0, to = 0;
  std::vector<ObjectId> objects = {};
  bool operator==(const PropagateBack&) const = default;
};

struct ChooseModel {
  std::string name = {};
  std::map<std::string, std::string> settings = {};
  bool operator==(const ChooseModel&) const = default;
};

}  // namespace edit

using Edit = std::variant<edit::Prompt, edit::Remove, edit::Rename, edit::Merge, edit::Split, edit::PropagateBack,
                          edit::ChooseModel>;

/// The edits in the order in which they were made, and those that were taken back. A copy shares the edits themselves.
class EditList {
 public:
  using Shared = std::shared_ptr<const Edit>;

  std::span<const Shared> done() const { return {edits_.data(), done_}; }
  std::span<const Shared> undone() const { return std::span{edits_}.subspan(done_); }

  /// What was taken back before can be made again no more.
  void add(Edit edit) {
    edits_.resize(done_);
    edits_.push_back(std::make_shared<const Edit>(std::move(edit)));
    done_ = edits_.size();
  }
  /// False: there is none.
  bool undo() {
    if (done_ == 0) return false;
    --done_;
    return true;
  }
  bool redo() {
    if (done_ == edits_.size()) return false;
    ++done_;
    return true;
  }

 private:
  std::vector<Shared> edits_;
  std::size_t done_ = 0;
};

}  // namespace vos
