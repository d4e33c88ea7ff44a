// expects: constraints? (not satisfied|was not satisfied)|does not satisfy .Segmenter|no matching (function|constructor)
#include <memory>

#include <vos/segment/any.hpp>

// Its state cannot be copied, so a snapshot could not outlive the next push.
struct Unrepeatable {
  using State = std::unique_ptr<int>;
  void prompt(const vos::Frame&, const at::Tensor&) {}
  void remove(vos::ObjectId) {}
  vos::Results push(const vos::Frame&, const vos::Work&) { return {}; }
  vos::Results finish(const vos::Work&) { return {}; }
  void reset() {}
  State snapshot() const { return {}; }
  void restore(const State&) {}
  vos::Latency latency() const { return {}; }
};

vos::AnySegmenter refused{Unrepeatable{}};  // reject
