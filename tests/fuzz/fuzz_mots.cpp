// KITTI-MOTS text: refused with an Error, or written again the same and free of overlaps.
#include <vos/io/mots_text.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {
void expect(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto frames = vos::mots_from_text({reinterpret_cast<const char*>(data), size}, "input");
    std::string text;
    for (const auto& [frame, objects] : frames) {
      std::int64_t covered = 0;
      for (const auto& object : objects) {
        expect(object.id > 0);
        covered += vos::area(object.mask);
        text += vos::mots_line(frame, object);
      }
      expect(!objects.empty() && covered <= objects.front().mask.pixels());
    }
    const auto again = vos::mots_from_text(text, "again");
    expect(again.size() == frames.size());
    for (const auto& [frame, objects] : again)
      for (std::size_t i = 0; i < objects.size(); ++i) expect(objects[i].mask == frames.at(frame).at(i).mask);
  } catch (const vos::Error&) {
  }
  return 0;
}
