/// How many bytes a frame's masks take on the wire, and how long they take to encode and to decode, beside COCO RLE behind zlib.
///
///   wire [FOLDER ...]                 each folder below them that holds label PNGs is a video
///
/// Without a folder: the DAVIS masks in shared/data, or where VOS_DATA says. `vos-synth` writes others. Each frame is read back
/// and compared. Times are one thread's CPU time, medians over frames of the best of ten runs; `scan` finds the rows' runs in
/// the label map, `paint` writes bytes from them for all pixels, and only `encode` and `decode` know the wire. `key` is each
/// frame on its own. RLE is COCO's text of every object, newline between them, through zlib at its usual level.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <zlib.h>

#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>
#include <vos/wire/rle_encode.hpp>

#include "label_videos.hpp"

namespace {

double cpu_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const auto value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

vos::MaskFrame masks_of(const vos::LabelImage& labels) {
  return vos::masks_from_labels(labels.ids, labels.height, labels.width);
}

std::size_t zipped_rle_size(const vos::LabelImage& labels) {
  std::string text;
  for (const auto& [id, rle] : vos::rles_from_labels(labels.ids, labels.height, labels.width))
    text += vos::rle_string(rle) + '\n';
  auto size = compressBound(text.size());
  std::vector<Bytef> to(size);
  if (compress(to.data(), &size, reinterpret_cast<const Bytef*>(text.data()), text.size()) != Z_OK) std::abort();
  return size;
}

struct Measured {
  std::vector<double> bytes = {}, key_bytes = {}, rle_bytes = {}, scan = {}, encode = {}, decode = {}, key_encode = {},
                      key_decode = {}, paint = {};
  std::size_t keys = 0;
};

/// Runs `act` ten times; the least time.
template <class Act>
double timed(Act&& act) {
  double best = 1e9;
  for (int i = 0; i < 10; ++i) {
    const auto begin = cpu_milliseconds();
    act();
    best = std::min(best, cpu_milliseconds() - begin);
  }
  return best;
}

void expect(bool holds, const std::string& name, std::size_t frame) {
  if (holds) return;
  std::fprintf(stderr, "wire: %s, frame %zu does not come back\n", name.c_str(), frame);
  std::exit(1);
}

Measured measure(const std::string& name, const bench::LabelVideo& video) {
  Measured m;
  vos::MaskFrame base;
  for (std::size_t i = 0; i < video.size(); ++i) {
    vos::MaskFrame now, back;
    std::vector<std::uint8_t> bytes;
    const auto fault = [&](const vos::MaskFrame* before) { return vos::decode_masks(bytes, before, back); };
    m.scan.push_back(timed([&] { now = masks_of(video[i]); }));
    m.key_encode.push_back(timed([&] { bytes = vos::encode_masks(now); }));
    m.key_bytes.push_back(static_cast<double>(bytes.size()));
    m.key_decode.push_back(timed([&] { expect(fault(nullptr) == vos::MaskFault::none, name, i); }));
    expect(back == now, name, i);
    const auto* before = i > 0 ? &base : nullptr;
    m.encode.push_back(timed([&] { bytes = vos::encode_masks(now, before); }));
    m.bytes.push_back(static_cast<double>(bytes.size()));
    m.keys += vos::is_mask_delta(bytes) ? 0 : 1;
    m.decode.push_back(timed([&] { expect(fault(before) == vos::MaskFault::none, name, i); }));
    expect(back == now, name, i);
    std::vector<std::uint8_t> picture(video[i].ids.size()), values(now.ids.size() + 1);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<std::uint8_t>(k);
    m.paint.push_back(timed([&] { vos::paint_rows<std::uint8_t>(now.layers[0], now.width, values, picture.data()); }));
    m.rle_bytes.push_back(static_cast<double>(zipped_rle_size(video[i])));
    base = now;
  }
  return m;
}

}  // namespace

int main(int argc, char** argv) try {
  std::vector<std::filesystem::path> roots{argv + 1, argv + argc};
  if (roots.empty()) {
    const char* given = std::getenv("VOS_DATA");
    roots.push_back(std::filesystem::path{given != nullptr ? given : "../shared/data"} / "davis_dev/Annotations");
  }
  std::vector<Measured> all;
  std::printf("%-20s %6s  %7s %7s %7s  %7s %7s %7s %7s  %6s %6s %6s\n", "video", "frames", "bytes", "alone", "RLE+zip",
              "scan ms", "encode", "decode", "paint", "key", "encode", "decode");
  for (const auto& root : roots) {
    if (!std::filesystem::is_directory(root)) {
      std::printf("%s is not here: skipped\n", root.c_str());
      continue;
    }
    for (const auto& [name, video] : bench::label_videos_in(root)) {
      const auto m = all.emplace_back(measure(name, video));
      std::printf("%-20s %6zu  %7.1f %7.1f %7.1f  %7.3f %7.3f %7.3f %7.3f  %6zu %6.3f %6.3f\n", name.c_str(),
                  video.size(), mean(m.bytes), mean(m.key_bytes), mean(m.rle_bytes), median(m.scan), median(m.encode),
                  median(m.decode), median(m.paint), m.keys, median(m.key_encode), median(m.key_decode));
      std::fflush(stdout);
    }
  }
  if (all.empty()) return 0;
  double bytes = 0, keys = 0, rle = 0;
  for (const auto& m : all) bytes += mean(m.bytes), keys += mean(m.key_bytes), rle += mean(m.rle_bytes);
  const auto count = static_cast<double>(all.size());
  std::printf("mean of %zu videos: %.1f bytes a frame, %.1f each on its own, %.1f as RLE\n", all.size(), bytes / count,
              keys / count, rle / count);
} catch (const std::exception& error) {
  std::fprintf(stderr, "wire: %s\n", error.what());
  return 1;
}
