#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/weights/checkpoint.hpp>
#include <vos/weights/select.hpp>

#include "identify.hpp"
#include "options.hpp"
#include "shared.hpp"
#include "stats.hpp"

namespace vos::weights {

/// What is known of a file. `checkpoint` outlives it.
struct Inspected {
  const Checkpoint& checkpoint;
  NodeId place = 0;                       ///< the value that the weights are in
  bool holds_weights = true;              ///< or `weights` are all the tensors that there are
  std::vector<NamedRecord> weights = {};  ///< those that pass the filter
  std::size_t filtered = 0;               ///< how many do not
  Likely likely = {};                     ///< of all
  std::vector<TensorStats> stats = {};    ///< one for each of `weights`, or none at all
};

/// Something in the file beside the weights.
struct Beside {
  std::string name = {}, what = {};  ///< "training/epoch", "12"
  Amount tensors = {};
};

Inspected inspect(const Checkpoint& checkpoint, const Options& options, std::stop_token stop = {});

std::string format_text(CheckpointFormat format);
std::vector<Beside> beside(const Inspected& inspected);

/// By the first part of their names that tells them apart.
std::vector<std::pair<std::string, Amount>> by_module(const Inspected& inspected);
std::vector<std::pair<std::string, Amount>> by_dtype(const Inspected& inspected);

void print(std::ostream& out, const Inspected& inspected, const Options& options);
nlohmann::ordered_json to_json(const Inspected& inspected, const Options& options);

}  // namespace vos::weights
