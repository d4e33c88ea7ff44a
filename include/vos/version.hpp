#pragma once

namespace vos {

/// Semantic version of the library; the build file reads it from here.
inline constexpr const char* version = "0.1.0";

}  // namespace vos
