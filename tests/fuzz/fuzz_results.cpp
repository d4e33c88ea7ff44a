// results.json as label maps: refused with an Error, or label maps of one size a video that show listed objects alone.
#include <vos/io/label_results.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

/// A truth that is asked for names alone.
struct Names final : vos::LabelStore {
  Names() { set_frames({{"ant", {"0", "1", "2"}}, {"bee", {"0", "1"}}}); }
  vos::LabelImage read(const std::string&, const std::string&) const override { return {}; }
  std::string where(const std::string&, const std::string&) const override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Names truth;
  try {
    const vos::LabelResults results("fuzz/results.json", std::vector<std::uint8_t>{data, data + size}, truth);
    for (const auto& [sequence, stems] : results.frames()) {
      expect(truth.frames().at(sequence) == stems);
      for (const auto& stem : stems) {
        expect(results.has(sequence, stem));
        if (results.pixels(sequence) > (1 << 16)) continue;  // sound, and slow
        const auto image = results.read(sequence, stem);
        expect(image.height * image.width == results.pixels(sequence));
        for (const auto id : image.ids) expect(id >= 0);
      }
    }
  } catch (const vos::Error&) {
  }
  return 0;
}
