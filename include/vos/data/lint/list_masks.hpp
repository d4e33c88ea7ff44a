#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/data/lint/seen.hpp>
#include <vos/data/mask_rle.hpp>
#include <vos/error.hpp>

namespace vos::detail {

/// How far a polygon may reach over its image, pixels: annotators draw along the border.
inline constexpr double polygon_slack = 1;

/// The largest distance of a polygon's corners to the image they should be in.
inline double reach_outside(const MaskText& mask, std::int64_t height, std::int64_t width, const std::string& where) {
  const bool fractions = mask.form == MaskText::Form::fractions;
  NumberList list{mask.json, where};
  double most = 0;
  list.array([&] {
    std::size_t i = 0;
    list.array([&] {
      const auto side = static_cast<double>(i++ % 2 == 0 ? width : height);
      const auto at = list.number<double>("a coordinate") * (fractions ? side : 1);
      most = std::max({most, -at, at - side});
    });
  });
  return most;
}

/// Decodes the masks that a list gives for frame `t`. `height` and `width` are the list's own, or the image's where it
/// says none.
inline void look_at_listed(const CatalogVideo& video, std::int64_t t, std::int64_t height, std::int64_t width,
                           SeenFrame& seen) {
  for (std::size_t i = 0; i < video.objects.size(); ++i) {
    const auto& object = video.objects[i];
    if (object.masks.empty() || !object.masks[static_cast<std::size_t>(t)].present()) continue;
    const auto& mask = object.masks[static_cast<std::size_t>(t)];
    const bool polygons = mask.form == MaskText::Form::polygons || mask.form == MaskText::Form::fractions;
    const auto where = video.name + ", frame " + video.frames[static_cast<std::size_t>(t)].stem + ", annotation " +
                       std::to_string(object.id);
    const auto found = [&](const char* code, const std::string& what) {
      seen.findings.push_back(finding(code, where, what));
    };
    if (!polygons && (mask.height != height || mask.width != width)) {
      found("rle-size",
            "the mask is " + size_text(mask.height, mask.width) + ", its video " + size_text(height, width));
      continue;
    }
    try {
      const auto pixels = area(rle_from(mask, height, width, where));
      if (const auto reach = polygons ? reach_outside(mask, height, width, where) : 0; reach > polygon_slack)
        found("polygon-outside", "a corner lies " + std::to_string(static_cast<std::int64_t>(reach + 0.5)) +
                                     " pixels outside the " + size_text(height, width) + " image");
      else if (pixels == 0) found("empty-annotation", "the mask has no pixels");
      seen.listed.push_back({static_cast<std::int64_t>(i), pixels});
    } catch (const Error& error) {
      found(polygons ? "bad-polygon" : "rle-damaged", error.parts().what);
    }
  }
}

}  // namespace vos::detail
