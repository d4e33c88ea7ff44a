#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <vos/fwd.hpp>
#include <vos/wire/message.hpp>
#include <vos/wire/palette.hpp>

namespace vos::web {

/// A frame that a person should look at, and why.
struct WeakSpot {
  enum class Kind : std::uint8_t { none, suspect, lost, unsure } kind = Kind::none;
  std::int64_t frame = -1;
  ObjectId id = 0;
};

/// What is to be drawn over the bars: where a person spoke, and where an object may have become another.
struct TimeMark {
  std::int32_t row = 0, frame = 0, flags = 0;  ///< flags as in wire::ObjectFlags
};

/// What is known of each object in each frame: where it shows, how sure the model is, what is marked. Memory is bounded: of a
/// stream without end the last `frame_limit` frames are kept.
class TimeLine {
 public:
  static constexpr std::int64_t frame_limit = std::int64_t{1} << 17;
  static constexpr std::size_t cell_limit = std::size_t{1} << 23;
  static constexpr float sure = 0.5F;  ///< below it an object is a weak spot

  /// The result of a frame, in place of an earlier one.
  void set(std::int64_t frame, std::span<const wire::FrameObject> objects) {
    if (!reach(frame)) return;
    const auto at = static_cast<std::size_t>(frame - begin_);
    known_[at] = fresh;
    for (auto& [id, row] : rows_)
      if (auto* cell = row.find(frame)) *cell = {};
    for (const auto& object : objects) {
      auto& row = rows_[object.id()];
      const auto before = row.cells.size();
      auto& cell = row.grow(frame);
      cells_ += row.cells.size() - before;
      const float score = object.score();
      cell.score = static_cast<std::uint8_t>(score > 0 ? std::min(score, 1.0F) * 255 : 0);
      cell.bits = static_cast<std::uint8_t>(present | (object.state() == wire::ObjectState::lost ? gone : 0) |
                                            static_cast<unsigned>(object.flags()) << flag_shift);
    }
    if (cells_ > cell_limit) thin();
  }

  /// Results of these frames may no longer hold: they are drawn pale until they come again.
  void doubt(std::int64_t first, std::int64_t last) {
    each_known(first, last, [](std::uint8_t& state) {
      if (state == fresh) state = doubted;
    });
  }
  /// Forgets what is still in doubt.
  void forget_doubted(std::int64_t first, std::int64_t last) {
    each_known(first, last, [](std::uint8_t& state) {
      if (state == doubted) state = unknown;
    });
  }
  void clear() { *this = {}; }

  bool knows(std::int64_t frame) const { return state_of(frame) != unknown; }
  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return begin_ + static_cast<std::int64_t>(known_.size()); }
  std::size_t cells() const { return cells_; }

  /// Draws frames [first,last) into `width` columns, RGBA: row 0 says which frames have a result, then a row for each of `ids`
  /// in its colour, paler where the model is less sure. A column of several frames shows the worst of them.
  void paint(std::int64_t first, std::int64_t last, std::int32_t width, std::span<const ObjectId> ids,
             std::span<const Colour> colours, std::uint8_t* rgba) const {
    std::fill(rgba, rgba + (ids.size() + 1) * static_cast<std::size_t>(width) * 4, std::uint8_t{0});
    for_each_column(first, last, width, [&](std::int32_t x, std::int64_t from, std::int64_t to) {
      int state = unknown;
      for (auto frame = from; frame < to; ++frame) state = std::max<int>(state, state_of(frame));
      if (state != unknown) put(rgba + 4 * x, {128, 128, 128}, state == fresh ? 200 : 70);
    });
    for (std::size_t k = 0; k < ids.size(); ++k) {
      const auto row = rows_.find(ids[k]);
      if (row == rows_.end()) continue;
      auto* line = rgba + (k + 1) * static_cast<std::size_t>(width) * 4;
      for_each_column(first, last, width, [&](std::int32_t x, std::int64_t from, std::int64_t to) {
        int score = 256;
        bool lost = false, stale = false;
        for (auto frame = std::max(from, row->second.first); frame < std::min(to, row->second.end()); ++frame) {
          const auto& cell = *row->second.find(frame);
          const auto state = state_of(frame);
          if ((cell.bits & present) == 0 || state == unknown) continue;
          stale |= state == doubted;
          if ((cell.bits & gone) != 0) lost = true;
          else score = std::min<int>(score, cell.score);
        }
        if (score > 255 && !lost) return;
        const int alpha = score > 255 ? 40 : lost ? 90 : 95 + score * 160 / 255;
        put(line + 4 * x, colours[k], stale ? alpha / 2 : alpha);
      });
    }
  }

  /// Prompts, corrections and suspicions in frames [first,last); at most `to.size()`. Gives their number.
  std::size_t marks(std::int64_t first, std::int64_t last, std::span<const ObjectId> ids,
                    std::span<TimeMark> to) const {
    std::size_t count = 0;
    for (std::size_t k = 0; k < ids.size(); ++k) {
      const auto row = rows_.find(ids[k]);
      if (row == rows_.end()) continue;
      for (auto frame = std::max(first, row->second.first); frame < std::min(last, row->second.end()); ++frame) {
        const auto flags = row->second.find(frame)->bits >> flag_shift;
        if (flags == 0 || !knows(frame)) continue;
        if (count == to.size()) return count;
        to[count++] = {static_cast<std::int32_t>(k), static_cast<std::int32_t>(frame), flags};
      }
    }
    return count;
  }

