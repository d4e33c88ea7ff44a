#pragma once

#include <vos/data/catalog.hpp>
#include <vos/data/catalog/recognise.hpp>

namespace vos {

VOS_INLINE Catalog open_catalog(const CatalogSpec& spec) {
  const auto found = detail::recognise_one(spec);
  auto catalog = detail::read_recognised(found, spec);
  detail::expect_videos(catalog, found);
  return catalog;
}

}  // namespace vos
