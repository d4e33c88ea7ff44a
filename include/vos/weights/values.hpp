#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <vos/weights/checkpoint.hpp>

/// The numbers in a checkpoint's tensors, of any type, without LibTorch: to be looked at, compared and converted.

namespace vos {

/// Types that a change of precision means: not integers, not complex, not quantised numbers.
constexpr bool is_floating(DType dtype) {
  switch (dtype) {
    case DType::f16:
    case DType::f32:
    case DType::f64:
    case DType::bf16:
    case DType::f8_e5m2:
    case DType::f8_e4m3fn:
    case DType::f8_e5m2fnuz:
    case DType::f8_e4m3fnuz:
    case DType::f8_e8m0fnu:
    case DType::f4_e2m1fn_x2: return true;
    default: return false;
  }
}

/// Numbers in one element: a complex one has two parts, and a byte holds two of four bits.
constexpr std::int64_t numbers_in(DType dtype) {
  return dtype == DType::c32 || dtype == DType::c64 || dtype == DType::c128 || dtype == DType::f4_e2m1fn_x2 ? 2 : 1;
}

namespace detail {

/// How a float of few bits is laid out behind its sign.
struct SmallFloat {
  enum class Special : std::uint8_t {
    ieee,           ///< the largest exponent is infinity and NaN
    only_nan,       ///< ... is a number like any other, but for all ones, which is NaN
    negative_zero,  ///< minus zero is the only NaN
    none,           ///< every pattern is a number
  };
  int exponent_bits, mantissa_bits, bias;
  Special special;
};

inline double small_float(unsigned bits, const SmallFloat& layout) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const unsigned mantissa = bits & ((1U << layout.mantissa_bits) - 1);
  const unsigned most = (1U << layout.exponent_bits) - 1, exponent = bits >> layout.mantissa_bits & most;
  const bool minus = (bits >> (layout.mantissa_bits + layout.exponent_bits) & 1U) != 0;
  using enum SmallFloat::Special;
  if (layout.special == ieee && exponent == most)
    return mantissa != 0 ? nan
           : minus       ? -std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::infinity();
  if (layout.special == only_nan && exponent == most && mantissa + 1 == 1U << layout.mantissa_bits) return nan;
  if (layout.special == negative_zero && minus && exponent == 0 && mantissa == 0) return nan;
  const double value = exponent == 0 ? std::ldexp(mantissa, 1 - layout.bias - layout.mantissa_bits)
                                     : std::ldexp(mantissa + (1U << layout.mantissa_bits),
                                                  static_cast<int>(exponent) - layout.bias - layout.mantissa_bits);
  return minus ? -value : value;
}

/// Every value of a type of 8 bits.
template <class Value>
std::array<double, 256> every_byte(const Value& value) {
  std::array<double, 256> values{};
  for (unsigned bits = 0; bits < 256; ++bits) values[bits] = value(bits);
  return values;
}

inline const std::array<double, 256>& byte_values(DType dtype) {
  using enum SmallFloat::Special;
  static const auto e5m2 = every_byte([](unsigned b) { return small_float(b, {5, 2, 15, ieee}); });
  static const auto e4m3fn = every_byte([](unsigned b) { return small_float(b, {4, 3, 7, only_nan}); });
  static const auto e5m2fnuz = every_byte([](unsigned b) { return small_float(b, {5, 2, 16, negative_zero}); });
  static const auto e4m3fnuz = every_byte([](unsigned b) { return small_float(b, {4, 3, 8, negative_zero}); });
  static const auto e8m0 = every_byte([](unsigned b) {  // an exponent and nothing else
    return b == 255 ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, static_cast<int>(b) - 127);
  });
  switch (dtype) {
    case DType::f8_e5m2: return e5m2;
    case DType::f8_e4m3fn: return e4m3fn;
    case DType::f8_e5m2fnuz: return e5m2fnuz;
    case DType::f8_e4m3fnuz: return e4m3fnuz;
    default: return e8m0;
  }
}

inline float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half} >> 15 << 31, exponent = half >> 10 & 31U, mantissa = half & 1023U;
  if (exponent == 0) {  // zero, or too small for the hidden one
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | (exponent == 31 ? 255U : exponent + 112) << 23 | mantissa << 13);
}

inline float float_from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// To the nearest, ties to even.
inline std::uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 31 << 15);
  const auto magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return sign | 0x7E00U;
  if (magnitude >= 0x477FF000U) return sign | 0x7C00U;  // from 65520 on: nearer to infinity than to 65504
  if (magnitude < 0x38800000U) {                        // below the smallest normal half, 2^-14
    // The last bit of 0.5 is 2^-24, half's smallest number: adding the two rounds to it.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign |
                                      (std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5F)));
  }
  const auto rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13) - (112U << 10)));
}

inline std::uint16_t bfloat_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

template <class Stored>
Stored element_at(std::span<const std::uint8_t> bytes, std::size_t i) {
  Stored value;
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);  // may lie at an odd address
  return value;
}

template <class Stored, class Value>
void read_each(std::span<const std::uint8_t> bytes, std::span<double> numbers, const Value& value) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<double>(value(element_at<Stored>(bytes, i)));
}

template <class Stored>
void read_each(std::span<const std::uint8_t> bytes, std::span<double> numbers) {
  read_each<Stored>(bytes, numbers, [](Stored value) { return value; });
}

}  // namespace detail

