#pragma once

#include <string>

#include <vos/data/catalog.hpp>
#include <vos/data/catalog/annotation_files.hpp>
#include <vos/data/catalog/json_kind.hpp>
#include <vos/data/catalog/listing.hpp>

namespace vos::detail {

inline constexpr const char* coco_needs =
    "a JSON file with a list 'images' (annotations/instances_SPLIT.json, SPLIT.json, SPLIT/_annotations.coco.json) and "
    "the "
    "images in SPLIT or images/SPLIT";

inline std::string coco_sign(FolderView& root) { return annotation_sign(root, JsonKind::images, "images"); }

inline void read_coco(const CatalogSpec& spec, FolderView& root, Catalog& catalog) {
  read_annotation_file(spec, root, JsonKind::images, catalog);
  catalog.taken_for = "COCO instances, split " + catalog.split + catalog.taken_for;
}

}  // namespace vos::detail
