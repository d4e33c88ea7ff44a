#pragma once

#include <string>

#include <vos/train/metrics.hpp>

namespace vos {

/// What a validation says of one of its clips.
struct ClipFigures {
  std::string name = {};
  Metrics metrics = {};
  std::string picture = {};  ///< name of its picture ("best 1"), where it has one
};

}  // namespace vos
