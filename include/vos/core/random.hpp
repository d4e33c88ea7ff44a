#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace vos {

/// Scrambles 64 bits so that near inputs give unrelated outputs (the finaliser of SplitMix64).
constexpr std::uint64_t scramble(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// Random numbers that are a function of a key: (seed, epoch, sample, …). No stream is shared, so any order, any number
/// of workers and any resumed run draw the same numbers.
class CounterRandom {
 public:
  explicit constexpr CounterRandom(std::initializer_list<std::uint64_t> key) {
    for (const auto part : key) key_ = scramble(key_ ^ scramble(part));
  }

  constexpr std::uint64_t bits() { return scramble(key_ + 0xD1342543DE82EF95ULL * counter_++); }

  /// [0,1)
  constexpr double uniform() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }
  constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// [0,n), 0 < n < 2^32. The bias of the multiplication is below n / 2^32.
  constexpr std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(((bits() >> 32) * static_cast<std::uint64_t>(n)) >> 32);
  }

 private:
  std::uint64_t key_ = 0, counter_ = 0;
};

}  // namespace vos