  /// The next frame behind `from` (or before it: `step` -1) where an object may have become another, is lost or gets unsure.
  WeakSpot next_weak(std::int64_t from, int step, std::span<const ObjectId> ids) const {
    for (auto frame = std::clamp(from, begin_ - 1, end()) + step; frame >= begin_ && frame < end(); frame += step)
      for (const auto id : ids)
        if (const auto kind = weakness(id, frame); kind != WeakSpot::Kind::none) return {kind, frame, id};
    return {};
  }
  std::size_t count_weak(std::span<const ObjectId> ids) const {
    std::size_t count = 0;
    for (const auto id : ids)
      if (const auto row = rows_.find(id); row != rows_.end())
        for (auto frame = row->second.first; frame < row->second.end(); ++frame)
          count += weakness(id, frame) != WeakSpot::Kind::none ? 1 : 0;
    return count;
  }

 private:
  enum State : std::uint8_t { unknown, doubted, fresh };
  static constexpr unsigned present = 1, gone = 2, flag_shift = 2;
  struct Cell {
    std::uint8_t score = 0, bits = 0;
  };
  /// Cells of consecutive frames, from the first in which the object was seen.
  struct Row {
    std::int64_t first = 0;
    std::vector<Cell> cells = {};

    std::int64_t end() const { return first + static_cast<std::int64_t>(cells.size()); }
    const Cell* find(std::int64_t frame) const {
      return frame >= first && frame < end() ? &cells[static_cast<std::size_t>(frame - first)] : nullptr;
    }
    Cell* find(std::int64_t frame) { return const_cast<Cell*>(std::as_const(*this).find(frame)); }
    Cell& grow(std::int64_t frame) {
      if (cells.empty()) first = frame;
      if (frame < first) {
        cells.insert(cells.begin(), static_cast<std::size_t>(first - frame), Cell{});
        first = frame;
      }
      if (frame >= end()) cells.resize(static_cast<std::size_t>(frame - first) + 1);
      return *find(frame);
    }
  };

  State state_of(std::int64_t frame) const {
    return frame >= begin_ && frame < end() ? static_cast<State>(known_[static_cast<std::size_t>(frame - begin_)])
                                            : unknown;
  }

  /// Makes room for a frame; false where it lies before all that is kept.
  bool reach(std::int64_t frame) {
    if (frame < begin_ || frame > std::int64_t{0x7fffffff}) return false;
    if (frame - begin_ >= frame_limit) {
      const auto begin = frame - frame_limit * 7 / 8;
      known_.erase(known_.begin(), known_.begin() + std::min<std::int64_t>(begin - begin_, end() - begin_));
      begin_ = begin;
      for (auto row = rows_.begin(); row != rows_.end();) row = cut(row, begin);
    }
    if (frame >= end()) known_.resize(static_cast<std::size_t>(frame - begin_) + 1, unknown);
    return true;
  }
  std::map<ObjectId, Row>::iterator cut(std::map<ObjectId, Row>::iterator at, std::int64_t begin) {
    auto& row = at->second;
    const auto gone_by = std::clamp<std::int64_t>(begin - row.first, 0, static_cast<std::int64_t>(row.cells.size()));
    row.cells.erase(row.cells.begin(), row.cells.begin() + gone_by);
    row.first += gone_by;
    cells_ -= static_cast<std::size_t>(gone_by);
    return row.cells.empty() ? rows_.erase(at) : std::next(at);
  }
  /// The older half of what is kept goes.
  void thin() {
    const auto half = begin_ + (end() - begin_ + 1) / 2;
    known_.erase(known_.begin(), known_.begin() + (half - begin_));
    begin_ = half;
    for (auto row = rows_.begin(); row != rows_.end();) row = cut(row, half);
  }

  template <class Act>
  void each_known(std::int64_t first, std::int64_t last, Act&& act) {
    for (auto frame = std::max(first, begin_); frame <= std::min(last, end() - 1); ++frame)
      act(known_[static_cast<std::size_t>(frame - begin_)]);
  }

  template <class Column>
  static void for_each_column(std::int64_t first, std::int64_t last, std::int32_t width, Column&& column) {
    const auto frames = std::max<std::int64_t>(last - first, 1);
    for (std::int32_t x = 0; x < width; ++x) {
      const auto from = first + frames * x / width;
      column(x, from, std::max(from + 1, first + frames * (x + 1) / width));
    }
  }

  static void put(std::uint8_t* pixel, Colour colour, int alpha) {
    pixel[0] = colour.r, pixel[1] = colour.g, pixel[2] = colour.b, pixel[3] = static_cast<std::uint8_t>(alpha);
  }

  WeakSpot::Kind weakness(ObjectId id, std::int64_t frame) const {
    const auto row = rows_.find(id);
    const auto* cell = row != rows_.end() && knows(frame) ? row->second.find(frame) : nullptr;
    if (cell == nullptr || (cell->bits & present) == 0) return WeakSpot::Kind::none;
    if ((cell->bits >> flag_shift & static_cast<unsigned>(wire::ObjectFlags::suspect)) != 0)
      return WeakSpot::Kind::suspect;
    const auto* before = knows(frame - 1) ? row->second.find(frame - 1) : nullptr;
    if (before == nullptr || (before->bits & present) == 0 || (before->bits & gone) != 0) return WeakSpot::Kind::none;
    if ((cell->bits & gone) != 0) return WeakSpot::Kind::lost;
    constexpr auto low = static_cast<std::uint8_t>(sure * 255);
    return cell->score < low && before->score >= low ? WeakSpot::Kind::unsure : WeakSpot::Kind::none;
  }

  std::int64_t begin_ = 0;
  std::vector<std::uint8_t> known_;  // a State for each frame from begin_ on
  std::map<ObjectId, Row> rows_;
  std::size_t cells_ = 0;
};

}  // namespace vos::web
