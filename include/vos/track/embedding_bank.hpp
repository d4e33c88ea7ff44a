#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
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
inline void check(const EmbeddingBankOptions& options) {
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
    if (options.update != "momentum") {
      cache_.push_back({score, std::move(seen)});
      if (cache_.size() > static_cast<std::size_t>(options.cache)) cache_.pop_front();
    }
    if (options.update == "temporal") average();
    if (options.unit) make_unit(memory_);
  }

 private:
  struct Entry {
    double score;
    std::vector<float> embedding;
  };

  void blend(std::span<const float> seen, double share) {
    const auto of_new = static_cast<float>(share), of_old = static_cast<float>(1 - share);
    for (std::size_t i = 0; i < seen.size(); ++i) memory_[i] = of_old * memory_[i] + of_new * seen[i];
  }

  double likeness(std::span<const float> seen, bool unit) const {
    double sum = 0;
    for (const auto& entry : cache_) sum += unit ? dot(seen, entry.embedding) : cosine(seen, entry.embedding);
    return cache_.empty() ? 1 : std::max(0.0, sum / static_cast<double>(cache_.size()));
  }

  void average() {
    std::fill(memory_.begin(), memory_.end(), 0.0F);
    double weights = 0;
    for (std::size_t i = 0; i < cache_.size(); ++i)
      weights += cache_[i].score + static_cast<double>(i + 1) / static_cast<double>(cache_.size());
    for (std::size_t i = 0; i < cache_.size(); ++i) {
      const double weight = cache_[i].score + static_cast<double>(i + 1) / static_cast<double>(cache_.size());
      const auto share = static_cast<float>(weight / weights);
      for (std::size_t k = 0; k < memory_.size(); ++k) memory_[k] += share * cache_[i].embedding[k];
    }
  }

  std::vector<float> memory_;
  std::deque<Entry> cache_;
  std::int64_t seen_ = 0;
};

}  // namespace vos
