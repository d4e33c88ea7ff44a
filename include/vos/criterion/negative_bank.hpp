#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <vos/core/choice.hpp>
#include <vos/core/shape.hpp>

namespace vos {

/// Embeddings of earlier batches' objects, newest first, as further negatives: more of them than one batch has. Bounded,
/// without gradients; a value, so that copies do not share what is added later.
///
/// An embedding that is not of numbers, or of such that products of them would not be, is kept as zeros of nobody's: a step
/// that went wrong must not spoil those that follow. Its place is not given away, since that would make the host wait.
class NegativeBank {
 public:
  static constexpr auto nobody = std::numeric_limits<std::int64_t>::min();  ///< no video; an entry that is no negative

  explicit NegativeBank(std::int64_t capacity = 1024) : capacity_(capacity) {
    expect_within("bank", static_cast<double>(capacity), 0);
  }

  std::int64_t size() const { return embeddings_.defined() ? embeddings_.size(0) : 0; }
  const at::Tensor& embeddings() const { return embeddings_; }  ///< [size,E]; undefined while empty
  const at::Tensor& videos() const { return videos_; }          ///< [size] int64: whose objects they are, or nobody's

  /// Takes the place of what it holds, as another bank had it.
  void restore(at::Tensor embeddings, at::Tensor videos) {
    expect_shape(embeddings, {any_size, any_size}, "embeddings [n,E]");
    expect_shape(videos, {embeddings.size(0)}, "videos [n]");
    embeddings_ = std::move(embeddings), videos_ = std::move(videos);
  }

  /// [A,size] bool: which of them are of other videos than these [A,1] and so negatives.
  at::Tensor foreign_to(const at::Tensor& videos) const {
    const auto all = videos_.to(videos.device());
    return videos.ne(all).logical_and(all.ne(nobody));
  }

  /// Adds embeddings [n,E] of objects in `videos` [n]; the oldest make way.
  void push(const at::Tensor& embeddings, const at::Tensor& videos) {
    expect_shape(embeddings, {any_size, any_size}, "embeddings [n,E]");
    expect_shape(videos, {embeddings.size(0)}, "videos [n]");
    constexpr double largest = 65504;  // of fp16: the square of it is far from the end of fp32
    const auto spoilt = embeddings.detach().abs().le(largest).all(1).logical_not();  // [n]
    const auto add = [&](at::Tensor& all, const at::Tensor& fresh) {
      const auto joined = all.defined() ? at::cat({fresh, all.to(fresh.device())}) : fresh;
      all = joined.narrow(0, 0, std::min(capacity_, joined.size(0))).clone();
    };
    add(embeddings_, embeddings.detach().masked_fill(spoilt.unsqueeze(1), 0));
    add(videos_, videos.masked_fill(spoilt, nobody));
  }

 private:
  std::int64_t capacity_;
  at::Tensor embeddings_, videos_;
};

}  // namespace vos
