#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include <vos/core/random.hpp>
#include <vos/core/shape.hpp>
#include <vos/error.hpp>

namespace vos {

struct QueryMemoryOptions {
  /// Frames that are kept: the last half, and a uniform choice of those before; and beside them, for each slot, the first
  /// frame in which it was alive. 0 keeps all, as the official code does.
  std::int64_t frames = 64;
  std::int64_t gradients = 8;  ///< gradients reach this many frames back
};

/// What slots were in earlier frames. Slot n reads what slot n wrote, no other: this steadies an object and cannot mend a
/// wrong one. A copy is a snapshot: what is stored is never written to again.
class QueryMemory {
 public:
  explicit QueryMemory(QueryMemoryOptions options = {}) : options_(options) {
    if (options.frames < 0 || options.gradients < 0)
      throw Error({.what = "a memory of " + std::to_string(options.frames) + " frames with gradients from " +
                           std::to_string(options.gradients),
                   .where = "options of QueryMemory",
                   .mend = "0 frames keep all of them; none may be negative",
                   .exit_code = exit_code::usage});
  }

  const QueryMemoryOptions& options() const { return options_; }

  bool empty() const { return entries_.empty(); }

  /// The frames that are kept, in order; anchors not counted.
  std::vector<std::int64_t> frames() const {
    std::vector<std::int64_t> frames;
    for (const auto& entry : entries_) frames.push_back(entry.frame);
    return frames;
  }

  /// keys and values [B,Q,C] of a frame, which comes after all others. `alive` bool [B,Q] or [Q], undefined where all are.
  void add(const at::Tensor& keys, const at::Tensor& values, std::int64_t frame, const at::Tensor& alive = {}) {
    expect_shape(keys, {any_size, any_size, any_size}, "keys [B,Q,C]");
    expect_shape(values, {keys.size(0), keys.size(1), any_size}, "values [B,Q,C]");
    if (!entries_.empty()) {
      expect_shape(keys, {entries_.back().keys.size(0), entries_.back().keys.size(1), entries_.back().keys.size(2)},
                   "keys [B,Q,C] of a memory in use");
      if (frame <= entries_.back().frame)
        throw Error(
            {.what = "frame " + std::to_string(frame) + " comes after frame " + std::to_string(entries_.back().frame),
             .where = "QueryMemory",
             .mend = "frame numbers rise"});
    }
    entries_.push_back({frame, keys, values, {}});
    for (auto& entry : entries_)
      if (entry.frame <= frame - options_.gradients)
        entry.keys = entry.keys.detach(), entry.values = entry.values.detach();
    if (options_.frames == 0) return;
    anchor(entries_.back(), alive);
    if (static_cast<std::int64_t>(entries_.size()) > options_.frames) forget_one();
  }

  /// What slots remember when they ask with `queries` [B,Q,C]: values [B,Q,C], zero where a slot has none. Scores are
  /// dot products without a scale, so they are summed and compared in float32.
  at::Tensor read(const at::Tensor& queries) const {
    expect_shape(queries, {any_size, any_size, any_size}, "queries [B,Q,C]");
    if (entries_.empty()) return at::zeros_like(queries);
    std::vector<at::Tensor> keys, values, seen;
    const auto take = [&](const Entry& entry) {
      keys.push_back(entry.keys), values.push_back(entry.values);
      seen.push_back(entry.seen);
    };
    if (anchor_.seen.defined()) take(anchor_);
    std::for_each(entries_.begin(), entries_.end(), take);
    const auto wide = [](const at::Tensor& x) { return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat); };
    // Products and a sum rather than a matrix product, which autocast would take back to half precision.
    auto scores = (at::stack(keys, 2) * wide(queries).unsqueeze(2)).sum(3);  // [B,Q,M,C] -> [B,Q,M]
    at::Tensor weights;
    if (std::any_of(seen.begin(), seen.end(), [](const at::Tensor& each) { return each.defined(); })) {
      for (auto& each : seen)
        if (!each.defined()) each = at::ones_like(scores.select(2, 0), at::kBool);
      const auto open = at::stack(seen, 2);  // [B,Q,M]
      // The lowest number rather than -inf, so that a slot with nothing to read gets zeros and not NaN.
      scores = scores.masked_fill(open.logical_not(), std::numeric_limits<float>::lowest());
      weights = scores.softmax(2) * open;
    } else {
      weights = scores.softmax(2);
    }
    return weights.unsqueeze(2).matmul(wide(at::stack(values, 2))).squeeze(2).to(queries.scalar_type());
  }

