#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <vos/wire/mask_priors.hpp>
#include <vos/wire/range_coder.hpp>

namespace vos::detail {

/// Where each kind of decision lies among the chances of a model.
namespace mask_bits {
inline constexpr std::size_t pixel = 0, same = 1024, surprise = 1032, distance = 1040, candidate = 1056, moved = 1064,
                             still = 1065, shift = 1066, count = 1088;
}  // namespace mask_bits

/// All chances that coding masks learns. They start where masks of many videos left them, so that even a frame of a hundred
/// bytes is coded well, and start there anew in each message, so that a message needs nothing but the map it builds on.
class MaskModel {
 public:
  explicit MaskModel(bool delta) {
    const auto& text = delta ? mask_delta_priors : mask_key_priors;
    for (std::size_t i = 0; i < bits_.size(); ++i) bits_[i].chance = mask_prior_chances[level(text[i])];
  }
  AdaptiveBit& operator[](std::size_t index) { return bits_[index]; }

 private:
  /// The place of a character among A-Z, a-z, 0-9, - and _.
  static constexpr std::size_t level(char c) {
    return static_cast<std::size_t>(c >= 'a'   ? c - 'a' + 26
                                    : c == '_' ? 63
                                    : c >= 'A' ? c - 'A'
                                    : c >= '0' ? c - '0' + 52
                                               : 62);
  }

  std::array<AdaptiveBit, mask_bits::count> bits_;
};

/// A number from 0 on: how many binary digits it plus one has, decision by decision, then the digits after the first.
template <class Coder>
std::uint32_t code_number(Coder& coder, MaskModel& model, std::size_t first, std::uint32_t value) {
  const int given = static_cast<int>(std::bit_width(value + 1)) - 1;
  int digits = 0;
  while (digits < 16 && coder.bit(model[first + static_cast<std::size_t>(digits)], digits < given)) ++digits;
  return ((1U << digits) | coder.bits(digits, (value + 1) & ((1U << digits) - 1))) - 1;
}

}  // namespace vos::detail
