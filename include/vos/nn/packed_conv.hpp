#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include <torch/nn/modules/conv.h>

namespace vos {

/// What a convolution's result goes through in the pass that writes it.
enum class After : std::uint8_t { nothing, relu };

namespace detail {

/// An operator that LibTorch registers where it was built with oneDNN, and that no header declares; nullptr where it was not.
inline const c10::OperatorHandle* onednn_operator(const char* name, const char* overload) {
  static std::mutex mutex;
  static std::vector<std::pair<c10::OperatorName, std::unique_ptr<c10::OperatorHandle>>> known;
  const std::scoped_lock lock(mutex);
  const c10::OperatorName wanted{name, overload};
  for (const auto& [each, handle] : known)
    if (each == wanted) return handle.get();
  auto found = c10::Dispatcher::singleton().findSchema(wanted);
  known.emplace_back(wanted, found ? std::make_unique<c10::OperatorHandle>(*found) : nullptr);
  return known.back().second.get();
}

template <class... Values>
at::Tensor call_operator(const c10::OperatorHandle& op, Values&&... values) {
  torch::jit::Stack stack{c10::IValue(std::forward<Values>(values))...};
  op.callBoxed(stack);
  return stack.front().toTensor();
}

/// Whether this processor multiplies bfloat16. Without, oneDNN takes three times as long as for float32.
inline bool computes_in_bf16() {
#if defined(__x86_64__)
  static const bool can = __builtin_cpu_supports("avx512bf16") != 0;
  return can;
#elif defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long bf16_instructions = 1UL << 14;  // HWCAP2_BF16
  static const bool can = (::getauxval(AT_HWCAP2) & bf16_instructions) != 0;
  return can;
#else
  return false;  // float32 is right everywhere
#endif
}

}  // namespace detail

/// A convolution on the CPU where nothing is differentiated. LibTorch reorders a filter for oneDNN at every call; here the
/// reordered one is kept, as long as filter and picture size stay (two sizes in turn gain nothing), and bias, ReLU and a sum happen in the pass that writes the
/// result. It comes out channels-last. bfloat16 is computed in float32 where the processor knows no better.
///
/// Everywhere else the plain operators do the same.
class PackedConv {
 public:
  /// conv(x), [N,C,H,W] -> [N,D,h,w]
  at::Tensor operator()(torch::nn::Conv2dImpl& conv, const at::Tensor& x, After after = After::nothing) const {
    return run(of(conv), x, after);
  }

  /// The same for a filter [D,C,k,k] with odd k, stride 1 and no bias, padded so that the size stays.
  at::Tensor operator()(const at::Tensor& filter, const at::Tensor& x, After after = After::nothing) const {
    return run({filter, {}, {1, 1}, {filter.size(2) / 2, filter.size(3) / 2}, {1, 1}, 1}, x, after);
  }

  /// relu(conv(x) + onto). `onto` [N,D,h,w] is overwritten where that saves memory: nobody else may need it.
  at::Tensor add_relu(torch::nn::Conv2dImpl& conv, const at::Tensor& x, at::Tensor onto) const {
    const auto call = of(conv);
    const auto* fused = detail::onednn_operator("mkldnn::_convolution_pointwise_", "binary");
    if (fused == nullptr || !packable(call, x) || onto.scalar_type() != x.scalar_type() ||
        !onto.is_contiguous(at::MemoryFormat::ChannelsLast))
      return run(call, x, After::nothing).add_(onto).relu_();
    const auto type = working_type(x);
    return detail::call_operator(*fused, onto.to(type), x.to(type), packed(call, x), bias(call, type), call.padding,
                                 call.stride, call.dilation, call.groups, "add", 1.0, "relu", no_scalars(),
                                 c10::IValue())
        .to(x.scalar_type());
  }

 private:
  using Numbers = std::vector<std::int64_t>;

  struct Call {
    at::Tensor filter, bias;
    Numbers stride, padding, dilation;
    std::int64_t groups;
  };

  struct Kept {
    std::mutex mutex;   // sessions may share a network
    at::Tensor source;  // the filter as it was: held, so that no other comes to lie at its address
    std::uint32_t version = 0;
    at::ScalarType type = at::kFloat;
    Numbers sizes;      // of the picture
    at::Tensor filter;  // reordered
  };

  static Call of(torch::nn::Conv2dImpl& conv) {
    const auto& o = conv.options;
    const auto numbers = [](const auto& pair) { return Numbers(pair->begin(), pair->end()); };
    const auto* padding = std::get_if<torch::ExpandingArray<2>>(&o.padding());
    return {conv.weight,           conv.bias, numbers(o.stride()), padding != nullptr ? numbers(*padding) : Numbers{},
            numbers(o.dilation()), o.groups()};
  }

  static at::Tensor run_plain(const Call& call, const at::Tensor& x, After after) {
    auto y = at::conv2d(x, call.filter, call.bias, call.stride, call.padding, call.dilation, call.groups);
    return after == After::relu ? y.relu_() : y;
  }

  at::Tensor run(const Call& call, const at::Tensor& x, After after) const {
    const auto* fused = detail::onednn_operator("mkldnn::_convolution_pointwise", "");
    if (fused == nullptr || !packable(call, x)) return run_plain(call, x, after);
    const auto type = working_type(x);
    return detail::call_operator(*fused, x.to(type), packed(call, x), bias(call, type), call.padding, call.stride,
                                 call.dilation, call.groups, after == After::relu ? "relu" : "none", no_scalars(),
                                 c10::IValue())
        .to(x.scalar_type());
  }

  /// A filter made in inference mode has no version to tell whether it was written to since.
  static bool packable(const Call& call, const at::Tensor& x) {
    return !at::GradMode::is_enabled() && x.is_cpu() && call.filter.is_cpu() && !call.filter.is_inference() &&
           x.scalar_type() == call.filter.scalar_type() &&
           (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.dim() == 4 && x.numel() > 0 &&
           !call.padding.empty() && at::globalContext().userEnabledMkldnn() &&
           detail::onednn_operator("mkldnn::_reorder_convolution_weight", "") != nullptr;
  }

  static at::ScalarType working_type(const at::Tensor& x) {
    return detail::computes_in_bf16() ? x.scalar_type() : at::kFloat;
  }

  static c10::IValue bias(const Call& call, at::ScalarType type) {
    return call.bias.defined() ? c10::IValue(call.bias.to(type)) : c10::IValue();
  }

  static c10::List<std::optional<at::Scalar>> no_scalars() { return c10::List<std::optional<at::Scalar>>(); }

  at::Tensor packed(const Call& call, const at::Tensor& x) const {
    const std::scoped_lock lock(kept_->mutex);
    const auto type = working_type(x);
    const auto version = call.filter._version();
    if (!kept_->source.defined() || kept_->source.const_data_ptr() != call.filter.const_data_ptr() ||
        kept_->version != version || kept_->type != type || at::IntArrayRef(kept_->sizes) != x.sizes()) {
      kept_->filter = detail::call_operator(*detail::onednn_operator("mkldnn::_reorder_convolution_weight", ""),
                                            call.filter.detach().to(type), call.padding, call.stride, call.dilation,
                                            call.groups, c10::IValue(x.sizes()));
      kept_->source = call.filter.detach(), kept_->version = version, kept_->type = type;
      kept_->sizes = x.sizes().vec();
    }
    return kept_->filter;
  }

  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

}  // namespace vos
