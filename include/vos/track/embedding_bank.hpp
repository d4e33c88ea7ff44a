#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/choice.hpp>
#include <vos/error.hpp>
#include <vos/track/embedding_products.hpp>

namespace vos {

struct EmbeddingBankOptions {
  std::string update = "guided";
  double momentum = 0.2;
  bool warm = true;
  std::int64_t cache = 10;
  bool unit = true;

  void visit(auto&& field) {
    field("update", update, "how an object's look is remembered: momentum, guided or temporal");
    field("momentum", momentum, "share that a new embedding has in the memory, 0..1; of guided: at most");
    field(
        "warm", warm,
        "of momentum: the first embeddings have equal shares, the n-th at least 1/n; guided lowers it by the likeness");
    field("cache", cache, "embeddings that guided and temporal look back on");
    field("unit", unit, "embeddings count by their direction alone");
  }
};

/// Throws unless an embedding is as wide as those before it.
inline void expect_width(std::size_t given, std::size_t known) {
  if (given != known)
    throw Error(
        {.what = "an embedding of " + std::to_string(given) + " numbers among those of " + std::to_string(known),
         .where = "tracker",
         .mend = "one detector for a video; reset() between videos"});
}

/// Throws unless the options can be used.
inline void expect_usable(const EmbeddingBankOptions& options) {
  choice("update", options.update, {"momentum", "guided", "temporal"});
  if (!(options.momentum >= 0 && options.momentum <= 1) || options.cache < 1)
    throw Error({.what = "a momentum of " + std::to_string(options.momentum) + " and a cache of " +
                         std::to_string(options.cache),
                 .where = "the tracker's embedding bank",
                 .mend = "use a momentum from 0 to 1 and a cache of at least 1"});
}

/// What is remembered of one object's look: one embedding that follows it, and the last few that it follows by.
///
///   momentum  memory <- (1-β) memory + β new, with a fixed β
///   guided    the same with β times how much the new one looks like those in the cache (the mean cosine, none below 0): a
///             wrong association barely moves the memory (CTVIS, where β is 1)
///   temporal  the mean of the cache, later and surer ones weighing more (IDOL)
class EmbeddingBank {
 public:
  bool empty() const { return memory_.empty(); }
  std::span<const float> memory() const { return memory_; }

  void add(std::span<const float> embedding, double score, const EmbeddingBankOptions& options) {
    if (embedding.empty()) return;
    if (!empty()) expect_width(embedding.size(), memory_.size());
    std::vector<float> seen(embedding.begin(), embedding.end());
    if (options.unit) make_unit(seen);
    ++seen_;
    const double share = options.warm ? std::max(options.momentum, 1 / static_cast<double>(seen_)) : options.momentum;
    if (empty()) memory_ = seen;
    else if (options.update == "momentum") blend(seen, share);
    else if (options.update == "guided") blend(seen, share * likeness(seen, options.unit));
    if (options.update != "momentum") remember(seen, score, static_cast<std::size_t>(options.cache));
    if (options.update == "temporal") average();
    if (options.unit) make_unit(memory_);
  }

 private:
  void remember(std::span<const float> seen, double score, std::size_t most) {
    if (scores_.size() < most) {
      scores_.push_back(score);
      cache_.insert(cache_.end(), seen.begin(), seen.end());
      return;
    }
    scores_[oldest_] = score;
    std::copy(seen.begin(), seen.end(), cache_.begin() + static_cast<std::ptrdiff_t>(oldest_ * seen.size()));
    oldest_ = (oldest_ + 1) % most;
  }

  /// Where the embedding is that has `older` before it.
  std::size_t place(std::size_t older) const { return (oldest_ + older) % scores_.size(); }
  std::span<const float> cached(std::size_t place) const {
    return std::span{cache_}.subspan(place * memory_.size(), memory_.size());
  }

  void blend(std::span<const float> seen, double share) {
    const auto of_new = static_cast<float>(share), of_old = static_cast<float>(1 - share);
    for (std::size_t i = 0; i < seen.size(); ++i) memory_[i] = of_old * memory_[i] + of_new * seen[i];
  }

  double likeness(std::span<const float> seen, bool unit) const {
    const auto count = scores_.size();
    if (count == 0) return 1;
    auto cosines = all_dots(seen, cache_, seen.size());
    for (std::size_t i = 0; !unit && i < count; ++i) cosines[i] = cosine(seen, cached(i));
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += cosines[place(i)];
    return std::max(0.0, sum / static_cast<double>(count));
  }

  void average() {
    std::fill(memory_.begin(), memory_.end(), 0.0F);
    const auto count = scores_.size();
    const auto weight = [&](std::size_t i) {
      return scores_[place(i)] + static_cast<double>(i + 1) / static_cast<double>(count);
    };
    double weights = 0;
    for (std::size_t i = 0; i < count; ++i) weights += weight(i);
    for (std::size_t i = 0; i < count; ++i) {
      const auto share = static_cast<float>(weight(i) / weights);
      const auto embedding = cached(place(i));
      for (std::size_t k = 0; k < memory_.size(); ++k) memory_[k] += share * embedding[k];
    }
  }

  std::vector<float> memory_;
  std::vector<float> cache_;    // the last embeddings, one after another, the newest in place of the oldest
  std::vector<double> scores_;  // of those
  std::size_t oldest_ = 0;
  std::int64_t seen_ = 0;
};

}  // namespace vos
