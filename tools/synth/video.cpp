#include "video.hpp"

#include <algorithm>
#include <span>

#include <vos/data/synthetic.hpp>
#include <vos/io/files.hpp>
#include <vos/io/images.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/wire/rle_encode.hpp>

namespace vos::synth {
namespace {

namespace fs = std::filesystem;

void write_label_file(const fs::path& path, std::span<const ObjectId> ids, const Scene& scene) {
  write_file(path, png_from_labels(ids, scene.height, scene.width, path.string()));
}

/// The label map with only the objects that no frame before has shown.
std::vector<ObjectId> newcomers(std::span<const ObjectId> ids, const Rendered& drawn, const WrittenVideo& video) {
  std::vector<bool> is_new(drawn.objects.size() + 1);
  for (const auto& object : video.objects)
    is_new[static_cast<std::size_t>(object.id)] =
        object.frames.back().area > 0 && std::count_if(object.frames.begin(), object.frames.end(),
                                                       [](const auto& sighting) { return sighting.area > 0; }) == 1;
  std::vector<ObjectId> kept(ids.begin(), ids.end());
  for (auto& id : kept)
    if (!is_new[static_cast<std::size_t>(id)]) id = 0;
  return kept;
}

void note(WrittenVideo& video, const Rendered& drawn, std::span<const ObjectId> ids, bool with_masks) {
  std::map<ObjectId, Rle> masks;
  if (with_masks) masks = rles_from_labels(ids, video.height, video.width);
  for (std::size_t i = 0; i < drawn.objects.size(); ++i) {
    const auto& seen = drawn.objects[i];
    Sighting sighting{.area = seen.visible,
                      .box = seen.box,
                      .visibility = seen.visibility(),
                      .occluded = seen.occluded(),
                      .outside = seen.outside()};
    if (const auto mask = masks.find(seen.id); mask != masks.end()) sighting.mask = std::move(mask->second);
    video.objects[i].frames.push_back(std::move(sighting));
  }
}

}  // namespace

bool WrittenObject::seen() const {
  return std::any_of(frames.begin(), frames.end(), [](const auto& sighting) { return sighting.area > 0; });
}

std::int64_t WrittenVideo::masks() const {
  std::int64_t count = 0;
  for (const auto& object : objects)
    count += std::count_if(object.frames.begin(), object.frames.end(), [](const auto& each) { return each.area > 0; });
  return count;
}

Places Places::of(const Options& options) {
  const bool training = options.training_split;
  const fs::path short_split = training ? "train" : "val", split = training ? "train" : "valid";
  switch (options.layout) {
    case Options::Layout::davis:
      return {.pictures = "JPEGImages/480p",
              .labels = "Annotations/480p",
              .list = "ImageSets/2017" / fs::path{short_split.string() + ".txt"}};
    case Options::Layout::ytvos:
      return {.pictures = split / "JPEGImages",
              .labels = split / "Annotations",
              .truth = training ? fs::path{} : split / "Truth",
              .list = split / "meta.json"};
    case Options::Layout::ytvis: return {.pictures = split / "JPEGImages", .list = split.string() + ".json"};
    case Options::Layout::coco: break;
  }
  const auto set = short_split.string() + "2017";
  return {.pictures = set, .list = "annotations" / fs::path{"instances_" + set + ".json"}};
}

WrittenVideo write_video(const Options& options, std::int64_t i, const fs::path& root,
                         const std::function<bool()>& step) {
  const SceneRenderer renderer{options.scene_of(i)};
  const auto& scene = renderer.scene();
  const auto places = Places::of(options);
  WrittenVideo video{.name = options.video_name(i),
                     .input = "synthetic:" + options.input(i),
                     .seed = options.seed + i,
                     .height = scene.height,
                     .width = scene.width,
                     .fps = scene.fps};
  for (const auto& sprite : scene.sprites)
    if (sprite.object)
      video.objects.push_back({.id = static_cast<ObjectId>(video.objects.size()) + 1, .category = sprite.category});

  const bool loose = options.layout == Options::Layout::coco;  // its pictures lie side by side, not in a folder each
  for (const auto& folder : {loose ? places.pictures : places.pictures / video.name,
                             places.labels.empty() ? fs::path{} : places.labels / video.name,
                             places.truth.empty() ? fs::path{} : places.truth / video.name})
    if (!folder.empty()) make_folder(root / folder);

  for (std::int64_t frame = 0; frame < scene.frames; frame += options.stride()) {
    const auto drawn = renderer.render(frame);
    const auto stem = detail::numbered_stem(frame);
    const std::span ids{drawn.labels.const_data_ptr<ObjectId>(), static_cast<std::size_t>(drawn.labels.numel())};
    video.stems.push_back(stem);
    video.pictures.push_back(video.name + (loose ? "_" : "/") + stem + (options.png ? ".png" : ".jpg"));
    write_image(root / places.pictures / video.pictures.back(), drawn.rgb, static_cast<int>(options.quality));
    note(video, drawn, ids, places.labels.empty());
    const auto file = fs::path{video.name} / (stem + ".png");
    if (!places.truth.empty()) {
      write_label_file(root / places.truth / file, ids, scene);
      const auto first = newcomers(ids, drawn, video);
      if (std::any_of(first.begin(), first.end(), [](auto id) { return id != 0; }))
        write_label_file(root / places.labels / file, first, scene);
    } else if (!places.labels.empty()) {
      write_label_file(root / places.labels / file, ids, scene);
    }
    if (!step()) break;
  }
  return video;
}

}  // namespace vos::synth