  /// These slots begin anew: what they wrote is forgotten.
  void reset(std::span<const std::int64_t> slots) {
    if (entries_.empty() || slots.empty()) return;
    const auto& like = entries_.back().keys;
    auto keep = at::ones({1, like.size(1)}, at::kBool);
    for (const auto slot : slots) {
      if (slot < 0 || slot >= like.size(1))
        throw Error({.what = "there is no slot " + std::to_string(slot),
                     .where = "QueryMemory, reset()",
                     .mend = "slots are 0 to " + std::to_string(like.size(1) - 1)});
      keep[0][slot] = false;
    }
    keep = keep.to(like.device()).expand({like.size(0), -1});  // [B,Q]
    for (auto& entry : entries_) entry.seen = entry.seen.defined() ? entry.seen.logical_and(keep) : keep;
    if (anchor_.seen.defined()) anchor_.seen = anchor_.seen.logical_and(keep);
    if (anchored_.defined()) anchored_ = anchored_.where(keep, at::full_like(anchored_, none));
  }

  /// Everything is forgotten.
  void clear() { *this = QueryMemory(options_); }

 private:
  struct Entry {
    std::int64_t frame = 0;
    at::Tensor keys, values;  // [B,Q,C]
    at::Tensor seen;          // bool [B,Q]: the slots that may read it; undefined: all
  };

  /// The first frame in which a slot is alive is its anchor. It is read once the frame itself is dropped: not twice.
  void anchor(const Entry& entry, const at::Tensor& alive) {
    if (!anchored_.defined()) {
      anchored_ = at::full({entry.keys.size(0), entry.keys.size(1)}, none,
                           at::TensorOptions().dtype(at::kLong).device(entry.keys.device()));
      anchor_.keys = at::zeros_like(entry.keys), anchor_.values = at::zeros_like(entry.values);
    }
    auto first = anchored_.eq(none);
    if (alive.defined()) first = first.logical_and(alive);
    const auto where = first.unsqueeze(2);  // [B,Q,1]
    anchored_ = anchored_.masked_fill(first, entry.frame);
    anchor_.keys = at::where(where, entry.keys.detach(), anchor_.keys);
    anchor_.values = at::where(where, entry.values.detach(), anchor_.values);
  }

  /// Of the frames before the last half the one with the largest hash goes. What stays are the smallest hashes of all that
  /// there were: a uniform choice that depends on nothing but the frames.
  void forget_one() {
    const auto hash = [](const Entry& entry) { return scramble(static_cast<std::uint64_t>(entry.frame)); };
    const auto recent = options_.frames - options_.frames / 2;
    const auto gone = std::max_element(entries_.begin(), entries_.end() - recent,
                                       [&](const Entry& a, const Entry& b) { return hash(a) < hash(b); });
    const auto orphans = anchored_.eq(gone->frame);
    anchor_.seen = anchor_.seen.defined() ? anchor_.seen.logical_or(orphans) : orphans;
    entries_.erase(gone);
  }

  static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::min();

  QueryMemoryOptions options_;
  std::vector<Entry> entries_;  // in the order of frames
  Entry anchor_;                // of many frames: each slot's first
  at::Tensor anchored_;         // int64 [B,Q] the frame of a slot's anchor, or none
};

}  // namespace vos
