#pragma once

#include <string>
#include <vector>

#include <vos/weights/checkpoint.hpp>
#include <vos/weights/select.hpp>

namespace vos::weights {

/// Something that a file holds beside its weights: an optimizer, an epoch, another copy of the weights.
struct BesideNode {
  /// "optimizer"; "training/epoch" where the weights lie deeper. In a file of ours without the '@', and each tensor has one of
  /// its own: "optimizer/state/0/exp_avg".
  std::string path = {};
  NodeId node = 0;
  std::string entry = {};  ///< what it is listed under, is kept with and stripped by: "optimizer", "training/epoch"
};

/// The value that the weights are in.
NodeId weights_place(const Checkpoint& file, const SelectOptions& select);

/// All of it: from the root down to the weights, each level in the order of the file.
std::vector<BesideNode> nodes_beside(const Checkpoint& file, NodeId place, const std::vector<NamedRecord>& weights);

}  // namespace vos::weights
