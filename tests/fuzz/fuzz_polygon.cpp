// Height and width (two bytes each), then a JSON list of polygons: refused with an Error, or a sound mask.
#include <vos/data/mask_rle.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::int64_t height = data[0] << 8 | data[1], width = data[2] << 8 | data[3];
  const vos::MaskText text{.form = vos::MaskText::Form::polygons,
                           .json = {reinterpret_cast<const char*>(data) + 4, size - 4}};
  try {
    const auto rle = vos::rle_from(text, height, width, "input");
    if (!(vos::rle_from_counts(height, width, rle.counts) == rle)) std::abort();
    if (!(vos::rle_from_string(height, width, vos::rle_string(rle)) == rle)) std::abort();
  } catch (const vos::Error&) {
  }
  return 0;
}
