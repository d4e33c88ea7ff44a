#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/frame/frame.hpp>

namespace vos {

/// What one `push` or `finish` delivers: results in frame order, none, one or many.
///
/// An online model delivers exactly one a push, and then the list reads as that one:
/// `FrameResult result = segmenter.push(frame);`
class Results {
 public:
  Results() = default;
  Results(FrameResult only) { list_.push_back(std::move(only)); }  // NOLINT: a single result is a list of one
  explicit Results(std::vector<FrameResult> list) : list_(std::move(list)) {}

  /// The one result; an Error where the model delivers late.
  operator FrameResult() && {  // NOLINT: this conversion is the point of the class
    if (list_.size() != 1)
      throw Error({.what = "this call delivered " + std::to_string(list_.size()) + " results, not one",
                   .where = "Results, read as a single FrameResult",
                   .mend = "this model delivers late (see latency()): loop over the results of push() and finish()"});
    return std::move(list_.front());
  }

  auto begin() { return list_.begin(); }
  auto end() { return list_.end(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  FrameResult& operator[](std::size_t i) { return list_[i]; }
  const FrameResult& operator[](std::size_t i) const { return list_[i]; }
  void add(FrameResult result) { list_.push_back(std::move(result)); }

 private:
  std::vector<FrameResult> list_;
};

}  // namespace vos
