// Any bytes as a label PNG: refused with an Error or decoded into ids that survive being written and read again.
#include <vos/io/png_labels.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

void decode(std::span<const std::uint8_t> bytes) {
  try {
    const auto image = vos::labels_from_png(bytes, "fuzz");
    if (image.ids.size() != static_cast<std::size_t>(image.height * image.width)) std::abort();
    if (image.ids.size() > (1U << 20)) return;  // large and slow says nothing new
    if (vos::labels_from_png(vos::png_from_labels(image.ids, image.height, image.width, "fuzz"), "fuzz") != image)
      std::abort();
  } catch (const vos::Error&) {
  }
}

/// Makes every chunk's checksum right: a random change never would, and nothing behind the checksum would be reached.
void mend_checksums(std::vector<std::uint8_t>& png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = std::size_t{png[at]} << 24 | png[at + 1] << 16 | png[at + 2] << 8 | png[at + 3];
    if (length > png.size() - at - 12) return;
    std::uint32_t sum = 0xFFFFFFFF;
    for (auto i = at + 4; i < at + 8 + length; ++i) {
      sum ^= png[i];
      for (int k = 0; k < 8; ++k) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xEDB88320 : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) png[at + 8 + length + k] = static_cast<std::uint8_t>(~sum >> (24 - 8 * k));
    at += 12 + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  if (size >= 24 && ((data[16] | data[17] | data[20] | data[21]) != 0 || data[18] > 4 || data[22] > 4))
    return 0;  // large: too slow to repeat
  std::vector<std::uint8_t> mended{data, data + size};
  mend_checksums(mended);
  decode(mended);
  return 0;
}
