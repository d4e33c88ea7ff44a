#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <vos/error.hpp>

namespace vos {

/// Where a stage of a pyramid stands. Stage 1 has stride 4, each later one twice the one before, until `output_stride`:
/// from there on dilation takes the place of stride, as in torchvision's replace_stride_with_dilation.
struct StagePlan {
  std::int64_t stride = 4;          ///< of the stage's map, in image pixels
  std::int64_t step = 1;            ///< stride of its first block
  std::int64_t first_dilation = 1;  ///< of its first block: the stage before sets it
  std::int64_t dilation = 1;        ///< of its other blocks
};

inline StagePlan stage_plan(std::int64_t stage, std::int64_t output_stride) {
  const auto stride_of = [&](std::int64_t s) { return std::min(std::int64_t{2} << s, output_stride); };
  const auto dilation_of = [&](std::int64_t s) { return (std::int64_t{2} << s) / stride_of(s); };
  const auto before = std::max<std::int64_t>(stage - 1, 1);
  return {.stride = stride_of(stage),
          .step = stride_of(stage) / stride_of(before),
          .first_dilation = dilation_of(before),
          .dilation = dilation_of(stage)};
}

/// What all backbones of four stages ask of their options.
inline void expect_stages(const std::string& name, std::int64_t first_level, std::int64_t stages,
                          std::int64_t output_stride) {
  const auto refuse = [&](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = "options of " + name, .mend = mend, .exit_code = exit_code::usage});
  };
  if (stages < 1 || stages > 4) refuse("there is no stage " + std::to_string(stages), "stages go from 1 to 4");
  if (first_level < 1 || first_level > stages)
    refuse("the first level is stage " + std::to_string(first_level),
           "pick a stage that is built: 1 to " + std::to_string(stages));
  if (output_stride != 4 && output_stride != 8 && output_stride != 16 && output_stride != 32)
    refuse("the output stride is " + std::to_string(output_stride), "pick 4, 8, 16 or 32");
}

}  // namespace vos
