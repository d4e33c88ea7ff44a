// Draws docs/images/transforms.png: what each transform makes of a clip.
//
//   transform_sheet OUTPUT.png
//
// The first row is a clip of four frames, every other one what became of it.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/zeros.h>

#include <opencv2/imgproc.hpp>

#include <vos/data/paste.hpp>
#include <vos/data/pseudo_clip.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/transforms.hpp>
#include <vos/io/drawing.hpp>
#include <vos/io/image_files.hpp>

namespace {

using namespace vos;

constexpr std::int64_t tile_height = 84, tile_width = 150, gap = 4, text = 15, columns = 4;

Sample clip_of(std::int64_t length, std::int64_t first, std::uint64_t seed) {
  auto scene = training_scene(seed, {.objects = 3});
  scene.noise = 0;  // it and a rich ground would be most of the file
  scene.ground = {.pattern = Ground::Pattern::plain};
  scene.height = 270, scene.width = 480;
  const SceneRenderer renderer{scene};
  Sample sample{.name = "clip", .ids = {1, 2, 3}, .categories = {0, 0, 0}};
  sample.frames = at::zeros({length, 270, 480, 3}, at::kByte);
  sample.labels = at::zeros({length, 270, 480}, at::kInt);
  for (std::int64_t t = 0; t < length; ++t) {
    const auto picture = renderer.render(first + 8 * t);
    sample.frames[t].copy_(picture.rgb);
    sample.labels[t].copy_(picture.labels);
  }
  return sample;
}

class Sheet {
 public:
  explicit Sheet(std::int64_t rows)
      : rgb_(at::zeros({rows * (tile_height + gap + text), columns * (tile_width + gap), 3}, at::kByte)) {
    rgb_.fill_(255);
  }

  void put(std::int64_t row, std::int64_t column, const at::Tensor& rgb, const at::Tensor& labels,
           const std::string& title) {
    const auto drawn = draw({.rgb = rgb}, {.labels = labels}, {.opacity = 0.35, .ids = false});
    const auto scale = std::min(static_cast<double>(tile_height) / static_cast<double>(drawn.size(0)),
                                static_cast<double>(tile_width) / static_cast<double>(drawn.size(1)));
    const PictureSize size{
        std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(drawn.size(0)) * scale)),
        std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(drawn.size(1)) * scale))};
    const auto small = resize_frames(drawn.unsqueeze(0), size, ResizeKernel::pillow_linear)[0];
    const auto y = row * (tile_height + gap + text), x = column * (tile_width + gap);
    rgb_.narrow(0, y + text, size.height).narrow(1, x, size.width).copy_(small);
    auto view = mat_of(rgb_);
    cv::putText(view, title, {static_cast<int>(x), static_cast<int>(y) + 11}, cv::FONT_HERSHEY_SIMPLEX, 0.36,
                {40, 40, 40}, 1, cv::LINE_AA);
  }

  const at::Tensor& rgb() const { return rgb_; }

 private:
  at::Tensor rgb_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: transform_sheet OUTPUT.png\n";
    return 2;
  }
  const auto clip = clip_of(4, 10, 12);
  struct Row {
    std::string name;
    Sample made;
  };
  std::vector<Row> rows{{"the clip", clip}};
  const auto add = [&](const std::string& name, const auto& transform, std::uint64_t key) {
    CounterRandom random{key};
    rows.push_back({name, transform(clip, random)});
  };
  add("moving crop", RandomCrop{{.least = 120, .most = 200, .moving = true}}, 3);
  add("affine per frame", Affine{}, 5);
  add("slow turn", SlowTurn{}, 2);
  add("pseudo-clip", PseudoClip{{.length = 4, .reach = {.degrees = 30}}}, 8);
  add("jitter per frame", ColourJitter{{.saturation = 0.6, .hue = 0.2, .per_frame = true}}, 6);
  add("blur per frame", Blur{{.probability = 1, .least_sigma = 1, .most_sigma = 9, .per_frame = true}}, 1);
  CounterRandom random{4};
  rows.push_back({"paste", pasted(clip, clip_of(4, 10, 31), {}, random)});

  Sheet sheet{static_cast<std::int64_t>(rows.size())};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    for (std::int64_t t = 0; t < columns; ++t)
      sheet.put(row, t, rows[i].made.frames[t].contiguous(), rows[i].made.labels[t].contiguous(),
                t == 0 ? rows[i].name : "");
  }
  write_image(argv[1], sheet.rgb().bitwise_and(0xF8));  // fewer levels, a third of the file
}
