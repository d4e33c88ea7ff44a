#pragma once

#include <chrono>
#include <memory>
#include <unordered_set>
#include <utility>

namespace vos::serve {

using Clock = std::chrono::steady_clock;

/// Something open that is looked at several times a second, and cut where it takes too long. One clock for all of them costs
/// nothing where a timer for each would be set with every message.
class Watched {
 public:
  using All = std::unordered_set<Watched*>;

  explicit Watched(std::shared_ptr<All> all) : all_(std::move(all)) { all_->insert(this); }
  virtual ~Watched() { all_->erase(this); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  virtual void tick(Clock::time_point now) = 0;
  /// Ends it without a word.
  virtual void cut() = 0;

 private:
  std::shared_ptr<All> all_;
};

}  // namespace vos::serve
