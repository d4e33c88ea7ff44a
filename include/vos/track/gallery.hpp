#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/track/bisoftmax.hpp>
#include <vos/track/embedding_products.hpp>

namespace vos {

struct GalleryOptions {
  std::int64_t size = 256;
  std::int64_t memory = 300;
  double cosine = 0.6;
  double agreement = 0.5;
  double margin = 0.1;
  double sharpness = 10;

  void visit(auto&& field) {
    field("size", size, "identities of dead tracks that are remembered; 0: none");
    field("memory", memory, "for how many frames");
    field("cosine", cosine, "least cosine with a dead track for its return");
    field("agreement", agreement, "least agreement of their classes, 0..1");
    field("margin", margin, "by how much the best identity must beat the next");
    field("sharpness", sharpness, "what cosines are multiplied by before a softmax");
  }
};

/// Agreement of two class distributions (Bhattacharyya): 1 for equal ones, 0 where they exclude each other. 1 too where one is
/// not known.
inline double class_agreement(std::span<const float> a, std::span<const float> b) {
  if (a.empty() || a.size() != b.size()) return 1;
  double sum = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::sqrt(static_cast<double>(a[i]) * b[i]), of_a += a[i], of_b += b[i];
  return of_a > 0 && of_b > 0 ? sum / std::sqrt(of_a * of_b) : 1;
}

/// Tracks that died, in case their objects come back. Bounded: the one that was retired first makes room.
class Gallery {
 public:
  struct Identity {
    ObjectId id = 0;
    std::vector<float> embedding = {}, classes = {};
    std::int64_t retired = 0;  ///< the frame's number
    std::int64_t begun = 0;    ///< when it was first born: the higher the younger
  };
  struct Newborn {
    std::span<const float> embedding, classes;
  };

  std::size_t size() const { return identities_.size(); }
  bool contains(ObjectId id) const {
    return std::any_of(identities_.begin(), identities_.end(), [&](const auto& each) { return each.id == id; });
  }

  void retire(Identity identity, const GalleryOptions& options) {
    if (identity.embedding.empty() || options.size < 1) return;
    identities_.push_back(std::move(identity));
    while (identities_.size() > static_cast<std::size_t>(options.size)) identities_.pop_front();
  }

  bool forget(ObjectId id) {
    return std::erase_if(identities_, [&](const Identity& each) { return each.id == id; }) > 0;
  }

  void forget_older(std::int64_t frame, const GalleryOptions& options) {
    while (!identities_.empty() && frame - identities_.front().retired > options.memory) identities_.pop_front();
  }

  /// Which identities come back as which newborns: one for each, with the id 0 where none does. Recalled ones leave the
  /// gallery.
  ///
  /// A wrong merge costs more than a split when both objects live long, so three things must agree: the cosine, the classes,
  /// and a margin, which look-alikes do not have, over the second best identity and over every other newborn. Where classes
  /// exclude each other there is no rival.
  std::vector<Identity> recall(std::span<const Newborn> newborns, const GalleryOptions& options) {
    std::vector<Identity> recalled(newborns.size());
    if (identities_.empty() || newborns.empty()) return recalled;
    const auto columns = identities_.size();
    std::vector<float> cosines(newborns.size() * columns);
    for (std::size_t i = 0; i < newborns.size(); ++i)
      for (std::size_t j = 0; j < columns; ++j)
        if (newborns[i].embedding.size() == identities_[j].embedding.size())
          cosines[i * columns + j] = cosine(newborns[i].embedding, identities_[j].embedding);
    auto scores = cosines;
    for (auto& score : scores) score *= static_cast<float>(options.sharpness);
    bisoftmax(scores, newborns.size(), columns);

    for (std::size_t i = 0; i < newborns.size(); ++i)
      for (std::size_t j = 0; j < columns; ++j)
        if (class_agreement(newborns[i].classes, identities_[j].classes) < options.agreement)
          scores[i * columns + j] = -1;

    std::vector<ObjectId> returned;
    for (std::size_t i = 0; i < newborns.size(); ++i) {
      const auto line = std::span{scores}.subspan(i * columns, columns);
      const auto best = static_cast<std::size_t>(std::max_element(line.begin(), line.end()) - line.begin());
      float rival = 0;
      for (std::size_t j = 0; j < columns; ++j)
        if (j != best) rival = std::max(rival, line[j]);
      for (std::size_t k = 0; k < newborns.size(); ++k)
        if (k != i) rival = std::max(rival, scores[k * columns + best]);
      if (line[best] - rival < options.margin || cosines[i * columns + best] < options.cosine) continue;
      recalled[i] = identities_[best];
      returned.push_back(recalled[i].id);
    }
    for (const auto id : returned) forget(id);
    return recalled;
  }

 private:
  std::deque<Identity> identities_;  // the first retired in front
};

}  // namespace vos
