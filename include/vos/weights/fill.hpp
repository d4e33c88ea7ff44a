#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vos/core/parallel.hpp>
#include <vos/error.hpp>
#include <vos/weights/keys.hpp>
#include <vos/weights/values.hpp>
#include <vos/weights/window_index.hpp>

namespace vos {

/// Weights that are a function of their place, so that two programs can make the same model without a file and compare
/// what it computes. Each family's reference figures were made with one of these.
enum class FillRule : std::uint8_t {
  aot,    ///< numbered by position in the state, which integer buffers count in
  vita,   ///< keyed by name
  devis,  ///< numbered by position among the float tensors that are no aliases
};

inline constexpr std::array<std::pair<std::string_view, FillRule>, 3> fill_rules{
    {{"aot", FillRule::aot}, {"vita", FillRule::vita}, {"devis", FillRule::devis}}};

inline FillRule fill_rule_from(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, rule] : fill_rules) {
    if (known == name) return rule;
    names.emplace_back(known);
  }
  throw Error({.what = "there is no fill rule '" + std::string{name} + "'" + did_you_mean(name, names),
               .mend = "known rules: " + join(names, ", ")});
}

namespace detail {

/// The finaliser of MurmurHash3, 32 bits.
constexpr std::uint32_t murmur(std::uint32_t s) {
  s ^= s >> 16;
  s *= 0x85ebca6bU;
  s ^= s >> 13;
  s *= 0xc2b2ae35U;
  return s ^ (s >> 16);
}

constexpr double signed_unit(std::uint32_t s) { return static_cast<double>(s) / 4294967296.0 * 2.0 - 1.0; }

}  // namespace detail

/// FNV-1a, 32 bits: the number that the vita rule knows a name by.
constexpr std::uint32_t fill_hash(std::string_view key) {
  std::uint32_t hash = 2166136261U;
  for (const char c : key) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return hash;
}

/// Element `i` of the tensor with this number: uniform in [-1,1). `number` is a position (aot, devis) or a name's hash (vita).
template <FillRule rule>
constexpr double fill_unit(std::uint64_t number, std::uint64_t i) {
  if constexpr (rule == FillRule::devis) {
    std::uint64_t z = number * 0x9E3779B97F4A7C15ULL + i * 0xD1B54A32D192ED03ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    return 2.0 * (static_cast<double>(z >> 11) / 9007199254740992.0) - 1.0;
  } else {
    const auto n = static_cast<std::uint32_t>(number), at = static_cast<std::uint32_t>(i);
    return detail::signed_unit(detail::murmur(rule == FillRule::aot ? at + n * 0x9E3779B9U : n + at * 2654435761U));
  }
}

/// What a rule says of one tensor: element i is shift + u(i) * factor / divisor, in double, stored as float.
struct TensorFill {
  FillRule rule = FillRule::aot;
  std::uint64_t number = 0;
  double shift = 0, factor = 1, divisor = 1;
};

namespace detail {

template <FillRule rule>
void fill_as(const TensorFill& fill, std::uint64_t first, std::span<float> out) {
  const auto unit = [&](std::size_t i) { return fill_unit<rule>(fill.number, first + i); };
  if (fill.shift != 0)
    for (std::size_t i = 0; i < out.size(); ++i) {
      // Rounded before the sum, or a compiler with fused multiply-add would give other bits than the reference.
      const volatile double product = fill.factor * unit(i);
      out[i] = static_cast<float>(fill.shift + product);
    }
  else if (fill.divisor != 1)
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(unit(i) * fill.factor / fill.divisor);
  else
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(unit(i) * fill.factor);
}

}  // namespace detail

/// Elements `first` and on of a tensor.
inline void fill_values(const TensorFill& fill, std::uint64_t first, std::span<float> out) {
  switch (fill.rule) {
    case FillRule::aot: return detail::fill_as<FillRule::aot>(fill, first, out);
    case FillRule::vita: return detail::fill_as<FillRule::vita>(fill, first, out);
    case FillRule::devis: return detail::fill_as<FillRule::devis>(fill, first, out);
  }
}

/// Where a state begins within the whole model whose figures are compared: a backbone alone is a part of it.
struct FillStart {
  std::string prefix = {};   ///< before each key: "backbone."
  std::uint64_t number = 0;  ///< tensors before the first
};

/// Walks a state in order, as each rule numbers tensors.
class FillWalk {
 public:
  explicit FillWalk(FillRule rule, FillStart start = {})
      : rule_(rule), prefix_(std::move(start.prefix)), number_(start.number) {}

