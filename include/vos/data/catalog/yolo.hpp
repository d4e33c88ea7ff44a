#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/listing.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/catalog/splits.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/error.hpp>

namespace vos::detail {

inline constexpr const char* yolo_needs =
    "images or images/SPLIT or SPLIT/images, and labels in the same way with a text file for each image (CLASS X Y X Y "
    "..., as fractions)";

inline constexpr std::int64_t yolo_class_limit = 100'000;

/// An outline may have thousands of points.
inline constexpr std::size_t yolo_line_limit = std::size_t{1} << 20;

inline bool has_texts(const FolderListing& listing) {
  return std::any_of(listing.files.begin(), listing.files.end(),
                     [](const auto& file) { return file.ends_with(".txt"); });
}

/// Folders of images and of labels that go together, below the root; the split is empty where nothing tells it.
struct YoloFolders {
  std::string split = {}, images = {}, labels = {};
};

/// images/ and labels/ themselves, the folders in them, and, as Roboflow packs, such pairs in the folders of splits.
inline std::vector<YoloFolders> yolo_folders(FolderView& root) {
  std::vector<YoloFolders> all;
  const auto look = [&](FolderView& images, FolderView& labels, YoloFolders folders) {
    if (has_images(images.listing()) && has_texts(labels.listing())) all.push_back(std::move(folders));
  };
  auto& images = root.below("images");
  auto& labels = root.below("labels");
  look(images, labels, {"", "images", "labels"});
  for (const auto& name : images.listing().folders)
    if (labels.has_folder(name))
      look(images.below(name), labels.below(name), {name, "images/" + name, "labels/" + name});
  for (const auto* name : {"train", "valid", "val", "test"})
    if (auto& split = root.below(name); root.has_folder(name))
      look(split.below("images"), split.below("labels"),
           {name, std::string{name} + "/images", std::string{name} + "/labels"});
  return all;
}

inline std::string yolo_sign(FolderView& root) {
  const auto folders = yolo_folders(root);
  if (folders.empty()) return {};
  return "there are " + folders[0].images + " and text files in " + folders[0].labels;
}

/// An object of a label file: its class, and its outline as the JSON of MaskText::Form::fractions.
struct YoloObject {
  std::int64_t category = 0;
  std::string outline = {};
};

/// Reads a line; what is wrong with it, in words, goes to `fault`.
inline std::optional<YoloObject> yolo_object(std::string_view line, std::string& fault) {
  const auto words = words_of(line);
  const auto category = number_from<std::int64_t>(words[0]);
  if (!category || *category < 0 || *category > yolo_class_limit) {
    fault = in_quotes(words[0]) + " is not the number of a class";
    return std::nullopt;
  }
  if (words.size() == 5) {
    fault = "four numbers are a box, not an outline";
    return std::nullopt;
  }
  if (words.size() < 7 || words.size() % 2 == 0) {
    fault = std::to_string(words.size() - 1) + " numbers are not x and y of three points or more";
    return std::nullopt;
  }
  YoloObject object{*category, "[["};
  object.outline.reserve(line.size() + 4);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto number = number_from<double>(words[i]);
    if (!number || !std::isfinite(*number)) {
      fault = in_quotes(words[i]) + " is not a number";
      return std::nullopt;
    }
    if (i > 1) object.outline += ',';
    object.outline += words[i];
  }
  object.outline += "]]";
  return object;
}

/// The names of the classes in a data.yaml: `names: [a, b]`, or below it `- a` or `0: a`. Whatever else is in such a file
/// is passed over.
inline std::map<std::int64_t, std::string> yolo_names(std::string_view text, const std::string& where) {
  std::map<std::int64_t, std::string> names;
  const auto plain = [](std::string_view name) {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\'' || c == '"'; };
    if (const auto comment = name.find(" #"); comment != std::string_view::npos) name = name.substr(0, comment);
    while (!name.empty() && blank(name.back())) name.remove_suffix(1);
    while (!name.empty() && blank(name.front())) name.remove_prefix(1);
    return std::string{name};
  };
  const auto add = [&](std::string_view entry) {  // "a", or "3: a"
    const auto colon = entry.find(':');
    const auto number =
        colon == std::string_view::npos ? std::nullopt : number_from<std::int64_t>(plain(entry.substr(0, colon)));
    if (number && (*number < 0 || *number > yolo_class_limit))
      throw Error({.what = "a class of the number " + std::to_string(*number),
                   .where = where,
                   .mend = "number classes from 0 to " + std::to_string(yolo_class_limit)});
    if (number) names[*number] = plain(entry.substr(colon + 1));
    else names[static_cast<std::int64_t>(names.size())] = plain(entry);
  };
  bool inside = false, bracket = false;
  for (const auto& line : lines_of(text, where, yolo_line_limit)) {
    auto rest = line.text;
    if (!inside && !rest.starts_with("names:")) continue;
    if (!inside) {
      inside = true;
      rest.remove_prefix(6);
      while (rest.starts_with(' ')) rest.remove_prefix(1);
      bracket = rest.starts_with('[') || rest.starts_with('{');
      if (bracket) rest.remove_prefix(1);
      else if (rest.empty()) continue;
      else break;  // a single word: not a list
    }
    if (bracket) {
      const auto end = rest.find_first_of("]}");
      for (const auto& entry : split(rest.substr(0, end), ','))
        if (!plain(entry).empty()) add(entry);
      if (end != std::string_view::npos) break;
    } else if (rest.starts_with("- ")) add(rest.substr(2));
    else if (const auto colon = rest.find(':');
             colon != std::string_view::npos && number_from<std::int64_t>(rest.substr(0, colon)))
      add(rest);
    else break;
    if (names.size() > static_cast<std::size_t>(yolo_class_limit))
      throw Error({.what = "more than " + std::to_string(yolo_class_limit) + " names of classes",
                   .where = where,
                   .mend = "correct the file"});
  }
  return names;
}