/// Elements as numbers: `numbers` is as long as they have numbers. 64-bit integers beyond 2^53 are rounded.
inline void read_numbers(DType dtype, std::span<const std::uint8_t> elements, std::span<double> numbers) {
  using namespace detail;
  switch (dtype) {
    case DType::u8:
    case DType::quint8: return read_each<std::uint8_t>(elements, numbers);
    case DType::i8:
    case DType::qint8: return read_each<std::int8_t>(elements, numbers);
    case DType::i16: return read_each<std::int16_t>(elements, numbers);
    case DType::i32:
    case DType::qint32: return read_each<std::int32_t>(elements, numbers);
    case DType::i64: return read_each<std::int64_t>(elements, numbers);
    case DType::u16: return read_each<std::uint16_t>(elements, numbers);
    case DType::u32: return read_each<std::uint32_t>(elements, numbers);
    case DType::u64: return read_each<std::uint64_t>(elements, numbers);
    case DType::f16:
    case DType::c32: return read_each<std::uint16_t>(elements, numbers, float_from_half);
    case DType::bf16: return read_each<std::uint16_t>(elements, numbers, float_from_bfloat);
    case DType::f32:
    case DType::c64: return read_each<float>(elements, numbers);
    case DType::f64:
    case DType::c128: return read_each<double>(elements, numbers);
    case DType::boolean: return read_each<std::uint8_t>(elements, numbers, [](auto bits) { return bits != 0; });
    case DType::f8_e5m2:
    case DType::f8_e4m3fn:
    case DType::f8_e5m2fnuz:
    case DType::f8_e4m3fnuz:
    case DType::f8_e8m0fnu: {
      const auto& values = byte_values(dtype);
      return read_each<std::uint8_t>(elements, numbers, [&](auto bits) { return values[bits]; });
    }
    case DType::f4_e2m1fn_x2:
      for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = small_float(elements[i / 2] >> (i % 2 * 4) & 15U, {2, 1, 1, SmallFloat::Special::none});
      return;
  }
}

/// Numbers as elements of f64, f32, f16 or bf16, to the nearest.
inline void write_numbers(DType dtype, std::span<const double> numbers, std::span<std::uint8_t> elements) {
  const auto each = [&](const auto& value) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto stored = value(numbers[i]);
      std::memcpy(elements.data() + i * sizeof stored, &stored, sizeof stored);
    }
  };
  if (dtype == DType::f64) each([](double number) { return number; });
  else if (dtype == DType::f32) each([](double number) { return static_cast<float>(number); });
  else if (dtype == DType::f16) each([](double number) { return detail::half_from_float(static_cast<float>(number)); });
  else each([](double number) { return detail::bfloat_from_float(static_cast<float>(number)); });
}

/// Whether a tensor's elements lie one after another, the last axis running fastest.
inline bool is_contiguous(const TensorRecord& tensor) {
  std::int64_t step = 1;
  for (auto axis = tensor.sizes.size(); axis-- > 0;) {
    if (tensor.sizes[axis] == 0) return true;
    if (tensor.sizes[axis] != 1 && tensor.strides[axis] != step) return false;
    step *= tensor.sizes[axis];
  }
  return true;
}

/// A tensor's elements, the last axis running fastest: where they lie, or gathered in `space`. The checkpoint is one that
/// check_tensors has passed: no tensor claims more than its file can back.
inline std::span<const std::uint8_t> elements_of(const Checkpoint& file, const TensorRecord& tensor,
                                                 std::vector<std::uint8_t>& space) {
  const auto width = static_cast<std::size_t>(bytes_of(tensor.dtype));
  const auto count = static_cast<std::size_t>(tensor.numel());
  const auto storage = file.storages[tensor.storage].bytes;
  const auto begin = static_cast<std::size_t>(tensor.offset) * width;
  if (count == 0) return {};
  if (is_contiguous(tensor)) return storage.subspan(begin, count * width);
  space.resize(count * width);
  std::vector<std::int64_t> place(tensor.sizes.size());
  std::int64_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(space.data() + i * width, storage.data() + begin + static_cast<std::size_t>(at) * width, width);
    for (auto axis = place.size(); axis-- > 0;) {
      at += tensor.strides[axis];
      if (++place[axis] < tensor.sizes[axis]) break;
      at -= tensor.strides[axis] * tensor.sizes[axis];
      place[axis] = 0;
    }
  }
  return space;
}

/// A tensor's numbers in order, some at a time. Quantised ones have their scale applied.
class TensorNumbers {
 public:
  TensorNumbers(const Checkpoint& file, const TensorRecord& tensor)
      : tensor_(tensor), left_(elements_of(file, tensor, space_)) {}
  TensorNumbers(const TensorNumbers&) = delete;  // `left_` may point into `space_`
  TensorNumbers& operator=(const TensorNumbers&) = delete;

  /// The next `at_once`, or what is left; none at the end. They last until the next call.
  std::span<const double> next() {
    const auto per_element = static_cast<std::size_t>(numbers_in(tensor_.dtype));
    const auto width = static_cast<std::size_t>(bytes_of(tensor_.dtype));
    const auto some = left_.first(std::min(at_once / per_element * width, left_.size()));
    left_ = left_.subspan(some.size());
    const std::span numbers{block_.data(), some.size() / width * per_element};
    read_numbers(tensor_.dtype, some, numbers);
    if (tensor_.scale != 0)
      for (auto& number : numbers) number = (number - static_cast<double>(tensor_.zero_point)) * tensor_.scale;
    return numbers;
  }

  static constexpr std::size_t at_once = 2048;  ///< enough to be quick, few enough to stay in the first cache

 private:
  const TensorRecord& tensor_;
  std::vector<std::uint8_t> space_;
  std::span<const std::uint8_t> left_;
  std::array<double, at_once> block_;
};

}  // namespace vos