  /// How the next tensor is filled; nothing where the rule leaves it alone: integers, aliases, weights of a loss.
  std::optional<TensorFill> next(const std::string& key, std::span<const std::int64_t> shape, DType dtype, bool alias) {
    const bool real = is_floating(dtype);
    const auto number = number_;
    if (rule_ == FillRule::aot || (real && !alias)) ++number_;
    if (!real || alias) return std::nullopt;
    const auto ends = [&](std::string_view tail) { return key.ends_with(tail); };
    const bool many = shape.size() > 1;
    const auto fan = [&] {
      double numel = 1;
      for (const auto size : shape) numel *= static_cast<double>(size);
      return numel / static_cast<double>(shape[0]);
    };
    switch (rule_) {
      case FillRule::aot:
        if (ends("running_var")) return TensorFill{rule_, number, 1, 0.5};
        if (many) return TensorFill{rule_, number, 0, 1.5, std::sqrt(fan())};
        return ends("weight") ? TensorFill{rule_, number, 1, 0.1} : TensorFill{rule_, number, 0, 0.1};
      case FillRule::vita: {
        const auto hash = fill_hash(prefix_ + key);
        if (ends("empty_weight")) return std::nullopt;
        if (many) return TensorFill{rule_, hash, 0, std::sqrt(3.0 / fan())};
        if (ends("sampling_offsets.bias")) return TensorFill{rule_, hash, 0, 2};
        return ends("running_var") || ends(".weight") ? TensorFill{rule_, hash, 1, 0.1}
                                                      : TensorFill{rule_, hash, 0, 0.1};
      }
      case FillRule::devis:
        if (ends("running_var")) return TensorFill{rule_, number, 1, 0.2};
        if (many) return TensorFill{rule_, number, 0, std::sqrt(6.0 / fan())};
        return ends("weight") ? TensorFill{rule_, number, 1, 0.1} : TensorFill{rule_, number, 0, 0.1};
    }
    return std::nullopt;
  }

 private:
  FillRule rule_;
  std::string prefix_;
  std::uint64_t number_;
};

/// A tensor and where its values go.
struct FillTarget {
  TensorFill fill;
  std::span<float> out;
};

/// Fills many tensors on all cores. The values do not depend on how the work is cut.
inline void fill_all(std::span<const FillTarget> targets, std::size_t threads = std::thread::hardware_concurrency()) {
  constexpr std::size_t piece = std::size_t{1} << 20;
  std::vector<std::pair<std::size_t, std::size_t>> pieces;  // target, first element
  for (std::size_t t = 0; t < targets.size(); ++t)
    for (std::size_t first = 0; first < targets[t].out.size(); first += piece) pieces.emplace_back(t, first);
  for_each_parallel(pieces.size(), std::max<std::size_t>(threads, 1), std::stop_token{}, [&](std::size_t i) {
    const auto [t, first] = pieces[i];
    const auto& out = targets[t].out;
    fill_values(targets[t].fill, first, out.subspan(first, std::min(piece, out.size() - first)));
  });
}

/// The tensors of a key list, filled: bytes that a safetensors file can hold.
struct FilledKeys {
  std::vector<std::unique_ptr<std::uint8_t[]>> memory = {};  ///< for each row that is no alias
  std::vector<std::span<const std::uint8_t>> bytes = {};     ///< for each row; an alias has its original's
};

/// Fills a key list. What a rule leaves alone gets the value it has in a model that was just made, so that the file loads
/// and runs: `relative_position_index` its table, `empty_weight` ones with a last 0.1, anything else zero.
inline FilledKeys fill_keys(std::span<const KeyRow> rows, FillRule rule, FillStart start = {}) {
  FilledKeys filled;
  std::unordered_map<std::string_view, std::size_t> place;
  std::vector<FillTarget> targets;
  FillWalk walk(rule, std::move(start));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto& row = rows[r];
    place.emplace(row.key, r);
    const auto fill = walk.next(row.key, row.shape, row.dtype, !row.alias_of.empty());
    if (!row.alias_of.empty()) {
      filled.bytes.push_back(filled.bytes[place.at(row.alias_of)]);
      continue;
    }
    const auto count = static_cast<std::size_t>(row.numel());
    const auto size = count * static_cast<std::size_t>(bytes_of(row.dtype));
    auto* bytes = filled.memory.emplace_back(std::make_unique_for_overwrite<std::uint8_t[]>(size)).get();
    filled.bytes.emplace_back(bytes, size);
    if (fill && row.dtype != DType::f32)
      throw Error({.what = "the fills are of float32, not of " + std::string{info_of(row.dtype).name},
                   .where = "key '" + row.key + "'",
                   .mend = "fill as float32 and convert"});
    if (fill) targets.push_back({*fill, {reinterpret_cast<float*>(bytes), count}});
    else std::memset(bytes, 0, size);
    if (row.key.ends_with("relative_position_index") && row.dtype == DType::i64 && row.shape.size() == 2 &&
        row.shape[0] == row.shape[1])
      detail::fill_window_index({reinterpret_cast<std::int64_t*>(bytes), count}, row.shape[0]);
    if (!fill && row.key.ends_with("empty_weight") && row.dtype == DType::f32 && count > 0) {
      const std::span values(reinterpret_cast<float*>(bytes), count);
      std::fill(values.begin(), values.end(), 1.0F);
      values.back() = 0.1F;
    }
  }
  fill_all(targets);
  return filled;
}

}  // namespace vos
