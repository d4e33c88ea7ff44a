#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/metric/object_scores.hpp>
#include <vos/metric/statistics.hpp>

#include "comparison.hpp"
#include "options.hpp"

namespace vos::eval {

/// One object with its values; `extra` are the numbers that its benchmark adds to J and F.
struct ScoredObject {
  ObjectSeries series = {};
  SequenceStatistics j = {}, f = {};
  std::int64_t proposal = 0;  ///< the id that was matched, where ids are free; else 0
  std::string group = {};     ///< "seen" or "unseen" where the benchmark tells them apart
  std::map<std::string, double> extra = {};

  ScoredObject() = default;
  ScoredObject(ObjectSeries values, bool wrap_edges)
      : series(std::move(values)), j(statistics_of(series.j, wrap_edges)), f(statistics_of(series.f, wrap_edges)) {}

  double j_and_f() const { return (j.mean + f.mean) / 2; }
};

/// A sequence's objects, for each scored sequence.
using ScoredObjects = std::vector<std::vector<ScoredObject>>;

/// A benchmark's global numbers by name.
using Numbers = std::map<std::string, double>;

/// Mean over the objects of which `value` is no NaN; NaN where there is none.
template <class Value>
double mean_over(std::span<const ScoredObject* const> objects, const Value& value) {
  std::vector<double> values;
  for (const auto* object : objects) values.push_back(value(*object));
  return mean_of(values);
}

/// J, F and J&F as means over all objects, whatever their sequence; what most benchmarks report.
Numbers plain_numbers(std::span<const ScoredObject* const> objects);

/// The mean of J and F of seen and of unseen objects: J_seen, F_seen, J_unseen, F_unseen, and their mean under `name`. A
/// group without objects is left out of the mean.
void add_groups(Numbers& numbers, std::span<const ScoredObject* const> objects, const std::string& name);

/// Fills "global", "sequences" and, with --bootstrap, "bootstrap". `numbers` computes the global numbers from objects; it
/// is called again for each resample.
void fill(nlohmann::json& report, const Options& options, const std::vector<ScoredSequence>& sequences,
          const ScoredObjects& objects, std::stop_token stop,
          const std::function<Numbers(std::span<const ScoredObject* const>)>& numbers = plain_numbers);

/// Bounds between which 95 % of the means of 2000 resamples of `count` sequences lie. `numbers` takes the indexes of
/// the sequences drawn, on several threads at once; the generator is keyed, so that a call gives the same bounds each time.
nlohmann::json bootstrap(const Options& options, std::size_t count, std::stop_token stop,
                         const std::function<Numbers(std::span<const std::size_t>)>& numbers);

}  // namespace vos::eval
