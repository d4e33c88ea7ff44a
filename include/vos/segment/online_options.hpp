#pragma once

namespace vos {

struct OnlineOptions {
  double prompt_overlap = 0.5;

  void visit(auto&& field) {
    field("prompt_overlap", prompt_overlap, "a given mask is the detection that overlaps it by at least this IoU");
  }
};

}  // namespace vos
