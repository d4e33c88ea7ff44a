#pragma once

#include <cstdint>
#include <cstring>

namespace vos::detail {

/// One pixel of up to four channels as a vector: GCC's and Clang's, for any processor. (Clang takes the attribute in this
/// place alone.)
typedef float QuadFloats __attribute__((vector_size(16)));
typedef std::int32_t QuadWholes __attribute__((vector_size(16)));

/// The four bytes of a word, the lowest first, as floats.
inline QuadFloats quad_of(std::uint32_t word) {
#if defined(__clang__)
  return QuadFloats{static_cast<float>(word & 255), static_cast<float>(word >> 8 & 255),
                    static_cast<float>(word >> 16 & 255), static_cast<float>(word >> 24)};
#else
  // Spread by shuffles: GCC turns a plain conversion of four bytes into four scalar ones.
  typedef std::uint8_t Bytes __attribute__((vector_size(16)));
  typedef std::uint16_t Shorts __attribute__((vector_size(16)));
  typedef std::uint32_t Words __attribute__((vector_size(16)));
  const auto bytes = reinterpret_cast<Bytes>(Words{word, 0, 0, 0});
  const auto half = __builtin_shuffle(bytes, Bytes{}, Bytes{0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
  const auto spread = __builtin_shuffle(reinterpret_cast<Shorts>(half), Shorts{}, Shorts{0, 8, 1, 9, 2, 10, 3, 11});
  return __builtin_convertvector(reinterpret_cast<QuadWholes>(spread), QuadFloats);
#endif
}

inline QuadFloats quad_at(const std::uint8_t* quad) {
  std::uint32_t word;
  std::memcpy(&word, quad, 4);
  return quad_of(word);
}

/// The first three lanes as bytes: clipped to 0..255 and rounded down.
inline void store_rgb(QuadFloats value, std::uint8_t* rgb) {
  value = value > 0 ? value : QuadFloats{};
  value = value < 255 ? value : QuadFloats{255, 255, 255, 255};
  const auto whole = __builtin_convertvector(value, QuadWholes);
  for (int c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>(whole[c]);
}

}  // namespace vos::detail
