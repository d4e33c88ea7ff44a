#pragma once

/// The one header that asks which LibTorch this is.

#include <torch/version.h>

static_assert(TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 7),
              "vos needs LibTorch 2.7 or newer");
