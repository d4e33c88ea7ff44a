#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <vos/wire/mask_model.hpp>
#include <vos/wire/mask_rows.hpp>
#include <vos/wire/range_coder.hpp>

namespace vos::detail {

/// Rows of a layer as pixels, the last few that were asked for; 0 around them. The coder looks at most four pixels aside.
class RowPixels {
 public:
  explicit RowPixels(std::int64_t width)
      : width_(width), stride_(static_cast<std::size_t>(width + 2 * margin)), pixels_(5 * stride_) {}

  const std::uint16_t* get(const MaskRows& rows, std::int64_t y, std::int64_t height) {
    if (y < 0 || y >= height) return pixels_.data() + 4 * stride_ + margin;
    auto& line = lines_[static_cast<std::size_t>(y) & 3];
    auto* to = pixels_.data() + (static_cast<std::size_t>(y) & 3) * stride_ + margin;
    if (line.y == y) return to;
    // Most of a row is 0 and stays 0 from one to the next: it is not written again and again.
    std::fill(to + line.begin, to + line.end, std::uint16_t{0});
    line = {y, 0, 0};
    const auto row = rows.row(static_cast<std::size_t>(y));
    if (row.empty()) return to;
    line.begin = row[0].x;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line.end = i + 1 < row.size() ? row[i + 1].x : row[i].slot != 0 ? width_ : row[i].x;
      if (row[i].slot != 0) std::fill(to + row[i].x, to + line.end, row[i].slot);
    }
    return to;
  }

 private:
  static constexpr std::int64_t margin = 8;

  struct Line {
    std::int64_t y = -1, begin = 0, end = 0;  // 0 outside of [begin,end)
  };

  std::int64_t width_;
  std::size_t stride_;
  std::vector<std::uint16_t> pixels_;
  std::array<Line, 4> lines_ = {};
};

/// Walks along the runs of a row.
class RowChanges {
 public:
  explicit RowChanges(std::span<const MaskRun> row) : at_(row.data()), end_(row.data() + row.size()) {}

  /// The first change behind column `x`, which rises from call to call; `none` where there is no more.
  std::int64_t behind(std::int64_t x, std::int64_t none) {
    while (at_ != end_ && at_->x <= x) ++at_;
    return at_ != end_ ? at_->x : none;
  }
  /// What begins at the change that `behind` found last; 0 if it found none.
  std::uint16_t slot() const { return at_ != end_ ? at_->slot : 0; }

 private:
  const MaskRun* at_;
  const MaskRun* end_;
};

/// Codes the rows of one layer, top to bottom: with a RangeEncoder those that are given, with a RangeDecoder those that the
/// bytes hold. One text for both, so that they cannot disagree. docs/wire.md says in words what is done.
template <class Coder, bool delta>
class MaskLayerCoder {
  using Rows = std::conditional_t<Coder::encodes, const MaskRows, MaskRows>;

 public:
  /// `before` is what the layer is predicted from; not read in a key frame. Slots go up to `slots`.
  MaskLayerCoder(Coder& coder, MaskModel& model, std::int64_t height, std::int64_t width, std::uint32_t slots,
                 Rows& rows, const MaskRows& before)
      : coder_(coder),
        model_(model),
        height_(height),
        width_(width),
        slots_(slots),
        rows_(rows),
        before_(before),
        now_pixels_(width),
        before_pixels_(delta ? width : 0) {}

  /// False where the bytes make no sense, or cost more than `work`: pixels looked at one by one, and runs copied.
  bool run(std::int64_t& work) {
    for (std::int64_t y = 0; y < height_; ++y) {
      if (!code_row(y)) return false;
      if constexpr (!Coder::encodes) {
        rows_.end_row();
        if (coder_.overrun()) return false;
      }
      if ((work -= looked_at_) < 0) return false;
      looked_at_ = 0;
    }
    return true;
  }

 private:
  static constexpr std::span<const MaskRun> empty = {};

  std::span<const MaskRun> row_of(const MaskRows& rows, std::int64_t y) const {
    return y < 0 || y >= height_ ? empty : rows.row(static_cast<std::size_t>(y));
  }

