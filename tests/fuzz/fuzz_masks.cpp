// The first byte chooses. 'b': frames of masks as they come from the wire, each behind its length (two bytes), each the base
// of the next. 'r': height, width, ids and a flag, then the coded rows of two frames, without the checks that would hold most
// bytes off. 'm': two label maps, pixel by pixel. Refused, or a frame that goes the whole way round unchanged.
#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {
using Bytes = std::span<const std::uint8_t>;

void expect(bool holds) {
  if (!holds) std::abort();
}

void expect_sound(const vos::MaskFrame& frame) {
  expect(frame.layers.size() == (frame.overlapping ? frame.ids.size() : 1));
  for (const auto& layer : frame.layers) {
    expect(static_cast<std::int64_t>(layer.height()) == frame.height);
    for (std::size_t y = 0; y < layer.height(); ++y) {
      vos::MaskRun last{};
      std::int64_t x = -1;
      for (const auto& run : layer.row(y)) {
        expect(run.x > x && run.x < frame.width && run.slot != last.slot);
        expect(run.slot <= (frame.overlapping ? 1 : frame.ids.size()));
        last = run, x = run.x;
      }
    }
  }
}

/// As it is and as the difference to `base`, and through pixels.
void expect_returns(const vos::MaskFrame& frame, const vos::MaskFrame& base) {
  expect_sound(frame);
  vos::MaskFrame again;
  expect(vos::decode_masks(vos::encode_masks(frame), nullptr, again) == vos::MaskFault::none && again == frame);
  const auto delta = vos::encode_masks(frame, &base);
  expect(vos::decode_masks(delta, &base, again) == vos::MaskFault::none && again == frame);
  if (frame.overlapping) return;
  std::vector<vos::ObjectId> labels(static_cast<std::size_t>(frame.height * frame.width));
  vos::labels_from_masks(frame, labels.data());
  expect(vos::masks_from_labels(labels, frame.height, frame.width, frame.ids) == frame);
}

/// True for small frames: a claim of many pixels is cheap to make and slow to follow ten million times.
bool small(Bytes bytes) {
  if (bytes.size() < 3 || (bytes[0] & 1U) != 0) return true;
  vos::detail::MaskHeadReader head{bytes.subspan(3)};
  const std::uint64_t height = head.number(), width = head.number();
  return height * width <= 1 << 14 || height * width > std::uint64_t{vos::mask_pixel_limit};
}

void read_frames(Bytes bytes) {
  vos::MaskFrame base;
  bool has_base = false;
  while (bytes.size() > 2) {
    const auto size = std::min<std::size_t>(bytes[0] << 8 | bytes[1], bytes.size() - 2);
    const auto message = bytes.subspan(2, size);
    bytes = bytes.subspan(2 + size);
    if (!small(message)) return;
    vos::MaskFrame frame;
    if (vos::decode_masks(message, has_base ? &base : nullptr, frame) != vos::MaskFault::none) continue;
    expect_returns(frame, has_base ? base : frame);
    base = frame;
    has_base = true;
  }
}

void read_rows(Bytes bytes) {
  if (bytes.size() < 6) return;
  vos::MaskFrame key;
  key.height = bytes[0] % 40 + 1, key.width = bytes[1] % 80 + 1;
  key.overlapping = (bytes[2] & 1U) != 0;
  vos::ObjectId id = 0;
  for (int i = 0; i < bytes[3] % 8; ++i) key.ids.push_back(id += 1 + (bytes[2] >> 1));
  key.layers.resize(key.overlapping ? key.ids.size() : 1);
  auto next = key;
  if ((bytes[4] & 1U) != 0 && !next.ids.empty()) {  // an object goes, another comes
    next.ids.front() = id + 1;
    std::sort(next.ids.begin(), next.ids.end());
  }
  const auto split = std::min<std::size_t>(bytes[5], bytes.size() - 6);
  vos::RangeDecoder first{bytes.subspan(6, split)}, second{bytes.subspan(6 + split)};
  vos::detail::MaskModel key_model{false}, delta_model{true};
  if (!vos::detail::code_layers<vos::RangeDecoder, false>(first, key_model, nullptr, key, {})) return;
  expect_returns(key, key);
  if (!vos::detail::code_layers<vos::RangeDecoder, true>(second, delta_model, &key, next, {})) return;
  expect_returns(next, key);
}

void read_maps(Bytes bytes) {
  if (bytes.size() < 3) return;
  const std::int64_t width = bytes[0] % 64 + 1;
  const auto scale = bytes[1] + 1;
  bytes = bytes.subspan(2);
  const auto pixels = static_cast<std::int64_t>(bytes.size()) / 2 / width * width;
  if (pixels == 0) return;
  const auto frame = [&](Bytes from) {
    std::vector<vos::ObjectId> labels;
    for (const auto byte : from) labels.push_back((byte & 15) * scale * ((byte & 1) != 0 ? 65537 : 1));
    return vos::masks_from_labels(labels, pixels / width, width);
  };
  const auto size = static_cast<std::size_t>(pixels);
  expect_returns(frame(bytes.subspan(size, size)), frame(bytes.subspan(0, size)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes{data + 1, size - 1};
  if (data[0] == 'b') read_frames(bytes);
  else if (data[0] == 'r') read_rows(bytes);
  else if (data[0] == 'm') read_maps(bytes);
  return 0;
}
