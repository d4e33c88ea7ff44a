/// A contact sheet of synthetic scenes: a row for each, four moments and, in colours, the masks of the last one.
///
///   scenes SHEET.jpg crossing train,seed=7 crowd,look=varied,objects=12 ...

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <opencv2/imgproc.hpp>

#include <vos/data/synthetic.hpp>
#include <vos/io/images.hpp>
#include <vos/wire/palette.hpp>

namespace {

constexpr std::int64_t width = 240, height = 135, moments = 4;

/// The picture with its objects in colour.
void draw_masks(const vos::Rendered& frame) {
  auto* pixel = frame.rgb.mutable_data_ptr<std::uint8_t>();
  const auto* label = frame.labels.const_data_ptr<std::int32_t>();
  for (std::int64_t i = 0; i < frame.labels.numel(); ++i, pixel += 3) {
    const auto colour = vos::object_colour(label[i]);
    const int grey = (pixel[0] + pixel[1] + pixel[2]) / 6;
    const auto mix = [&](std::uint8_t c) {
      return static_cast<std::uint8_t>(label[i] == 0 ? grey : (grey + 3 * c) / 4);
    };
    pixel[0] = mix(colour.r), pixel[1] = mix(colour.g), pixel[2] = mix(colour.b);
  }
}

void draw_row(cv::Mat sheet, const std::string& text) {
  auto scene = vos::scene_from(text);
  scene.width = width, scene.height = height;
  const vos::SceneRenderer renderer{scene};
  for (std::int64_t column = 0; column <= moments; ++column) {
    const auto frame = renderer.render(std::min(column, moments - 1) * scene.frames / moments);
    if (column == moments) draw_masks(frame);
    vos::mat_of(frame.rgb).copyTo(sheet(cv::Rect(static_cast<int>(column * (width + 2)), 0, width, height)));
  }
  for (const auto& [shade, thickness] : {std::pair{0, 3}, std::pair{255, 1}})
    cv::putText(sheet, text, {6, 16}, cv::FONT_HERSHEY_SIMPLEX, 0.45, cv::Scalar::all(shade), thickness, cv::LINE_AA);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> scenes(argv + std::min(argc, 2), argv + argc);
  if (scenes.empty()) {
    std::cerr << "usage: scenes SHEET.jpg SCENE...\n";
    return 2;
  }
  const auto rows = static_cast<std::int64_t>(scenes.size());
  const auto sheet = at::empty({rows * (height + 2), (moments + 1) * (width + 2), 3}, at::kByte).fill_(255);
  for (std::int64_t row = 0; row < rows; ++row)
    draw_row(vos::mat_of(sheet.narrow(0, row * (height + 2), height)), scenes[static_cast<std::size_t>(row)]);
  vos::write_image(argv[1], sheet, 85);
} catch (const vos::Error& error) {
  std::cerr << "scenes: " << error.what() << '\n';
  return error.parts().exit_code;
}
