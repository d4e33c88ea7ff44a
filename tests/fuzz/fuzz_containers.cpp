// What is read of an image or a video before a decoder sees it: where an image ends, and the index of an MP4.
#include <vos/io/mp4_boxes.hpp>
#include <vos/io/whole_image.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vos::image_is_whole({data, size});
  std::vector<std::uint8_t> index{data, data + size};
  const bool shifted = vos::detail::shift_chunk_offsets(index, 0, index.size(), 1000);
  if (index.size() != size) std::abort();
  if (!shifted) return 0;
  if (!vos::detail::shift_chunk_offsets(index, 0, index.size(), static_cast<std::uint64_t>(-1000)))
    return 0;  // 32 bits would overflow
  if (index != std::vector<std::uint8_t>{data, data + size}) std::abort();
  return 0;
}
