#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vos {

/// How likely a yes-or-no decision is "yes", learned as decisions come: `chance` of 65536, moved towards each outcome, by
/// large steps at first and small ones later.
struct AdaptiveBit {
  std::uint16_t chance = 1 << 15;
  std::uint8_t seen = 0;  ///< index into `rates`

  /// What share of the way to an outcome, of 65536, the decisions move the chance, the first to the last.
  static constexpr std::uint16_t rates[] = {2979, 2849, 2731, 2621, 2521, 2427, 2341, 2260, 2185, 2114, 2048,
                                            1986, 1928, 1872, 1820, 1771, 1725, 1680, 1638, 1598, 1560, 1524,
                                            1489, 1456, 1425, 1394, 1365, 1337, 1311, 1285, 1260, 1237};

  [[gnu::always_inline]] void learn(bool yes) {
    const std::uint32_t rate = rates[seen];
    if (yes) chance = static_cast<std::uint16_t>(chance + ((std::uint32_t{65535 - 32} - chance) * rate >> 16));
    else chance = static_cast<std::uint16_t>(chance - ((std::uint32_t{chance} - 32) * rate >> 16));
    seen = static_cast<std::uint8_t>(seen + (seen + 1U < std::size(rates) ? 1 : 0));
  }
};

/// Writes decisions at their cost in information: a sure one takes next to nothing. A range of numbers is narrowed at each
/// decision, and what all its numbers begin with is written.
class RangeEncoder {
 public:
  static constexpr bool encodes = true;

  explicit RangeEncoder(std::vector<std::uint8_t>& to) : out_(&to), start_(to.size()) {}

  bool bit(AdaptiveBit& model, bool yes) {
    const std::uint32_t part = (range_ >> 16) * model.chance;
    if (yes) range_ = part;
    else low_ += part, range_ -= part;
    model.learn(yes);
    while (range_ < (1U << 24)) shift();
    return yes;
  }

  /// `count` bits of equal chance, the highest first.
  std::uint32_t bits(int count, std::uint32_t value) {
    for (int i = count - 1; i >= 0; --i) {
      range_ >>= 1;
      if ((value >> i & 1U) == 0) low_ += range_;
      if (range_ < (1U << 24)) shift();
    }
    return value;
  }

  /// Ends the text with the number of the range that ends in the most zeros; up to four zero bytes at the end are left out,
  /// the decoder reads them anyway.
  void finish() {
    for (int zeros = 31; zeros >= 0; --zeros) {
      const std::uint64_t unit = std::uint64_t{1} << zeros, value = (low_ + unit - 1) & ~(unit - 1);
      if (value >= low_ + range_) continue;
      low_ = value;
      break;
    }
    for (int i = 0; i < 5; ++i) shift();
    for (int i = 0; i < 4 && out_->size() > start_ && out_->back() == 0; ++i) out_->pop_back();
  }

 private:
  void shift() {
    // A byte of 0xff may still overflow into those before it: it waits until the next is known.
    if (low_ < 0xff000000U || low_ > 0xffffffffU) {
      const auto carry = static_cast<std::uint8_t>(low_ >> 32);
      if (!first_) out_->push_back(static_cast<std::uint8_t>(held_ + carry));
      first_ = false;
      for (; waiting_ > 0; --waiting_) out_->push_back(static_cast<std::uint8_t>(0xff + carry));
      held_ = static_cast<std::uint8_t>(low_ >> 24);
    } else {
      ++waiting_;
    }
    low_ = (low_ & 0x00ffffffU) << 8;
    range_ <<= 8;
  }

  std::vector<std::uint8_t>* out_;
  std::size_t start_, waiting_ = 0;
  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xffffffffU;
  std::uint8_t held_ = 0;
  bool first_ = true;  // the byte before the first cannot overflow: it is 0 and not written
};

/// Reads what RangeEncoder wrote. Any bytes give some decisions; `overrun` tells when they have been invented.
class RangeDecoder {
 public:
  static constexpr bool encodes = false;

  explicit RangeDecoder(std::span<const std::uint8_t> from) : at_(from.data()), end_(from.data() + from.size()) {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
  }

  [[gnu::always_inline]] bool bit(AdaptiveBit& model, bool = false) {
    const std::uint32_t part = (range_ >> 16) * model.chance;
    const bool yes = code_ < part;
    if (yes) range_ = part;
    else code_ -= part, range_ -= part;
    model.learn(yes);
    while (range_ < (1U << 24)) shift();
    return yes;
  }

  std::uint32_t bits(int count, std::uint32_t = 0) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      range_ >>= 1;
      const bool yes = code_ < range_;
      if (!yes) code_ -= range_;
      value = value << 1 | (yes ? 1U : 0U);
      if (range_ < (1U << 24)) shift();
    }
    return value;
  }

  /// True once more was read than the encoder can have left out.
  bool overrun() const { return beyond_ > 4; }
  /// True where all bytes have been read.
  bool exhausted() const { return at_ == end_; }

 private:
  std::uint32_t next() {
    if (at_ != end_) return *at_++;
    ++beyond_;
    return 0;
  }
  void shift() {
    code_ = code_ << 8 | next();
    range_ <<= 8;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint32_t code_ = 0, range_ = 0xffffffffU;
  std::uint64_t beyond_ = 0;
};

}  // namespace vos
