#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/weights/checkpoint.hpp>
#include <vos/weights/select.hpp>

#include "options.hpp"

namespace vos::weights {

/// Two tensors, number by number.
struct ValueDifference {
  std::int64_t numbers = 0;
  std::int64_t beyond = 0;  ///< how many differ by more than is tolerated
  double most = 0;          ///< the largest distance; infinite where one is NaN or infinite and the other is not
  double largest = 0;       ///< of A's finite numbers

  double relative() const { return most > 0 ? most / largest : 0; }
};

/// A name that both files have, or two names of the same values.
struct Pair {
  NamedRecord a = {}, b = {};
  ValueDifference values = {};
};

/// How the weights of two files differ. A pair stands in one list, but for those of other types, which may stand in `values`
/// as well.
struct Difference {
  const Checkpoint &a, &b;
  std::size_t tensors_a = 0, tensors_b = 0;
  std::vector<NamedRecord> only_a = {}, only_b = {};
  std::vector<Pair> shapes = {}, types = {}, values = {};
  std::vector<Pair> renamed = {};  ///< only in A and only in B, with the same shape, type and values
  std::size_t equal = 0;
  bool tolerant = false;  ///< types may differ as long as the values agree

  bool same() const {
    return only_a.empty() && only_b.empty() && shapes.empty() && values.empty() && renamed.empty() &&
           (tolerant || types.empty());
  }
};

ValueDifference compare(const Checkpoint& a, const TensorRecord& one, const Checkpoint& b, const TensorRecord& other,
                        double tolerance);

Difference diff(const Checkpoint& a, const Checkpoint& b, const Options& options, std::stop_token stop = {});

void print(std::ostream& out, const Difference& difference, bool verbose);
nlohmann::ordered_json to_json(const Difference& difference);

}  // namespace vos::weights
