#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include <vos/data/catalog.hpp>

namespace vos::data {

/// The masks of a frame as one label map, int32 [height,width]: ids where masks are label maps, else 1, 2, ... in the
/// order of the video's objects, later ones on top. Masks that cannot be used are left out: the findings tell of them.
at::Tensor labels_of(const Catalog& catalog, const CatalogVideo& video, std::int64_t t, std::int64_t height,
                     std::int64_t width);

}  // namespace vos::data
