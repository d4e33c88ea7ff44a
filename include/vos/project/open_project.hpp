#pragma once

/// The body behind `open_project`.

#include <memory>
#include <string>

#include <vos/project/project.hpp>
#if VOS_OPENCV
#include <vos/project/model_project.hpp>
#else
#include <vos/error.hpp>
#endif

namespace vos {

VOS_INLINE std::unique_ptr<Project> open_project(const ProjectSpec& spec, const std::string& saved) {
#if VOS_OPENCV
  return std::make_unique<ModelProject>(spec, saved);
#else
  throw Error({.what = "projects need OpenCV, libpng and libzip, and this build is without",
               .where = (static_cast<void>(saved), spec.input),
               .mend = "install libopencv-dev, libpng-dev and libzip-dev and build again (./vos doctor)"});
#endif
}

}  // namespace vos
