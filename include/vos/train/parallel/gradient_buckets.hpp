#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <vos/train/parallel/group.hpp>

namespace vos {

/// Averages gradients over the processes of a group while backward still computes others.
///
/// Parameters lie in buckets, the last ones of the module first, as backward comes to them. A bucket is sent as soon as its
/// gradients are there and all buckets before it are under way, so that all processes send in one order. What a process does not
/// use counts as zeros; what no process uses keeps no gradient, and is not waited for in the next step. A gradient that grows
/// after it was sent (a parameter that is used twice under recomputation, or again after a step without it) is found by all
/// processes together, and its bucket sent once more.
///
/// Which numbers are added in which place of which bucket depends on the parameters alone, so sums are the same in a run that
/// was resumed.
class GradientBuckets {
 public:
  /// Parameters as the module has them, each once; a bucket holds about so many bytes.
  GradientBuckets(Group& group, std::vector<at::Tensor> parameters, std::int64_t bytes)
      : group_(group),
        parameters_(std::move(parameters)),
        ready_(parameters_.size()),
        awaited_(parameters_.size(), true) {
    place_.resize(parameters_.size());
    for (auto i = parameters_.size(); i-- > 0;) {
      const auto& parameter = parameters_[i];
      const auto size = parameter.numel() * static_cast<std::int64_t>(parameter.element_size());
      if (buckets_.empty() || (buckets_.back().bytes > 0 && buckets_.back().bytes + size > bytes) ||
          parameter.scalar_type() != parameters_[buckets_.back().members[0]].scalar_type() ||
          parameter.device() != parameters_[buckets_.back().members[0]].device())
        buckets_.emplace_back();
      buckets_.back().members.push_back(i);
      buckets_.back().bytes += size;
      place_[i] = buckets_.size() - 1;
    }
    for (auto& bucket : buckets_) {
      std::int64_t numbers = 0;
      for (const auto i : bucket.members) numbers += parameters_[i].numel();
      const auto& first = parameters_[bucket.members[0]];
      bucket.flat =
          at::empty({numbers}, first.options().requires_grad(false).device(group.exchange_device(first.device())));
      std::int64_t begin = 0;
      for (const auto i : bucket.members) {
        bucket.views.push_back(bucket.flat.narrow(0, begin, parameters_[i].numel()).view(parameters_[i].sizes()));
        begin += parameters_[i].numel();
      }
    }
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      torch::autograd::impl::set_post_acc_grad_hooks(parameters_[i], std::make_unique<Hook>(*this, i));
  }
  ~GradientBuckets() {
    for (const auto& parameter : parameters_) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  }
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  std::size_t size() const { return buckets_.size(); }

  /// Before the backward pass after which the gradients are to be averaged: where a step takes several, the last one.
  void begin() {
    next_ = 0;
    ready_.assign(parameters_.size(), false);
    for (auto& bucket : buckets_) {
      bucket.grown = false;
      bucket.missing = 0;
      for (const auto i : bucket.members) bucket.missing += awaited_[i] ? 1 : 0;
    }
    armed_ = true;
  }

  /// After it: all gradients are means over the processes.
  void finish() {
    armed_ = false;
    while (next_ < buckets_.size()) send(buckets_[next_++]);
    for (auto& bucket : buckets_) bucket.pending->wait();
    // Who has used what, and which buckets have to be sent again.
    std::vector<double> told;
    for (const auto& parameter : parameters_) told.push_back(parameter.grad().defined() ? 1 : 0);
    for (const auto& bucket : buckets_) told.push_back(bucket.grown ? 1 : 0);
    sum(group_, told);
    for (std::size_t b = 0; b < buckets_.size(); ++b)
      if (told[parameters_.size() + b] > 0) send(buckets_[b]), buckets_[b].pending->wait();
    const at::NoGradGuard no_grad;
    const auto world = static_cast<double>(group_.ranks().world);
    for (auto& bucket : buckets_) {
      bucket.flat.div_(world);
      std::vector<at::Tensor> gradients, means;
      for (std::size_t m = 0; m < bucket.members.size(); ++m) {
        const auto i = bucket.members[m];
        awaited_[i] = told[i] > 0;
        if (!awaited_[i]) continue;
        auto& gradient = parameters_[i].mutable_grad();
        if (!gradient.defined()) gradient = at::empty_like(parameters_[i]);
        gradients.push_back(gradient);
        means.push_back(bucket.views[m]);
      }
      if (!gradients.empty()) at::_foreach_copy_(gradients, means);
      bucket.pending.reset();
    }
  }

 private:
  struct Bucket {
    std::vector<std::size_t> members = {};
    std::vector<at::Tensor> views = {};  // of `flat`, one a member
    at::Tensor flat = {};
    std::int64_t bytes = 0, missing = 0;
    bool grown = false;
    std::unique_ptr<Group::Pending> pending = {};
  };

  struct Hook final : torch::autograd::PostAccumulateGradHook {
    Hook(GradientBuckets& owner, std::size_t number) : owner(owner), number(number) {}
    void operator()(const at::Tensor&) override { owner.arrived(number); }
    GradientBuckets& owner;
    std::size_t number;
  };

  void arrived(std::size_t i) {
    if (!armed_) return;
    auto& bucket = buckets_[place_[i]];
    if (place_[i] < next_) {
      bucket.grown = true;
      return;
    }
    if (!ready_[i] && awaited_[i]) --bucket.missing;
    ready_[i] = true;
    while (next_ < buckets_.size() && buckets_[next_].missing == 0) send(buckets_[next_++]);
  }

  void send(Bucket& bucket) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients, views;
    for (std::size_t m = 0; m < bucket.members.size(); ++m) {
      const auto& gradient = parameters_[bucket.members[m]].grad();
      if (gradient.defined()) gradients.push_back(gradient), views.push_back(bucket.views[m]);
      else bucket.views[m].zero_();
    }
    if (!gradients.empty()) at::_foreach_copy_(views, gradients);
    bucket.pending = group_.start_sum(bucket.flat);
  }

  Group& group_;
  std::vector<at::Tensor> parameters_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> place_;  // of each parameter: its bucket
  std::vector<bool> ready_,
      awaited_;           // of each parameter: its gradient is there; some process used it in the last step
  std::size_t next_ = 0;  // bucket to be sent
  bool armed_ = false;
};

}  // namespace vos