  static bool equal(std::span<const MaskRun> a, std::span<const MaskRun> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

  bool code_row(std::int64_t y) {
    const auto above = row_of(rows_, y - 1);
    const auto before = delta ? row_of(before_, y) : empty, before_above = delta ? row_of(before_, y - 1) : empty,
               before_below = delta ? row_of(before_, y + 1) : empty;
    const auto predicted = delta ? before : above;
    const bool blank = above.empty() && before.empty() && before_above.empty() && before_below.empty();
    bool same = false;
    if constexpr (Coder::encodes) same = equal(row_of(rows_, y), predicted);
    same = coder_.bit(model_[mask_bits::same + (blank ? 4 : 0) + same_before_], same);
    same_before_ = (same_before_ << 1 | (same ? 1 : 0)) & 3;
    if (same) {
      looked_at_ = static_cast<std::int64_t>(predicted.size());
      if constexpr (!Coder::encodes) append(predicted);
      return true;
    }

    RowChanges above_changes{still(above)}, changes{before}, changes_above{before_above}, changes_below{before_below};
    n_ = now_pixels_.get(rows_, y - 1, height_);
    nn_ = now_pixels_.get(rows_, y - 2, height_);
    if constexpr (delta) {
      r_ = before_pixels_.get(before_, y, height_);
      ru_ = before_pixels_.get(before_, y - 1, height_);
      rd_ = before_pixels_.get(before_, y + 1, height_);
    }
    RowChanges given{Coder::encodes ? row_of(rows_, y) : empty};

    // The coder lives in registers here, and is put back where a change, which is rare, calls for more.
    auto coder = coder_;
    const auto code_change = [&](std::uint16_t after, const Near& near, std::size_t first) {
      coder_ = coder;
      const auto slot = code_slot(after, near, first, given.slot());
      coder = coder_;
      return slot;
    };
    std::uint16_t west = 0;
    std::int64_t changed_at = -2, looked_at = 0;
    for (std::int64_t x = 0; x < width_;) {
      const std::int64_t next = Coder::encodes ? given.behind(x - 1, width_) : 0;
      const auto around = context(x, west);
      if (around != 0 || changed_at == x - 1 || !calm(x, west)) {
        ++looked_at;
        if (!coder.bit(model_[mask_bits::pixel + around], next == x)) {
          ++x;
          continue;
        }
        const auto slot = code_change(
            west, delta ? Near{r_[x], n_[x], n_[x + 1], r_[x + 1], 0} : Near{n_[x], n_[x + 1], n_[x + 2], n_[x + 3], 0},
            0);
        if (!turn(x, west, slot)) return false;
      } else {
        auto end = std::min(width_, above_changes.behind(x + 2, width_ + 2) - 2);
        if constexpr (delta)
          end = std::min({end, changes.behind(x + 1, width_ + 1) - 1, changes_above.behind(x, width_),
                          changes_below.behind(x, width_)});
        const auto length = static_cast<std::uint32_t>(end - x);
        ++looked_at;
        if (!coder.bit(model_[mask_bits::surprise + length_class(length)], next < end)) {
          x = end;
          continue;
        }
        coder_ = coder;
        const auto left = code_number(coder_, model_, mask_bits::distance, static_cast<std::uint32_t>(end - 1 - next));
        coder = coder_;
        if (left >= length) return false;
        x = end - 1 - static_cast<std::int64_t>(left);
        const auto slot = code_change(west, Near{above_changes.slot(), changes.slot(), 0, 0, 0}, 5);
        if (!turn(x, west, slot)) return false;
      }
      changed_at = x++;
    }
    coder_ = coder;
    looked_at_ = looked_at;
    return true;
  }

  /// At `x`, `slot` follows `west`, and takes its place.
  bool turn(std::int64_t x, std::uint16_t& west, std::uint16_t slot) {
    if (slot == west || slot > slots_) return false;
    if constexpr (!Coder::encodes) rows_.runs.push_back({static_cast<std::uint16_t>(x), slot});
    west = slot;
    return true;
  }

  void append(std::span<const MaskRun> row) {
    row = still(row);
    rows_.runs.insert(rows_.runs.end(), row.begin(), row.end());
  }

  /// A row that stays where it is while the decoder's own vector grows.
  std::span<const MaskRun> still(std::span<const MaskRun> row) {
    if constexpr (Coder::encodes) return row;
    above_runs_.assign(row.begin(), row.end());
    return above_runs_;
  }

  using Near = std::array<std::uint16_t, 5>;

  /// True where the pixels around that `context` leaves out are `west` too: hardly anything changes in such a place.
  bool calm(std::int64_t x, std::uint16_t west) const {
    const auto* n = n_ + x;
    if (n[-2] != west || n[2] != west) return false;
    if constexpr (!delta) return true;
    const auto* r = r_ + x;
    return n[-1] == west && r[-1] == west && r[0] == west && r[1] == west && ru_[x] == west;
  }

  /// Which of the pixels around differ from the one on the left, as a number.
  std::size_t context(std::int64_t x, std::uint16_t west) const {
    const auto *n = n_ + x, *nn = nn_ + x;
    const auto differs = [west](std::uint16_t slot) -> std::size_t { return slot != west ? 1 : 0; };
    if constexpr (delta) {
      const auto *r = r_ + x, *ru = ru_ + x, *rd = rd_ + x;
      return differs(n[1]) | differs(rd[1]) << 1 | differs(n[0]) << 2 | differs(nn[-1]) << 3 | differs(n[3]) << 4 |
             differs(rd[0]) << 5 | differs(ru[1]) << 6 | differs(r[-2]) << 7 | differs(r[2]) << 8 | differs(nn[0]) << 9;
    } else {
      return differs(n[0]) | differs(nn[-2]) << 1 | differs(n[1]) << 2 | differs(nn[1]) << 3 | differs(nn[0]) << 4 |
             differs(n[4]) << 5 | differs(nn[2]) << 6 | differs(n[-1]) << 7 | differs(n[-3]) << 8 |
             differs(nn[-1]) << 9;
    }
  }

  /// What follows `west`: one of those that lie near, or any.
  std::uint16_t code_slot(std::uint16_t west, const Near& near, std::size_t first, std::uint16_t given) {
    if (slots_ == 1) return static_cast<std::uint16_t>(1 - west);
    for (std::size_t i = 0; i < near.size(); ++i) {
      if (near[i] == west || std::find(near.begin(), near.begin() + i, near[i]) != near.begin() + i) continue;
      if (coder_.bit(model_[mask_bits::candidate + std::min<std::size_t>(first + i, 7)], near[i] == given))
        return near[i];
    }
    return static_cast<std::uint16_t>(coder_.bits(static_cast<int>(std::bit_width(slots_)), given));
  }

  static std::size_t length_class(std::uint32_t length) {
    return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(length >> 1)), 7);
  }

  Coder& coder_;
  MaskModel& model_;
  std::int64_t height_, width_;
  std::uint32_t slots_;
  Rows& rows_;
  const MaskRows& before_;
  std::vector<MaskRun> above_runs_ = {};
  RowPixels now_pixels_, before_pixels_;
  const std::uint16_t *n_ = nullptr, *nn_ = nullptr, *r_ = nullptr, *ru_ = nullptr, *rd_ = nullptr;
  std::size_t same_before_ = 0;
  std::int64_t looked_at_ = 0;
};

}  // namespace vos::detail
