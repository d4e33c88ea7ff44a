#pragma once

#include <algorithm>
#include <string>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/annotation_files.hpp>
#include <vos/data/catalog/json_kind.hpp>
#include <vos/data/catalog/listing.hpp>

namespace vos::detail {

inline constexpr const char* ytvis_needs =
    "a JSON file with a list 'videos' (SPLIT.json, SPLIT/instances.json, annotations/SPLIT.json, "
    "annotations_SPLIT.json) and "
    "its images in SPLIT/JPEGImages or SPLIT";

inline std::string ytvis_sign(FolderView& root) { return annotation_sign(root, JsonKind::videos, "videos"); }

/// YouTube-VIS 2019, 2021, 2022 and OVIS: one form, which of them the categories tell.
inline void read_ytvis(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  read_annotation_file(spec, root, JsonKind::videos, catalog);
  const auto has = [&](const char* name) {
    return std::any_of(catalog.categories.begin(), catalog.categories.end(),
                       [&](const auto& category) { return lower_case(category.name) == name; });
  };
  const bool forty = catalog.categories.size() == 40;
  const std::string name = catalog.categories.size() == 25 && has("poultry") ? "OVIS"
                           : forty && has("sedan")                           ? "YouTube-VIS 2019"
                           : forty && has("flying_disc")                     ? "YouTube-VIS 2021 or 2022"
                                                                             : "the form of YouTube-VIS";
  catalog.taken_for = name + ", split " + catalog.split + catalog.taken_for;
}

}  // namespace vos::detail
