#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/wire/mask_layer.hpp>
#include <vos/wire/mask_rows.hpp>
#include <vos/wire/mask_shift.hpp>

namespace vos {

/// Why the bytes of a frame's masks were not taken.
enum class MaskFault : std::uint8_t {
  none,
  cut,      ///< they end too early
  version,  ///< written by a newer form
  size,     ///< a size, a number of objects or an id beyond what is allowed
  no_base,  ///< a difference, and the map that it builds on is not here
  damaged,  ///< they make no sense, or not the map that was encoded
};

inline std::string_view text_of(MaskFault fault) {
  switch (fault) {
    case MaskFault::none: return "sound";
    case MaskFault::cut: return "the masks end too early";
    case MaskFault::version: return "the masks are in a form that this program does not know";
    case MaskFault::size: return "the masks claim a size, a number of objects or an id beyond the limits";
    case MaskFault::no_base: return "the masks are the difference to a frame that is not here";
    case MaskFault::damaged: return "the masks are damaged";
  }
  return "";
}

namespace detail {

/// The first byte of a frame's masks: the form in the upper half, flags below.
namespace mask_head {
inline constexpr unsigned form = 1, delta = 1, overlapping = 2, same_ids = 4;
}  // namespace mask_head

/// Pixels looked at one by one, and runs copied from row to row, in a frame: far beyond any picture, but an end to the time
/// and the memory that a few bytes can cost.
inline constexpr std::int64_t mask_work_limit = std::int64_t{1} << 25;

/// Which layers and slots of `base` are those of `now`, and how far each moved.
template <class Coder>
std::vector<SlotShift> code_shifts(Coder& coder, MaskModel& model, const MaskFrame& base, const MaskFrame& now,
                                   const std::vector<SlotShift>& given, bool& sound) {
  std::vector<SlotShift> shifts(base.ids.size());
  std::size_t j = 0;
  const auto number = [&](std::int32_t value, std::int64_t limit) -> std::int32_t {
    if (coder.bit(model[mask_bits::still], value == 0)) return 0;
    const bool left = coder.bits(1, value < 0 ? 1 : 0) != 0;
    const auto size =
        code_number(coder, model, mask_bits::shift, static_cast<std::uint32_t>(value < 0 ? -value : value) - 1);
    if (size >= limit) sound = false;
    return left ? -1 - static_cast<std::int32_t>(size) : 1 + static_cast<std::int32_t>(size);
  };
  for (std::size_t i = 0; i < base.ids.size() && sound; ++i) {
    while (j < now.ids.size() && now.ids[j] < base.ids[i]) ++j;
    if (j == now.ids.size() || now.ids[j] != base.ids[i]) continue;
    shifts[i].slot = static_cast<std::uint16_t>(j + 1);
    const auto& to = Coder::encodes ? given[i] : SlotShift{};
    if (!coder.bit(model[mask_bits::moved], to.x != 0 || to.y != 0)) continue;
    shifts[i].x = number(to.x, now.width);
    shifts[i].y = number(to.y, now.height);
  }
  return shifts;
}

/// Codes the layers of `now`, all that stands in a frame's bytes behind its ids.
template <class Coder, bool delta, class Frame>
bool code_layers(Coder& coder, MaskModel& model, const MaskFrame* base, Frame& now,
                 const std::vector<SlotShift>& given) {
  auto work = mask_work_limit;
  static const MaskRows nothing;
  std::vector<SlotShift> shifts;
  if constexpr (delta) {
    bool sound = true;
    shifts = code_shifts(coder, model, *base, now, given, sound);
    if (!sound) return false;
  }
  const auto code = [&](auto& layer, std::uint32_t slots, const MaskRows& before) {
    return MaskLayerCoder<Coder, delta>{coder, model, now.height, now.width, slots, layer, before}.run(work);
  };
  const auto slots = static_cast<std::uint32_t>(now.ids.size());
  if (!now.overlapping) {
    if constexpr (delta) {
      if (leaves_all(shifts)) return code(now.layers[0], slots, base->layers[0]);
      return code(now.layers[0], slots, shifted(base->layers[0], now.width, shifts));
    } else {
      return code(now.layers[0], slots, nothing);
    }
  }
  MaskRows blank;
  blank.ends.assign(static_cast<std::size_t>(now.height), 0);
  std::size_t i = 0;
  for (std::size_t k = 0; k < now.layers.size(); ++k) {
    bool sound = true;
    if constexpr (delta) {
      while (i < base->ids.size() && base->ids[i] < now.ids[k]) ++i;
      if (i == base->ids.size() || base->ids[i] != now.ids[k]) sound = code(now.layers[k], 1, blank);
      else if (shifts[i].x == 0 && shifts[i].y == 0) sound = code(now.layers[k], 1, base->layers[i]);
      else sound = code(now.layers[k], 1, shifted(base->layers[i], now.width, {{1, shifts[i].x, shifts[i].y}}));
    } else {
      sound = code(now.layers[k], 1, nothing);
    }
    if (!sound) return false;
  }
  return true;
}

/// Reads the numbers in front of the coded rows: little groups of seven bits, lowest first, the last below 128.
class MaskHeadReader {
 public:
  explicit MaskHeadReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint32_t byte() { return at_ < bytes_.size() ? bytes_[at_++] : (cut_ = true, 0U); }
  std::uint32_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto group = byte();
      value |= std::uint64_t{group & 127U} << shift;
      if (group < 128) return value > 0x7fffffffU ? 0xffffffffU : static_cast<std::uint32_t>(value);
    }
    return 0xffffffffU;  // beyond every limit
  }
  std::uint32_t word() {
    const auto low = byte();
    return low | byte() << 8;
  }
  bool cut() const { return cut_; }
  std::span<const std::uint8_t> rest() const { return bytes_.subspan(at_); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool cut_ = false;
};

}  // namespace detail

