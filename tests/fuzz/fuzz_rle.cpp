// Height and width (two bytes each), then COCO's RLE text: refused with an Error, or a mask on which every function agrees.
#include <vos/wire/rle.hpp>
#include <vos/wire/rle_encode.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {
void expect(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::int64_t height = data[0] << 8 | data[1], width = data[2] << 8 | data[3];
  try {
    const auto rle = vos::rle_from_string(height, width, {reinterpret_cast<const char*>(data) + 4, size - 4});
    expect(vos::rle_from_counts(height, width, rle.counts) == rle);
    expect(vos::rle_from_string(height, width, vos::rle_string(rle)) == rle);
    expect(vos::area(vos::intersection(rle, rle)) == vos::area(rle));
    expect(vos::area(vos::union_of(rle, rle)) == vos::area(rle));
    const auto box = vos::box_of(rle);
    expect(box.empty() == (vos::area(rle) == 0) && box.x1 <= static_cast<float>(width) &&
           box.y1 <= static_cast<float>(height));
    if (rle.pixels() > (1 << 20)) return 0;
    const auto mask = vos::mask_from_rle(rle);
    const auto again = vos::rle_from_mask(mask, height, width);
    expect(vos::area(again) == vos::area(rle) && vos::box_of(again) == box);
    expect(vos::area(rle) == 0 || vos::iou(again, rle) == 1);
    expect(vos::mask_from_rle(again) == mask);
  } catch (const vos::Error&) {
  }
  return 0;
}