inline std::map<std::int64_t, std::string> yolo_names_in(FolderView& root) {
  for (const auto& file : root.listing().files)
    if (file.ends_with(".yaml") || file.ends_with(".yml"))
      if (const auto path = root.path() / file; true)
        if (auto names = yolo_names(read_text(path), path.string()); !names.empty()) return names;
  return {};
}

inline void read_yolo(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  const auto folders = yolo_folders(root);
  const bool flat = folders[0].split.empty();
  std::vector<std::string> splits;
  if (!flat)
    for (const auto& each : folders) splits.push_back(each.split);
  if (!flat || !spec.split.empty()) catalog.split = choose_split(splits, spec.split, root.path().string());
  const auto chosen = std::find_if(folders.begin(), folders.end(),
                                   [&](const YoloFolders& each) { return each.split == catalog.split; });
  const auto images = root.path() / chosen->images, labels = root.path() / chosen->labels;
  catalog.taken_for = "YOLO segmentation" + (catalog.split.empty() ? "" : ", split " + catalog.split);

  std::unordered_map<std::string, std::size_t> by_stem;
  for (const auto& file : image_names(list_folder(images))) {
    const std::string stem{stem_of(file)};
    if (!by_stem.emplace(stem, catalog.videos.size()).second) {
      catalog.findings.push_back(finding("same-stem", place_in(catalog.root, images / file),
                                         "another image is called " + in_quotes(stem) + " too"));
      continue;
    }
    catalog.videos.push_back({.name = stem, .frames = {{stem, images / file, {}}}});
  }
  const auto outlines = std::make_shared<std::deque<std::string>>();  // a deque: MaskTexts look into its strings
  const auto names = yolo_names_in(root);
  std::int64_t classes = names.empty() ? 0 : names.rbegin()->first + 1;
  std::int64_t annotations = 0;
  for (const auto& file : list_folder(labels).files) {
    if (!file.ends_with(".txt") || file == "classes.txt") continue;
    const auto video = by_stem.find(std::string{stem_of(file)});
    const auto where = place_in(catalog.root, labels / file);
    if (video == by_stem.end()) {
      catalog.findings.push_back(finding("mask-without-frame", where, "there is no image " + in_quotes(stem_of(file))));
      continue;
    }
    const auto text = read_text(labels / file);
    for (const auto& line : lines_of(text, where, yolo_line_limit)) {
      const auto place = where + ":" + std::to_string(line.number);
      std::string fault;
      auto object = yolo_object(line.text, fault);
      if (!object) {
        catalog.findings.push_back(finding("bad-label-line", place, fault));
        continue;
      }
      if (!names.empty() && !names.contains(object->category)) {
        catalog.findings.push_back(finding(
            "unknown-category", place,
            "class " + std::to_string(object->category) + " is not among the " + counted(names.size(), "name")));
        continue;
      }
      classes = std::max(classes, object->category + 1);
      outlines->push_back(std::move(object->outline));
      catalog.videos[video->second].objects.push_back(
          {.id = ++annotations,
           .category = static_cast<std::int32_t>(object->category),
           .frames = {0},
           .masks = {{.form = MaskText::Form::fractions, .json = outlines->back()}}});
    }
  }
  for (std::int64_t i = 0; i < classes; ++i) {
    const auto name = names.find(i);
    catalog.categories.push_back({i, name == names.end() ? "class " + std::to_string(i) : name->second});
  }
  catalog.keeps = outlines;
}

}  // namespace vos::detail
