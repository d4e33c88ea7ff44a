#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <vos/core/assignment.hpp>
#include <vos/core/shape.hpp>
#include <vos/error.hpp>
#include <vos/match/matcher.hpp>

namespace vos {

namespace detail {

/// `cost` as doubles on the host: the one copy off the device. A value that is not a number is an Error with its place.
inline at::Tensor cost_on_host(const at::Tensor& cost) {
  expect_shape(cost, {any_size, any_size}, "cost [Q,G]");
  const auto host = cost.detach().to(at::kCPU, at::kDouble).contiguous();
  const auto* value = host.const_data_ptr<double>();
  for (std::int64_t i = 0; i < host.numel(); ++i)
    if (std::isnan(value[i]))
      throw Error({.what = "the cost is not a number",
                   .where = "matching, query " + std::to_string(i / host.size(1)) + ", target " +
                            std::to_string(i % host.size(1)),
                   .mend = "use +inf for a pair that may not be"});
  return host;
}

}  // namespace detail

/// The matches with the smallest total cost. +inf marks a pair that may not be.
struct HungarianMatcher {
  std::vector<Match> operator()(const at::Tensor& cost) const {
    const auto host = detail::cost_on_host(cost).t().contiguous();  // [G,Q]: targets come out in rising order
    const std::span values{host.const_data_ptr<double>(), static_cast<std::size_t>(host.numel())};
    const auto query_of = cheapest_assignment(values, host.size(0), host.size(1));
    std::vector<Match> matches;
    for (std::size_t target = 0; target < query_of.size(); ++target)
      if (query_of[target] >= 0) matches.push_back({query_of[target], static_cast<std::int64_t>(target)});
    return matches;
  }
};

static_assert(Matcher<HungarianMatcher>);

}  // namespace vos
