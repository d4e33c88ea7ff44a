#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

namespace vos {
namespace detail {

/// The polynomial of zip, gzip and PNG. Here as everywhere below the highest power is the lowest bit, as the first bit of a
/// message is the lowest one of its first byte.
inline constexpr std::uint32_t crc_polynomial = 0xEDB88320;

constexpr std::uint32_t crc_times_x(std::uint32_t value) {
  return (value >> 1) ^ ((value & 1) != 0 ? crc_polynomial : 0);
}

/// [k][b]: what byte b leaves behind when k more bytes follow it.
inline constexpr auto crc_tables = [] {
  std::array<std::array<std::uint32_t, 256>, 16> tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    auto value = b;
    for (int bit = 0; bit < 8; ++bit) value = crc_times_x(value);
    tables[0][b] = value;
  }
  for (std::size_t k = 1; k < 16; ++k)
    for (std::size_t b = 0; b < 256; ++b) {
      const auto before = tables[k - 1][b];
      tables[k][b] = (before >> 8) ^ tables[0][before & 255];
    }
  return tables;
}();

/// Any processor: sixteen look-ups that do not wait for each other take in sixteen bytes.
inline std::uint32_t crc_by_tables(std::uint32_t state, const std::uint8_t* at, std::size_t size) {
  if constexpr (std::endian::native == std::endian::little)
    for (; size >= 16; at += 16, size -= 16) {
      std::uint64_t low = 0, high = 0;
      std::memcpy(&low, at, 8);
      std::memcpy(&high, at + 8, 8);
      low ^= state;
      state = 0;
      for (std::size_t byte = 0; byte < 8; ++byte)
        state ^= crc_tables[15 - byte][low >> byte * 8 & 255] ^ crc_tables[7 - byte][high >> byte * 8 & 255];
    }
  for (; size > 0; ++at, --size) state = (state >> 8) ^ crc_tables[0][(state ^ *at) & 255];
  return state;
}

#if defined(__x86_64__)

/// Processors with a multiplication of polynomials: four registers hold what is left of the message so far, and move on by
/// 64 bytes at a time. From 64 bytes on.
///
/// A register is 16 bytes of message. Moving its halves on by d bits is multiplying them by x^(d + 64) and x^d, modulo the
/// polynomial. A product comes out one bit too far (x^1), and a remainder of 32 bits in a half of 64 stands 32 bits too far:
/// both are left out of the power that is multiplied by.
template <std::size_t Bits>
[[gnu::target("pclmul")]] inline __m128i crc_move_on(__m128i bytes) {
  constexpr auto power = [](std::size_t exponent) {
    std::uint32_t value = 0x80000000;  // x^0
    for (; exponent > 0; --exponent) value = crc_times_x(value);
    return static_cast<std::int64_t>(value);
  };
  constexpr auto first = power(Bits + 64 - 33), second = power(Bits - 33);
  const auto factors = _mm_set_epi64x(second, first);
  return _mm_xor_si128(_mm_clmulepi64_si128(bytes, factors, 0x00), _mm_clmulepi64_si128(bytes, factors, 0x11));
}

[[gnu::target("pclmul")]] inline std::uint32_t crc_by_products(std::uint32_t state, const std::uint8_t* at,
                                                               std::size_t size) {
  const auto load = [&](std::size_t k) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * k)); };
  auto a = _mm_xor_si128(load(0), _mm_cvtsi32_si128(static_cast<int>(state))), b = load(1), c = load(2), d = load(3);
  for (at += 64, size -= 64; size >= 64; at += 64, size -= 64) {
    a = _mm_xor_si128(crc_move_on<512>(a), load(0));
    b = _mm_xor_si128(crc_move_on<512>(b), load(1));
    c = _mm_xor_si128(crc_move_on<512>(c), load(2));
    d = _mm_xor_si128(crc_move_on<512>(d), load(3));
  }
  b = _mm_xor_si128(crc_move_on<128>(a), b);
  c = _mm_xor_si128(crc_move_on<128>(b), c);
  d = _mm_xor_si128(crc_move_on<128>(c), d);
  for (; size >= 16; at += 16, size -= 16) d = _mm_xor_si128(crc_move_on<128>(d), load(0));
  // What is left stands for all that came before, so the tables finish as if it were the message's beginning.
  std::array<std::uint8_t, 16> left;
  std::memcpy(left.data(), &d, 16);
  return crc_by_tables(crc_by_tables(0, left.data(), 16), at, size);
}

inline bool has_crc_products() {
  static const bool has = __builtin_cpu_supports("pclmul") != 0;
  return has;
}

#endif

}  // namespace detail

/// The CRC-32 of zip, gzip and PNG. A long message may come in parts: `before` is the CRC of those that went before.
inline std::uint32_t crc32_of(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) {
#if defined(__x86_64__)
  if (bytes.size() >= 64 && detail::has_crc_products())
    return ~detail::crc_by_products(~before, bytes.data(), bytes.size());
#endif
  return ~detail::crc_by_tables(~before, bytes.data(), bytes.size());
}

}  // namespace vos
