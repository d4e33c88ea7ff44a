#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <vos/metric/mask_view.hpp>

namespace vos {

/// A binary mask at 64 pixels a word: bit x % 64 of word x / 64 of its row. Bits right of the last column are 0.
class BitPlane {
 public:
  using Word = std::uint64_t;

  BitPlane() = default;
  BitPlane(std::int64_t height, std::int64_t width)
      : height_(height),
        width_(width),
        stride_((width + 63) / 64),
        words_(static_cast<std::size_t>(height * stride_)) {}

  /// The pixels of `mask` that `hidden` (may be empty) does not hide.
  explicit BitPlane(MaskView mask, MaskView hidden = {}) : BitPlane(mask.height, mask.width) {
    for (std::int64_t y = 0; y < height_; ++y) {
      const auto line = row(y);
      const auto* bytes = mask.pixels.data() + y * width_;
      const auto* hide = hidden.empty() ? nullptr : hidden.pixels.data() + y * width_;
      std::int64_t x = 0;
      for (; x + 64 <= width_; x += 64) {
        Word bits = 0;
        for (int part = 0; part < 64; part += 8) bits |= bits_of(bytes + x + part) << part;
        if (hide != nullptr)
          for (int part = 0; part < 64; part += 8) bits &= ~(bits_of(hide + x + part) << part);
        line[x / 64] = bits;
      }
      for (; x < width_; ++x)
        if (bytes[x] != 0 && (hide == nullptr || hide[x] == 0)) line[x / 64] |= Word{1} << (x % 64);
    }
  }

  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  std::int64_t stride() const { return stride_; }
  std::span<Word> row(std::int64_t y) { return {words_.data() + y * stride_, static_cast<std::size_t>(stride_)}; }
  std::span<const Word> row(std::int64_t y) const {
    return {words_.data() + y * stride_, static_cast<std::size_t>(stride_)};
  }
  bool at(std::int64_t y, std::int64_t x) const { return (row(y)[x / 64] >> (x % 64) & 1) != 0; }

  std::int64_t count() const {
    std::int64_t bits = 0;
    for (const Word word : words_)
      if (word != 0) bits += std::popcount(word);  // most of a boundary's words are 0, and not every CPU counts fast
    return bits;
  }

  /// Sets columns [begin,end) of row y.
  void set(std::int64_t y, std::int64_t begin, std::int64_t end) {
    const auto line = row(y);
    while (begin < end) {
      const auto stop = std::min(end, (begin / 64 + 1) * 64);
      const Word upto = stop % 64 == 0 ? ~Word{0} : (Word{1} << (stop % 64)) - 1;
      line[begin / 64] |= upto & ~Word{0} << (begin % 64);
      begin = stop;
    }
  }

 private:
  /// Bit i says whether byte i of eight is not 0.
  static Word bits_of(const std::uint8_t* bytes) {
    Word eight = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&eight, bytes, sizeof eight);
    } else {
      for (int i = 0; i < 8; ++i) eight |= Word{bytes[i]} << (8 * i);
    }
    constexpr Word low_seven = 0x7f7f7f7f7f7f7f7f;
    const Word ones = (((eight & low_seven) + low_seven) | eight) >> 7 & 0x0101010101010101;
    // The product moves bit 8i to bit 56+i, and no two of its summands meet: no carries.
    return ones * 0x0102040810204080 >> 56;
  }

  std::int64_t height_ = 0, width_ = 0, stride_ = 0;
  std::vector<Word> words_;
};

}  // namespace vos
