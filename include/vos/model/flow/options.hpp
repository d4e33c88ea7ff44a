#pragma once

#include <cstdint>

namespace vos {

/// Tracking without weights. Lengths are pixels of the working picture, whose longer side is `working_side`: at the
/// default, half the size of a 480p frame.
struct FlowOptions {
  std::int64_t working_side = 427;
  double shape = 0.4, local_colour = 0.6, global_colour = 0.4, motion = 0.8, matching = 1.0;
  double smoothness = 1.5;
  double reach = 40;
  double lost_area = 0.1;
  double found_area = 0.3;

  void visit(auto&& field) {
    field("working_side", working_side,
          "longer side at which frames are tracked, pixels; smaller frames keep their size");
    field("shape", shape, "weight of the carried mask's distance");
    field("local_colour", local_colour, "weight of the colours seen nearby in the last frames");
    field("global_colour", global_colour, "weight of the object's colours, in its given mask and since");
    field("motion", motion, "weight of moving as the object does rather than as the background");
    field("matching", matching, "weight of resembling the given mask's frame and the last one");
    field("smoothness", smoothness, "price of an outline through even colour");
    field("reach", reach, "how far from the carried mask an object may be found, working pixels");
    field("lost_area", lost_area, "an object is lost below this share of its usual area");
    field("found_area", found_area, "a lost object is found again above this share of its usual area");
  }
};

}  // namespace vos
