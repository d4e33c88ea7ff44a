#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <vos/data/catalog.hpp>
#include <vos/data/transform.hpp>

namespace vos {

/// Categories by another numbering: what datasets that count theirs differently go through before they are mixed.
struct MapCategories {
  static constexpr std::string_view name = "map-categories";
  std::vector<std::int32_t> to = {};  ///< of category i; -1, and what lies beyond: unknown

  Sample operator()(Sample sample, CounterRandom&) const {
    for (auto& category : sample.categories)
      category =
          category >= 0 && static_cast<std::size_t>(category) < to.size() ? to[static_cast<std::size_t>(category)] : -1;
    return sample;
  }
};

/// To the category of the same name, letter by letter; of no name in `to`: -1.
inline MapCategories map_by_name(const std::vector<CatalogCategory>& from, const std::vector<CatalogCategory>& to) {
  MapCategories map;
  for (const auto& category : from) {
    const auto found =
        std::find_if(to.begin(), to.end(), [&](const auto& other) { return other.name == category.name; });
    map.to.push_back(found == to.end() ? -1 : static_cast<std::int32_t>(found - to.begin()));
  }
  return map;
}

static_assert(Transform<MapCategories>);

}  // namespace vos
