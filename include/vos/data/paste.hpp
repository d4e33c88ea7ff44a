#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <vos/data/transform/sizes.hpp>

namespace vos {

/// Who is in front where pasted objects meet those that were there.
enum class PasteOrder : std::uint8_t {
  pasted_in_front,  ///< AOT
  random,           ///< drawn for each object, the same in all frames
};

struct PasteOptions {
  PasteOrder order = PasteOrder::random;
  std::int64_t least_area = 100;  ///< objects of no more than this many pixels in the first frame are dropped
  std::int64_t most_objects = 10;
};

/// The masks of a sample [G,T,H,W], from its label maps where it has no others.
inline at::Tensor masks_of(const Sample& sample) {
  if (sample.masks.defined()) return sample.masks;
  std::vector<at::Tensor> masks;
  for (const auto id : sample.ids) masks.push_back(at::eq(sample.labels, id));
  if (masks.empty()) return at::zeros({0, length_of(sample), sample.frames.size(1), sample.frames.size(2)}, at::kBool);
  return at::stack(masks);
}

/// The label maps of a sample [T,H,W], from its masks where it has none: where they overlap, the later object.
inline at::Tensor labels_of(const Sample& sample) {
  if (sample.labels.defined()) return sample.labels;
  auto labels = at::zeros({length_of(sample), sample.frames.size(1), sample.frames.size(2)}, at::kInt);
  if (!sample.masks.defined()) return labels;
  const auto masks = sample.masks.contiguous();
  const auto* mask = masks.const_data_ptr<bool>();
  auto* to = labels.mutable_data_ptr<std::int32_t>();
  for (const auto id : sample.ids)
    for (std::int64_t i = 0; i < labels.numel(); ++i, ++mask)
      if (*mask) to[i] = id;
  return labels;
}

/// `base` with the objects of `donor` pasted into it, frame by frame, at the places that they have. What lies behind
/// loses its pixels; objects that show too little in the first frame are dropped, of too many a random choice is kept,
/// and all are numbered anew from 1, those of `base` first; both must number their categories alike. The donor is resized
/// to the base's size, and must be as long; frames are labelled where both are.
inline Sample pasted(Sample base, Sample donor, const PasteOptions& options, CounterRandom& random) {
  if (length_of(base) != length_of(donor))
    throw Error({.what = "a clip of " + std::to_string(length_of(donor)) + " frames cannot be pasted into one of " +
                         std::to_string(length_of(base)),
                 .where = donor.name + " into " + base.name,
                 .mend = "sample both with the same clip length"});
  if (size_of(base) != size_of(donor))
    donor = detail::resized(std::move(donor), size_of(base), ResizeKernel::pillow_linear);
  const bool exclusive = base.labels.defined() && donor.labels.defined();
  const auto old = base.ids.size();
  std::vector<double> nearness(old + donor.ids.size());
  for (std::size_t i = 0; i < nearness.size(); ++i)
    nearness[i] = random.uniform() + (options.order == PasteOrder::pasted_in_front && i >= old ? 1 : 0);

  // An object of the donor shows where no nearer object of the base lies.
  const auto there = masks_of(base), coming = masks_of(donor);
  std::vector<at::Tensor> shown;
  auto any = at::zeros({length_of(base), base.frames.size(1), base.frames.size(2)}, at::kBool);
  for (std::size_t d = 0; d < donor.ids.size(); ++d) {
    auto mask = coming[static_cast<std::int64_t>(d)].clone();
    for (std::size_t b = 0; b < old; ++b)
      if (nearness[b] > nearness[old + d]) mask.logical_and_(there[static_cast<std::int64_t>(b)].logical_not());
    any.logical_or_(mask);
    shown.push_back(mask);
  }
  auto masks = there.logical_and(any.logical_not());
  if (!shown.empty()) masks = at::cat({masks, at::stack(shown)});

  Sample made{.name = base.name, .frames = at::where(any.unsqueeze(-1), donor.frames, base.frames), .masks = masks};
  made.categories = base.categories;
  made.categories.insert(made.categories.end(), donor.categories.begin(), donor.categories.end());
  for (std::size_t i = 0; i < made.categories.size(); ++i) made.ids.push_back(static_cast<ObjectId>(i + 1));

  made.labelled = std::move(base.labelled);
  if (made.labelled.empty()) made.labelled = std::move(donor.labelled);
  else
    for (std::size_t t = 0; t < donor.labelled.size(); ++t) made.labelled[t] = made.labelled[t] && donor.labelled[t];

  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < made.ids.size(); ++i)
    if (masks[static_cast<std::int64_t>(i)][0].sum().item<std::int64_t>() > options.least_area) kept.push_back(i);
  while (static_cast<std::int64_t>(kept.size()) > options.most_objects)
    kept.erase(kept.begin() + random.below(static_cast<std::int64_t>(kept.size())));
  made = renumbered(std::move(made), kept);
  if (exclusive) {
    made.labels = labels_of(made);
    made.masks = at::Tensor{};
  }
  return made;
}

struct PastingOptions {
  double probability = 0.3;  ///< a sample without objects is always pasted into
  PasteOptions paste = {};
};

/// A dataset whose samples get objects of another sample of it now and then: AOT's dynamic merge.
template <Dataset Inner>
class PastingDataset {
 public:
  explicit PastingDataset(Inner inner, PastingOptions options = {}) : inner_(std::move(inner)), options_(options) {}

  std::int64_t size() const { return inner_.size(); }

  Sample operator()(const SampleKey& key) const {
    CounterRandom random{key.seed, static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.index),
                         0x9A57E};
    auto sample = inner_(key);
    const bool yes = random.uniform() < options_.probability;
    if (size() < 2 || !(yes || sample.ids.empty())) return sample;
    auto partner = key;
    partner.index = random.below(size() - 1);
    if (partner.index >= key.index) ++partner.index;
    return pasted(std::move(sample), inner_(partner), options_.paste, random);
  }

 private:
  Inner inner_;
  PastingOptions options_;
};

}  // namespace vos
