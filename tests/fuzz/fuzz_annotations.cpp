// An annotation file, or results for a video of 5x4 with 2 frames: refused with an Error, or sound to the last mask.
#include <vos/data/annotations.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void decode(const std::vector<vos::AnnotatedTrack>& tracks, const std::vector<vos::AnnotatedVideo>& videos) {
  for (const auto& track : tracks) {
    const auto& video = videos.at(static_cast<std::size_t>(track.video));
    const auto length = static_cast<std::size_t>(video.length);
    expect(track.masks.empty() || track.masks.size() == length);
    expect(track.areas.empty() || track.areas.size() == length);
    expect(!track.mask_at(length - 1).present() || !track.masks.empty());
    for (const auto& mask : track.masks) {
      try {
        const auto rle = vos::rle_at_own_size(mask, video.height, video.width, "mask");
        std::int64_t pixels = 0;
        for (const auto count : rle.counts) pixels += count;
        expect(pixels == rle.pixels());
      } catch (const vos::Error&) {
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  try {
    const auto all = vos::annotations_from(text, "input");
    decode(all.tracks, all.videos);
  } catch (const vos::Error&) {
  }
  try {
    const std::vector<vos::AnnotatedVideo> videos{{.id = 1, .name = "a", .height = 4, .width = 5, .length = 2}};
    const auto results = vos::results_from(text, "input", videos);
    decode(results.tracks, videos);
  } catch (const vos::Error&) {
  }
  return 0;
}
