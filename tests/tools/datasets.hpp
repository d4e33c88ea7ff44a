#pragma once

/// Small datasets without fault, rendered and written as training would find them, to plant faults in.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/data/synthetic.hpp>
#include <vos/io/images.hpp>
#include <vos/io/labels.hpp>
#include <vos/wire/rle.hpp>
#include <vos/wire/rle_encode.hpp>

#include "../test.hpp"

namespace vos::test {

inline void put_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << text;
}

inline std::string text_in(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Writes a picture as whatever kind `path` says.
inline void put_picture(const std::filesystem::path& path, const at::Tensor& rgb) {
  std::filesystem::create_directories(path.parent_path());
  cv::Mat bgr;
  cv::cvtColor(mat_of(rgb), bgr, cv::COLOR_RGB2BGR);
  cv::imwrite(path.string(), bgr, {cv::IMWRITE_JPEG_QUALITY, 95});
}

inline std::string frame_name(std::int64_t t) { return "0000" + std::to_string(t); }

inline SceneRenderer small_scene(int seed) {
  return SceneRenderer{scene_from("crossing,objects=2,size=64x48,seed=" + std::to_string(seed))};
}

/// DAVIS 2017 with six videos of six frames, two objects in each: five for training, one for validation.
inline void put_good_davis(const std::filesystem::path& root) {
  const std::vector<std::string> names{"ant", "bat", "cat", "dog", "elk", "fox"};
  for (std::size_t v = 0; v < names.size(); ++v) {
    const auto scene = small_scene(static_cast<int>(v) + 1);
    for (std::int64_t t = 0; t < 6; ++t) {
      const auto picture = scene.render(t);
      put_picture(root / "JPEGImages/480p" / names[v] / (frame_name(t) + ".jpg"), picture.rgb);
      std::filesystem::create_directories(root / "Annotations/480p" / names[v]);
      write_labels(root / "Annotations/480p" / names[v] / (frame_name(t) + ".png"), picture.labels);
    }
  }
  put_text(root / "ImageSets/2017/train.txt", "ant\nbat\ncat\ndog\nelk\n");
  put_text(root / "ImageSets/2017/val.txt", "fox\n");
}

/// YouTube-VIS with two videos of five frames; both objects of the first by RLE, those of the second by polygons.
inline void put_good_ytvis(const std::filesystem::path& root) {
  std::string videos, annotations;
  for (int v = 0; v < 2; ++v) {
    const auto name = "v" + std::to_string(v);
    const auto scene = small_scene(20 + v);
    std::string files, masks[2];
    for (std::int64_t t = 0; t < 5; ++t) {
      const auto picture = scene.render(t);
      put_picture(root / "train/JPEGImages" / name / (frame_name(t) + ".jpg"), picture.rgb);
      files += (t > 0 ? ", \"" : "\"") + name + "/" + frame_name(t) + ".jpg\"";
      const std::span ids{picture.labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(picture.labels.numel())};
      for (const ObjectId id : {1, 2}) {
        const auto corner = std::to_string(10 * id + t);
        masks[id - 1] += (t > 0 ? ", " : "") + (v == 0 ? "{\"size\": [48, 64], \"counts\": \"" +
                                                             rle_string(rle_from_labels(ids, 48, 64, id)) + "\"}"
                                                       : "[[" + corner + ", 5, " + corner + ", 30, 50, 40]]");
      }
    }
    const auto comma = v > 0 ? ",\n" : "";
    videos += comma + ("{\"id\": " + std::to_string(v + 1)) +
              ", \"height\": 48, \"width\": 64, \"length\": 5, \"file_names\": [" + files + "]}";
    for (int i = 0; i < 2; ++i)
      annotations += (annotations.empty() ? "" : ",\n") + ("{\"id\": " + std::to_string(2 * v + i + 1)) +
                     ", \"video_id\": " + std::to_string(v + 1) + ", \"category_id\": " + std::to_string(i + 1) +
                     ", \"iscrowd\": 0, \"segmentations\": [" + masks[i] + "]}";
  }
  std::string escaped;  // COCO's text may hold a backslash
  for (const char c : annotations) escaped += c == '\\' ? std::string{"\\\\"} : std::string{c};
  put_text(root / "train.json",
           "{\"videos\": [" + videos +
               "],\n\"categories\": [{\"id\": 1, \"name\": \"cat\"}, {\"id\": 2, \"name\": \"dog\"}],\n" +
               "\"annotations\": [" + escaped + "]}");
}

/// Replaces the first `old` in a text file, which must be there.
inline void replace_in(const std::filesystem::path& path, const std::string& old, const std::string& fresh) {
  auto text = text_in(path);
  const auto at = text.find(old);
  REQUIRE(at != std::string::npos);
  put_text(path, text.replace(at, old.size(), fresh));
}

}  // namespace vos::test
