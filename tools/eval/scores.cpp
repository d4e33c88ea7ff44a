#include "scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <vos/core/parallel.hpp>
#include <vos/core/random.hpp>

namespace vos::eval {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t resamples = 2000;
constexpr std::uint64_t bootstrap_seed = 1;

Json to_json(const SequenceStatistics& statistics) {
  return {{"mean", statistics.mean}, {"recall", statistics.recall}, {"decay", statistics.decay}};
}

SequenceStatistics mean_statistics(std::span<const ScoredObject* const> objects,
                                   SequenceStatistics ScoredObject::* which) {
  return {mean_over(objects, [&](const auto& object) { return (object.*which).mean; }),
          mean_over(objects, [&](const auto& object) { return (object.*which).recall; }),
          mean_over(objects, [&](const auto& object) { return (object.*which).decay; })};
}

/// `values` with null in the frames that do not count for the object, so that all lists of a sequence align.
Json aligned(const ObjectSeries& series, const std::vector<double>& values, std::size_t frames) {
  Json list = Json::array();
  for (std::size_t t = 0; t < frames; ++t) list.push_back(nullptr);
  for (std::size_t i = 0; i < values.size(); ++i) list[static_cast<std::size_t>(series.frames[i])] = values[i];
  return list;
}

Json to_json(const ScoredObject& object, std::size_t frames) {
  Json json{{"id", object.series.id},
            {"J&F", object.j_and_f()},
            {"J", to_json(object.j)},
            {"F", to_json(object.f)},
            {"per_frame",
             {{"J", aligned(object.series, object.series.j, frames)},
              {"F", aligned(object.series, object.series.f, frames)}}}};
  if (object.proposal > 0) json["proposal"] = object.proposal;
  if (!object.group.empty()) json["group"] = object.group;
  for (const auto& [name, value] : object.extra) json[name] = value;
  return json;
}

std::vector<const ScoredObject*> pointers(const std::vector<ScoredObject>& objects) {
  std::vector<const ScoredObject*> all;
  for (const auto& object : objects) all.push_back(&object);
  return all;
}

/// Means over objects: J and F with their statistics, and all that the objects have besides.
Json summary(std::span<const ScoredObject* const> objects) {
  const auto j = mean_statistics(objects, &ScoredObject::j), f = mean_statistics(objects, &ScoredObject::f);
  Json json{{"J&F", (j.mean + f.mean) / 2}, {"J", to_json(j)}, {"F", to_json(f)}};
  if (!objects.empty())
    for (const auto& [name, value] : objects.front()->extra)
      json[name] = mean_over(objects, [&](const auto& object) { return object.extra.at(name); });
  return json;
}

/// As numpy.percentile has it: between the two nearest values, in proportion.
double percentile(std::vector<double> values, double share) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - static_cast<double>(low));
}

}  // namespace

Numbers plain_numbers(std::span<const ScoredObject* const> objects) {
  const double j = mean_over(objects, [](const auto& object) { return object.j.mean; });
  const double f = mean_over(objects, [](const auto& object) { return object.f.mean; });
  return {{"J", j}, {"F", f}, {"J&F", (j + f) / 2}};
}

void add_groups(Numbers& numbers, std::span<const ScoredObject* const> objects, const std::string& name) {
  std::vector<double> parts;
  for (const std::string group : {"seen", "unseen"}) {
    std::vector<const ScoredObject*> members;
    std::copy_if(objects.begin(), objects.end(), std::back_inserter(members),
                 [&](const auto* object) { return object->group == group; });
    const auto plain = plain_numbers(members);
    for (const char* measure : {"J", "F"}) {
      numbers[measure + ("_" + group)] = plain.at(measure);
      parts.push_back(plain.at(measure));
    }
  }
  numbers[name] = mean_of(parts);
}

Json bootstrap(const Options& options, std::size_t count, std::stop_token stop,
               const std::function<Numbers(std::span<const std::size_t>)>& numbers) {
  std::vector<Numbers> samples(count > 0 ? resamples : 0);
  for_each_parallel(samples.size(), options.thread_count(), stop, [&](std::size_t sample) {
    CounterRandom random{bootstrap_seed, sample};
    std::vector<std::size_t> picks(count);
    for (auto& pick : picks) pick = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(count)));
    samples[sample] = numbers(picks);
  });
  if (stop.stop_requested()) throw Cancelled("vos-eval " + options.command);
  std::map<std::string, std::vector<double>> drawn;
  for (const auto& sample : samples)
    for (const auto& [name, value] : sample) drawn[name].push_back(value);
  Json json{{"samples", resamples}, {"seed", bootstrap_seed}, {"sequences", count}};
  for (const auto& [name, values] : drawn) json[name] = {percentile(values, 0.025), percentile(values, 0.975)};
  return json;
}

void fill(Json& report, const Options& options, const std::vector<ScoredSequence>& sequences,
          const ScoredObjects& objects, std::stop_token stop,
          const std::function<Numbers(std::span<const ScoredObject* const>)>& numbers) {
  std::vector<const ScoredObject*> all;
  report["sequences"] = Json::array();
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto members = pointers(objects[s]);
    all.insert(all.end(), members.begin(), members.end());
    auto entry = summary(members);
    entry["name"] = sequences[s].name;
    entry["frames"] = sequences[s].stems;
    entry["objects"] = Json::array();
    for (const auto& object : objects[s]) entry["objects"].push_back(to_json(object, sequences[s].stems.size()));
    report["sequences"].push_back(std::move(entry));
  }
  report["global"] = summary(all);
  for (const auto& [name, value] : numbers(all))
    if (name != "J" && name != "F") report["global"][name] = value;
  report["settings"]["sequences"] = sequences.size();
  report["settings"]["objects"] = all.size();
  if (!options.bootstrap) return;
  report["bootstrap"] = bootstrap(options, sequences.size(), stop, [&](std::span<const std::size_t> picks) {
    std::vector<const ScoredObject*> drawn;
    for (const auto pick : picks)
      for (const auto& object : objects[pick]) drawn.push_back(&object);
    return numbers(drawn);
  });
}

}  // namespace vos::eval
