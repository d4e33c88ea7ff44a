// expects: constraints? (not satisfied|was not satisfied)|does not satisfy .Matcher
#include <ATen/core/Tensor.h>

#include <vos/match/matcher.hpp>

// A matcher says which pairs, not only which targets.
struct Half {
  std::vector<std::int64_t> operator()(const at::Tensor&) const { return {}; }
};

template <vos::Matcher M>
struct Uses {};

Uses<Half> refused;  // reject