/// True where `bytes` are the difference to another frame's masks.
inline bool is_mask_delta(std::span<const std::uint8_t> bytes) {
  return !bytes.empty() && (bytes[0] & detail::mask_head::delta) != 0;
}

/// Reads the masks of a frame. `base` is the frame that was shown last, for differences; null or empty where there is none. On a
/// fault `to` is unchanged. Whatever the bytes, time and memory are bounded and nothing is thrown but for want of memory.
inline MaskFault decode_masks(std::span<const std::uint8_t> bytes, const MaskFrame* base, MaskFrame& to) {
  using namespace detail;
  MaskHeadReader head{bytes};
  const auto first = head.byte();
  if (head.cut()) return MaskFault::cut;
  if (first >> 4 != mask_head::form || (first & 8U) != 0) return MaskFault::version;
  const bool delta = (first & mask_head::delta) != 0;
  MaskFrame now;
  now.overlapping = (first & mask_head::overlapping) != 0;
  const auto check = head.word();
  if (delta) {
    const auto wanted = head.word();
    if (head.cut()) return MaskFault::cut;
    if (base == nullptr || base->height < 1 || now.overlapping != base->overlapping ||
        (fingerprint(*base) & 0xffffU) != wanted)
      return MaskFault::no_base;
    now.height = base->height, now.width = base->width;
  } else {
    now.height = head.number(), now.width = head.number();
    if (head.cut()) return MaskFault::cut;
    if (now.height < 1 || now.width < 1 || now.height > mask_side_limit || now.width > mask_side_limit ||
        now.height * now.width > mask_pixel_limit)
      return MaskFault::size;
  }
  if ((first & mask_head::same_ids) != 0) {
    if (!delta) return MaskFault::damaged;
    now.ids = base->ids;
  } else {
    const auto count = head.number();
    // An id takes a byte at least: a count cannot claim more than came.
    if (head.cut() || (count <= mask_object_limit && count > head.rest().size())) return MaskFault::cut;
    if (count > mask_object_limit) return MaskFault::size;
    now.ids.reserve(count);
    std::int64_t id = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      id += std::int64_t{head.number()} + 1;
      if (id > 0x7fffffff) return MaskFault::size;
      now.ids.push_back(static_cast<ObjectId>(id));
    }
    if (head.cut()) return MaskFault::cut;
  }
  const std::size_t layers = now.overlapping ? now.ids.size() : 1;
  if (!fits_mask_limits(layers, now.height, now.width)) return MaskFault::size;
  now.layers.resize(layers);
  RangeDecoder coder{head.rest()};
  MaskModel model{delta};
  const bool sound = delta ? code_layers<RangeDecoder, true>(coder, model, base, now, {})
                           : code_layers<RangeDecoder, false>(coder, model, nullptr, now, {});
  if (coder.overrun()) return MaskFault::cut;
  if (!sound || !coder.exhausted() || (fingerprint(now) & 0xffffU) != check) return MaskFault::damaged;
  to = std::move(now);
  return MaskFault::none;
}

}  // namespace vos
