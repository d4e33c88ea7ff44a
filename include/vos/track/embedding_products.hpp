#pragma once

#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace vos {

namespace detail::products {

// GCC's and Clang's own vectors, as wide as every x86-64 and ARMv8 has them: no compiler may reorder a sum of floats by
// itself. The lanes are summed in one order; whether a product is rounded before it is added (no FMA) is the machine's, so last bits may
// still differ between two of them.
inline constexpr std::size_t lanes = 4;
using Floats [[gnu::vector_size(lanes * sizeof(float))]] = float;

inline Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
inline float sum(const Floats& v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/// <a_i, b_j> for `rows` rows of a and `columns` of b, both `width` wide; each result as `dot` gives it.
template <std::size_t rows, std::size_t columns>
inline void block(const float* a, const float* b, std::size_t width, float* out, std::size_t stride) {
  Floats sums[rows][columns] = {};
  std::size_t k = 0;
  for (; k + lanes <= width; k += lanes) {
    Floats right[columns];
    for (std::size_t j = 0; j < columns; ++j) right[j] = load(b + j * width + k);
    for (std::size_t i = 0; i < rows; ++i) {
      const Floats left = load(a + i * width + k);
      for (std::size_t j = 0; j < columns; ++j) sums[i][j] += left * right[j];
    }
  }
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      float total = sum(sums[i][j]);
      for (std::size_t rest = 0; rest < width % lanes; ++rest)
        total += a[i * width + k + rest] * b[j * width + k + rest];
      out[i * stride + j] = total;
    }
}

}  // namespace detail::products

inline float dot(std::span<const float> a, std::span<const float> b) {
  assert(a.size() == b.size());
  float result = 0;
  detail::products::block<1, 1>(a.data(), b.data(), a.size(), &result, 1);
  return result;
}

inline float length(std::span<const float> a) { return std::sqrt(dot(a, a)); }

/// Cosine of the angle between two vectors; 0 where one of them is 0.
inline float cosine(std::span<const float> a, std::span<const float> b) {
  const float lengths = length(a) * length(b);
  return lengths > 0 ? dot(a, b) / lengths : 0;
}

/// Scaled to length 1; a vector of zeros stays as it is.
inline void make_unit(std::span<float> a) {
  if (const float size = length(a); size > 0)
    for (auto& value : a) value /= size;
}

/// All dot products of the rows of a [A,width] and b [B,width]: [A,B].
inline std::vector<float> all_dots(std::span<const float> a, std::span<const float> b, std::size_t width) {
  if (width == 0) return {};
  const auto rows = a.size() / width, columns = b.size() / width;
  assert(a.size() == rows * width && b.size() == columns * width);
  std::vector<float> out(rows * columns);
  constexpr std::size_t tall = 2, wide = 4;  // what fits into sixteen registers
  const auto* right = b.data();
  for (std::size_t i = 0; i < rows; i += tall) {
    const auto* left = a.data() + i * width;
    auto* line = out.data() + i * columns;
    const bool pair = i + tall <= rows;
    std::size_t j = 0;
    for (; j + wide <= columns; j += wide) {
      if (pair) detail::products::block<tall, wide>(left, right + j * width, width, line + j, columns);
      else detail::products::block<1, wide>(left, right + j * width, width, line + j, columns);
    }
    for (; j < columns; ++j) {
      if (pair) detail::products::block<tall, 1>(left, right + j * width, width, line + j, columns);
      else detail::products::block<1, 1>(left, right + j * width, width, line + j, columns);
    }
  }
  return out;
}

}  // namespace vos
