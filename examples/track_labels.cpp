// Gives lasting ids to another detector's label maps: track_labels FRAMES LABELS OUT
//
// FRAMES and LABELS are folders of pictures and of label PNGs in which each object has some number, another one in each
// frame; OUT gets the same maps with ids that stay. What an object looks like is told by its colours.
#include <cmath>
#include <filesystem>
#include <iostream>
#include <vector>

#include <ATen/ops/zeros_like.h>

#include <vos/track/sighting_tracker.hpp>
#include <vos/vos.hpp>

namespace {

// [look]
/// How often each of 6x6x6 colours occurs in an object. Square roots, so that the cosine of two such lists is the share that
/// they have in common (Bhattacharyya).
std::vector<float> colours_of(const at::Tensor& rgb, const at::Tensor& labels, vos::ObjectId id) {
  std::vector<float> histogram(6 * 6 * 6);
  const auto* pixel = rgb.const_data_ptr<std::uint8_t>();
  const auto* label = labels.const_data_ptr<std::int32_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i, pixel += 3)
    if (label[i] == id)
      ++histogram[static_cast<std::size_t>(pixel[0] * 6 / 256 * 36 + pixel[1] * 6 / 256 * 6 + pixel[2] * 6 / 256)];
  for (auto& count : histogram) count = std::sqrt(count);
  return histogram;
}
// [look]

// [sighting]
/// An object of a label map as the tracker wants it.
vos::Sighting sighting_of(const vos::Frame& frame, const at::Tensor& labels, vos::ObjectId id) {
  vos::CellCounts cells(frame.height(), frame.width());
  const auto* label = labels.const_data_ptr<std::int32_t>();
  for (std::int64_t y = 0; y < frame.height(); ++y)
    for (std::int64_t x = 0; x < frame.width(); ++x, ++label)
      if (*label == id) cells.add(y, x);
  return {.query = id, .score = 1, .embedding = colours_of(frame.rgb, labels, id), .mask = cells.mask()};
}
// [sighting]

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) return std::cerr << "usage: track_labels FRAMES LABELS OUT\n", 2;
  const std::filesystem::path in{argv[2]}, out{argv[3]};
  std::filesystem::create_directories(out);
  // [loop]
  vos::SightingTracker tracker;
  vos::VideoReader video{argv[1]};
  for (const vos::Frame& frame : video) {
    const auto name = video.stem(frame) + ".png";
    const auto labels = vos::read_labels(in / name);
    vos::expect_shape(labels, {frame.height(), frame.width()}, "labels of " + name);
    std::vector<vos::Sighting> seen;
    for (const auto& [number, extent] : vos::label_extents(labels)) seen.push_back(sighting_of(frame, labels, number));

    auto lasting = at::zeros_like(labels);
    for (const auto& track : tracker.step(seen))
      if (track.query >= 0) lasting.masked_fill_(labels.eq(track.query), track.id);
    vos::write_labels(out / name, lasting);
  }
  // [loop]
} catch (const vos::Error& error) {
  std::cerr << "track_labels: " << error.what() << '\n';
  return error.parts().exit_code;
}
