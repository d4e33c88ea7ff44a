#pragma once

/// All transforms.

#include <vos/data/transform.hpp>
#include <vos/data/transform/affine.hpp>
#include <vos/data/transform/categories.hpp>
#include <vos/data/transform/colour.hpp>
#include <vos/data/transform/crop.hpp>
#include <vos/data/transform/flip.hpp>
#include <vos/data/transform/normalise.hpp>
#include <vos/data/transform/sizes.hpp>
