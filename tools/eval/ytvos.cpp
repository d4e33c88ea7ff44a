#include "ytvos.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <vos/data/catalog/meta.hpp>

#include "comparison.hpp"
#include "report.hpp"
#include "scores.hpp"

namespace vos::eval {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Categories = std::map<std::pair<std::string, std::int64_t>, std::string>;  ///< of each video's objects

std::vector<detail::MetaVideo> read_meta(const fs::path& file) {
  return detail::MetaReader{detail::load_json(file), file.string()}.videos();
}

Categories categories_of(const std::vector<detail::MetaVideo>& videos) {
  Categories categories;
  for (const auto& video : videos)
    for (const auto& object : video.objects) categories[{video.name, object.id}] = object.category;
  return categories;
}

/// The categories that training does not show: named by --unseen, or those that the meta.json of train lacks.
std::set<std::string> unseen_categories(const Options& options, const fs::path& folder, const Categories& categories,
                                        Json& report, std::ostream& err) {
  if (!options.unseen.empty()) {
    const auto names = names_from(options.unseen);
    std::set<std::string> known;
    for (const auto& [object, category] : categories) known.insert(category);
    expect_known(names, known, "category");
    return {names.begin(), names.end()};
  }
  const auto beside = fs::weakly_canonical(folder).parent_path() / "train" / "meta.json";
  const auto train = !options.train_meta.empty() ? options.train_meta : beside;
  if (options.train_meta.empty() && !fs::is_regular_file(beside)) {
    warn(report, "which categories are unseen is not known: all count as seen (give --train-meta or --unseen)", err);
    return {};
  }
  report["settings"]["train_meta"] = train.string();
  std::set<std::string> unseen;
  for (const auto& [object, category] : categories) unseen.insert(category);
  for (const auto& [object, category] : categories_of(read_meta(train))) unseen.erase(category);
  return unseen;
}

}  // namespace

Json evaluate_ytvos(const Options& options, std::ostream& err, std::stop_token stop) {
  auto report = new_report(options);
  report["settings"]["rules"] = "local surrogate of the server";
  const auto folder = split_folder(options, {"valid"});
  const auto categories = categories_of(read_meta(folder / "meta.json"));
  const auto unseen = unseen_categories(options, folder, categories, report, err);
  report["settings"]["unseen"] = std::vector(unseen.begin(), unseen.end());

  auto comparison = open_comparison(folder, report);
  comparison.sequences = scored_sequences(*comparison.truth, names_in(*comparison.truth), false);
  expect_more_than_first_masks(comparison, names_in(*comparison.truth));
  open_guess(comparison, options, false, report, err);

  const auto frames = score_ids(comparison, options, err, stop);
  ScoredObjects scored;
  for (std::size_t s = 0; s < frames.size(); ++s) {
    auto& objects = scored.emplace_back();
    const auto& name = comparison.sequences[s].name;
    for (auto& series : series_after_entry(frames[s])) {
      ScoredObject object(std::move(series), options.compat_uint8);
      const auto category = categories.find({name, object.series.id});
      if (category == categories.end())
        warn(report,
             "object " + std::to_string(object.series.id) + " of " + name + " is not in meta.json: it counts as seen",
             err);
      object.group = category != categories.end() && unseen.contains(category->second) ? "unseen" : "seen";
      objects.push_back(std::move(object));
    }
  }
  fill(report, options, comparison.sequences, scored, stop, [](std::span<const ScoredObject* const> objects) {
    auto numbers = plain_numbers(objects);
    add_groups(numbers, objects, "G");
    return numbers;
  });
  return report;
}

}  // namespace vos::eval
