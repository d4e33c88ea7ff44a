// How fast clips come from disk: images a second at 480p for 1, 2 and 4 workers, without and with the usual augmentation,
// and what each part of it costs.
//
//   loader [SECONDS]     measures each line for that long (3)
//
// The pictures are JPEGs of synthetic scenes with palette masks, laid out as DAVIS is, in a temporary folder.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>

#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/data/catalog_dataset.hpp>
#include <vos/data/loader.hpp>
#include <vos/data/pseudo_clip.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/transforms.hpp>
#include <vos/io/files.hpp>
#include <vos/io/image_files.hpp>
#include <vos/io/label_files.hpp>

namespace {

using namespace vos;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// 480p videos with 3 objects and a few more.
Catalog written(const std::filesystem::path& root) {
  Catalog catalog{.root = root};
  for (const std::string scene : {"demo", "crossing,objects=3", "occlusion", "deforming"}) {
    const SceneRenderer renderer{scene_from(scene)};
    CatalogVideo video{.name = scene.substr(0, scene.find(','))};
    make_folder(root / video.name);
    for (std::int64_t t = 0; t < 12; ++t) {
      const auto picture = renderer.render(t * 5);
      const auto stem = root / video.name / std::to_string(t);
      video.frames.push_back({std::to_string(t), stem.string() + ".jpg", stem.string() + ".png"});
      cv::Mat bgr;
      cv::cvtColor(mat_of(picture.rgb), bgr, cv::COLOR_RGB2BGR);
      cv::imwrite(video.frames.back().image.string(), bgr, {cv::IMWRITE_JPEG_QUALITY, 95});
      write_labels(video.frames.back().labels, picture.labels);
    }
    catalog.videos.push_back(video);
  }
  return catalog;
}

// [recipes]
/// AOT's second stage: scale, crop, flip, pad.
Transforms aot() {
  Transforms all;
  all.then(RandomScale{}).then(BalancedCrop{}).then(Flip{}).then(Pad{{.height = 465, .width = 465}});
  return all;
}

/// DeAOT's: the same and colours, frame by frame.
Transforms deaot() {
  auto all = aot();
  all.then(ColourJitter{{.probability = 0.8, .per_frame = true}})
      .then(Greyscale{{.per_frame = true}})
      .then(Blur{{.per_frame = true}});
  return all;
}

/// VITA's: half of the clips resized and cropped on a way, all resized to a choice of edges, flipped.
Transforms vita() {
  Transforms moved, all;
  moved.then(ResizeEdge{{.edges = {400, 500, 600}, .longest = 1333}}).then(RandomCrop{{.moving = true}});
  all.then(Sometimes{.what = moved}).then(ResizeEdge{}).then(Flip{});
  return all;
}
// [recipes]

/// Images a second, and the processor's milliseconds for each: those do not depend on what else the machine does.
struct Rate {
  double images, milliseconds;
};

Rate rate(const CatalogDataset& dataset, int workers, double seconds) {
  Loader loader{dataset, {.batch = 2, .workers = workers}};
  for (int i = 0; i < 3; ++i) loader.next();
  const auto begin = Clock::now();
  const auto busy = std::clock();
  double images = 0;
  while (seconds_since(begin) < seconds) images += static_cast<double>(loader.next().frames.size(0)) * 5;
  return {images / seconds_since(begin), static_cast<double>(std::clock() - busy) * 1e3 / CLOCKS_PER_SEC / images};
}

template <class Act>
void line(const std::string& name, const Act& act) {
  double best = 1e9;
  const auto begin = Clock::now();
  for (int i = 0; i < 5 || seconds_since(begin) < 0.7; ++i) {
    const auto start = Clock::now();
    act(static_cast<std::uint64_t>(i));
    best = std::min(best, seconds_since(start));
  }
  std::cout << "  " << std::left << std::setw(34) << name << std::right << std::fixed << std::setprecision(2)
            << std::setw(8) << best * 1e3 << " ms\n";
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  cv::setNumThreads(1);
  at::set_num_threads(1);
  const auto root = std::filesystem::temp_directory_path() / "vos-bench-loader";
  const auto catalog = written(root);
  const auto dataset = [&](Transforms transforms) {
    return CatalogDataset{catalog, {.clip = {.length = 5}, .transforms = std::move(transforms), .clips_per_video = 16}};
  };

  std::cout << "one frame of 854x480, one thread, the best of many:\n";
  const auto& file = catalog.videos[0].frames[0];
  line("decode JPEG", [&](std::uint64_t) { return read_image(file.image); });
  line("decode palette PNG", [&](std::uint64_t) { return read_labels(file.labels); });
  const auto image = dataset({})({1, 0, 0});
  Sample frame{.frames = image.frames.narrow(0, 0, 1).clone(),
               .labels = image.labels.narrow(0, 0, 1).clone(),
               .ids = image.ids,
               .categories = image.categories};
  const auto transform = [&](const std::string& name, const auto& act) {
    line(name, [&](std::uint64_t key) {
      CounterRandom random{key};
      return act(frame, random);
    });
  };
  transform("scale x1.3 (OpenCV cubic)", RandomScale{{.low = 1.3, .high = 1.3}});
  transform("edge 480 to 512 (Pillow linear)", ResizeEdge{{.edges = {512}, .longest = 0}});
  transform("to 465x465 (Pillow linear)", Resize{{465, 465, ResizeKernel::pillow_linear}});
  transform("to 465x465 (Pillow cubic)", Resize{{465, 465, ResizeKernel::pillow_cubic}});
  transform("to 465x465 (OpenCV linear)", Resize{{465, 465, ResizeKernel::opencv_linear}});
  transform("to 465x465 (OpenCV cubic)", Resize{{465, 465, ResizeKernel::opencv_cubic}});
  const auto by_opencv = [&](int filter) {
    cv::Mat made;
    cv::resize(mat_of(frame.frames[0]), made, {465, 465}, 0, 0, filter);
    return made;
  };
  line("  OpenCV itself, linear", [&](std::uint64_t) { return by_opencv(cv::INTER_LINEAR); });
  line("  OpenCV itself, cubic", [&](std::uint64_t) { return by_opencv(cv::INTER_CUBIC); });
  transform("balanced crop", BalancedCrop{});
  transform("flip", Flip{{.probability = 1}});
  transform("affine (linear)", Affine{});
  transform("affine (cubic)", Affine{{.filter = WarpFilter::cubic}});
  transform("brightness", ColourJitter{{0.4, 0, 0, 0}});
  transform("contrast", ColourJitter{{0, 0.4, 0, 0}});
  transform("saturation", ColourJitter{{0, 0, 0.4, 0}});
  transform("hue", ColourJitter{{0, 0, 0, 0.1}});
  transform("greyscale", Greyscale{{1}});
  transform("blur", Blur{{1}});
  line("normalise", [&](std::uint64_t) { return normalised(frame.frames); });

  std::cout << "images a second, clips of 5, batches of 2, " << std::thread::hardware_concurrency() << " processors:\n"
            << "  workers                                  1       2       4   processor time\n";
  const auto rates = [&](const std::string& name, const CatalogDataset& set) {
    std::cout << "  " << std::left << std::setw(34) << name << std::right << std::setprecision(0);
    double least = 1e9;
    for (const int workers : {1, 2, 4}) {
      const auto [images, milliseconds] = rate(set, workers, seconds);
      std::cout << std::setw(8) << images << std::flush;
      least = std::min(least, milliseconds);
    }
    std::cout << std::setprecision(1) << std::setw(8) << least << " ms an image\n";
  };
  rates("decode only", dataset({}));
  rates("VITA's augmentation", dataset(vita()));
  rates("AOT's augmentation", dataset(aot()));
  rates("DeAOT's augmentation", dataset(deaot()));
  std::filesystem::remove_all(root);
}
