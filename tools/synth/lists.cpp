#include "lists.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>
#include <vos/version.hpp>

namespace vos::synth {
namespace {

using Json = nlohmann::ordered_json;

void write_text(const std::filesystem::path& path, const std::string& text) {
  make_folder(path.parent_path());
  write_file(path, text);
}

/// The same for every video of a run.
std::vector<std::string> categories_of(const Options& options) { return options.scene_of(0).categories; }

Json info() { return {{"description", "synthetic videos with exact masks"}, {"version", std::string{vos::version}}}; }

Json category_list(const Options& options) {
  Json list = Json::array();
  for (const auto& name : categories_of(options))
    list.push_back({{"id", list.size() + 1}, {"name", name}, {"supercategory", "synthetic"}});
  return list;
}

Json segmentation(const Rle& mask) { return {{"size", {mask.height, mask.width}}, {"counts", rle_string(mask)}}; }

Json corner_and_size(const Box& box) {
  const auto whole = [](float value) { return static_cast<std::int64_t>(value); };
  return {whole(box.x0), whole(box.y0), whole(box.x1 - box.x0), whole(box.y1 - box.y0)};
}

std::string davis_list(const std::vector<WrittenVideo>& videos) {
  std::string text;
  for (const auto& video : videos) text += video.name + '\n';
  return text;
}

/// Training: the frames in which an object is to be seen. Validation: those that are to be answered, from its first on.
Json ytvos_list(const Options& options, const std::vector<WrittenVideo>& videos) {
  const auto names = categories_of(options);
  Json list = Json::object();
  for (const auto& video : videos) {
    Json objects = Json::object();
    for (const auto& object : video.objects) {
      Json frames = Json::array();
      for (std::size_t t = 0; t < object.frames.size(); ++t)
        if (object.frames[t].area > 0 || (!options.training_split && !frames.empty())) frames.push_back(video.stems[t]);
      if (!frames.empty())
        objects[std::to_string(object.id)] = {{"category", names[static_cast<std::size_t>(object.category)]},
                                              {"frames", std::move(frames)}};
    }
    list[video.name] = {{"objects", std::move(objects)}};
  }
  return {{"videos", std::move(list)}};
}

Json ytvis_list(const Options& options, const std::vector<WrittenVideo>& videos) {
  Json listed = Json::array(), annotations = Json::array();
  for (const auto& video : videos) {
    const auto length = video.stems.size();
    listed.push_back({{"id", listed.size() + 1},
                      {"width", video.width},
                      {"height", video.height},
                      {"length", length},
                      {"file_names", video.pictures}});
    for (const auto& object : video.objects) {
      if (!object.seen()) continue;
      Json masks = Json::array(), boxes = Json::array(), areas = Json::array();
      for (const auto& seen : object.frames) {
        masks.push_back(seen.area > 0 ? segmentation(seen.mask) : Json(nullptr));
        boxes.push_back(seen.area > 0 ? corner_and_size(seen.box) : Json(nullptr));
        areas.push_back(seen.area > 0 ? Json(seen.area) : Json(nullptr));
      }
      annotations.push_back({{"id", annotations.size() + 1},
                             {"video_id", listed.size()},
                             {"category_id", object.category + 1},
                             {"iscrowd", 0},
                             {"width", video.width},
                             {"height", video.height},
                             {"length", length},
                             {"segmentations", std::move(masks)},
                             {"bboxes", std::move(boxes)},
                             {"areas", std::move(areas)}});
    }
  }
  return {{"info", info()},
          {"categories", category_list(options)},
          {"videos", std::move(listed)},
          {"annotations", std::move(annotations)}};
}

Json coco_list(const Options& options, const std::vector<WrittenVideo>& videos) {
  Json images = Json::array(), annotations = Json::array();
  for (const auto& video : videos)
    for (std::size_t t = 0; t < video.stems.size(); ++t) {
      images.push_back({{"id", images.size() + 1},
                        {"file_name", video.pictures[t]},
                        {"width", video.width},
                        {"height", video.height}});
      for (const auto& object : video.objects) {
        const auto& seen = object.frames[t];
        if (seen.area == 0) continue;
        annotations.push_back({{"id", annotations.size() + 1},
                               {"image_id", images.size()},
                               {"category_id", object.category + 1},
                               {"iscrowd", 0},
                               {"area", seen.area},
                               {"bbox", corner_and_size(seen.box)},
                               {"segmentation", segmentation(seen.mask)}});
      }
    }
  return {{"info", info()},
          {"categories", category_list(options)},
          {"images", std::move(images)},
          {"annotations", std::move(annotations)}};
}

std::string list_text(const Options& options, const std::vector<WrittenVideo>& videos) {
  switch (options.layout) {
    case Options::Layout::davis: break;
    case Options::Layout::ytvos: return ytvos_list(options, videos).dump() + '\n';
    case Options::Layout::ytvis: return ytvis_list(options, videos).dump() + '\n';
    case Options::Layout::coco: return coco_list(options, videos).dump() + '\n';
  }
  return davis_list(videos);
}

}  // namespace

void write_list(const Options& options, const std::vector<WrittenVideo>& videos, const std::filesystem::path& root) {
  write_text(root / Places::of(options).list, list_text(options, videos));
}

void write_facts(const Options& options, const std::vector<WrittenVideo>& videos, const std::filesystem::path& root) {
  const auto names = categories_of(options);
  const auto rounded = [](double share) { return std::round(share * 1000) / 1000; };
  Json clips = Json::array();
  for (const auto& video : videos) {
    Json objects = Json::array();
    for (const auto& object : video.objects) {
      Json visibility = Json::array(), occluded = Json::array(), outside = Json::array();
      for (const auto& seen : object.frames) {
        visibility.push_back(rounded(seen.visibility));
        occluded.push_back(rounded(seen.occluded));
        outside.push_back(rounded(seen.outside));
      }
      objects.push_back({{"id", object.id},
                         {"category", names[static_cast<std::size_t>(object.category)]},
                         {"visibility", std::move(visibility)},
                         {"occluded", std::move(occluded)},
                         {"outside", std::move(outside)}});
    }
    clips.push_back(
        {{"name", video.name}, {"input", video.input}, {"stems", video.stems}, {"objects", std::move(objects)}});
  }
  const Json facts{{"made_by", "vos-synth " + std::string{vos::version}},
                   {"scene", options.scene},
                   {"layout", options.layout_name()},
                   {"split", options.training_split ? "train" : "val"},
                   {"seed", options.seed},
                   {"height", videos.front().height},
                   {"width", videos.front().width},
                   {"fps", videos.front().fps},
                   {"pictures", options.png ? Json("png") : Json("jpeg, quality " + std::to_string(options.quality))},
                   {"clips", std::move(clips)}};
  write_text(root / "synth.json", facts.dump() + '\n');
}

}  // namespace vos::synth
