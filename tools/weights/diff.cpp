#include "diff.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <vos/core/parallel.hpp>
#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/version.hpp>
#include <vos/weights/values.hpp>

#include "common/table.hpp"
#include "fold.hpp"
#include "text.hpp"

namespace vos::weights {
namespace {

using Json = nlohmann::ordered_json;

const TensorRecord& record(const Checkpoint& file, const NamedRecord& weight) { return file.tensors[weight.tensor]; }

std::string type_text(const TensorRecord& tensor) { return std::string{info_of(tensor.dtype).name}; }

/// The same bytes at the same places.
bool identical(const Checkpoint& a, const TensorRecord& one, const Checkpoint& b, const TensorRecord& other) {
  std::vector<std::uint8_t> space, more;
  const auto left = elements_of(a, one, space), right = elements_of(b, other, more);
  return one.dtype == other.dtype && one.scale == other.scale && one.zero_point == other.zero_point &&
         left.size() == right.size() && (left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0);
}

/// Moves those of only_a and only_b that hold the same to `renamed`.
void find_renamed(Difference& difference, std::size_t threads, std::stop_token stop) {
  const auto &a = difference.a, &b = difference.b;
  using Kind = std::tuple<std::vector<std::int64_t>, DType, std::size_t>;  // the last: a hash of the bytes
  const auto kinds_of = [&](const Checkpoint& file, const std::vector<NamedRecord>& weights) {
    std::vector<Kind> kinds(weights.size());
    for_each_parallel(weights.size(), threads, stop, [&](std::size_t i) {
      const auto& tensor = record(file, weights[i]);
      std::vector<std::uint8_t> space;
      const auto bytes = elements_of(file, tensor, space);
      kinds[i] = {tensor.sizes, tensor.dtype,
                  std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()})};
    });
    return kinds;
  };
  const auto kinds_a = kinds_of(a, difference.only_a), kinds_b = kinds_of(b, difference.only_b);
  std::map<Kind, std::vector<std::size_t>> candidates;
  for (std::size_t i = 0; i < kinds_b.size(); ++i) candidates[kinds_b[i]].push_back(i);
  std::vector<bool> gone_a(kinds_a.size()), gone_b(kinds_b.size());
  for (std::size_t i = 0; i < kinds_a.size(); ++i) {
    const auto found = candidates.find(kinds_a[i]);
    if (found == candidates.end()) continue;
    // Many tensors hold nothing but zeros: the name with most in common is the likeliest.
    std::size_t best = SIZE_MAX, best_tail = 0;
    std::size_t looked_at = 0;
    for (const auto j : found->second) {
      if (gone_b[j] || ++looked_at > 1000) continue;
      const auto tail = common_tail(difference.only_a[i].name, difference.only_b[j].name);
      if (best == SIZE_MAX || tail > best_tail) best = j, best_tail = tail;
    }
    if (best == SIZE_MAX || !identical(a, record(a, difference.only_a[i]), b, record(b, difference.only_b[best])))
      continue;
    gone_a[i] = gone_b[best] = true;
    difference.renamed.push_back({difference.only_a[i], difference.only_b[best]});
  }
  const auto keep = [](std::vector<NamedRecord>& weights, const std::vector<bool>& gone) {
    std::vector<NamedRecord> kept;
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (!gone[i]) kept.push_back(std::move(weights[i]));
    weights = std::move(kept);
  };
  keep(difference.only_a, gone_a);
  keep(difference.only_b, gone_b);
}

void print_only(std::ostream& out, const char* title, const Checkpoint& file, const std::vector<NamedRecord>& weights,
                std::size_t most) {
  if (weights.empty()) return;
  out << '\n' << title << " (" << count_text(weights.size()) << ")\n";
  std::vector<FoldName> names;
  for (const auto& weight : weights) {
    const auto& tensor = record(file, weight);
    names.push_back({weight.name, text_of_sizes(tensor.sizes) + type_text(tensor)});
  }
  print_first(out, tool::Table({"name", "shape", "type", "tensors"}, 3), folded(names), most, [&](const Folded& line) {
    const auto& tensor = record(file, weights[line.members.front()]);
    return std::vector{name_text(line.name), text_of_sizes(tensor.sizes), type_text(tensor),
                       count_text(line.members.size())};
  });
}

/// A titled table with a line for each pair.
template <class Row>
void print_pairs(std::ostream& out, const char* title, const std::vector<Pair>& pairs, std::vector<std::string> head,
                 std::size_t left, std::size_t most, const Row& row) {
  if (pairs.empty()) return;
  out << '\n' << title << " (" << count_text(pairs.size()) << ")\n";
  print_first(out, tool::Table(std::move(head), left), pairs, most, row);
}

/// Integers of 64 bits, which a double would round from 2^53 on.
template <class Integer>
ValueDifference compare_integers(std::span<const std::uint8_t> left, std::span<const std::uint8_t> right,
                                 double tolerance) {
  ValueDifference found{.numbers = static_cast<std::int64_t>(left.size() / sizeof(Integer))};
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.numbers); ++i) {
    const auto x = vos::detail::element_at<Integer>(left, i), y = vos::detail::element_at<Integer>(right, i);
    const auto size = [](Integer value) { return std::abs(static_cast<double>(value)); };
    found.largest = std::max(found.largest, size(x));
    if (x == y) continue;
    // Modulo 2^64, as the distance may not fit the type itself.
    const auto low = static_cast<std::uint64_t>(std::min(x, y)), high = static_cast<std::uint64_t>(std::max(x, y));
    const auto distance = static_cast<double>(high - low);
    found.beyond += distance > tolerance * std::max({1.0, size(x), size(y)});
    found.most = std::max(found.most, distance);
  }
  return found;
}

}  // namespace

ValueDifference compare(const Checkpoint& a, const TensorRecord& one, const Checkpoint& b, const TensorRecord& other,
                        double tolerance) {
  if (one.dtype == other.dtype && (one.dtype == DType::i64 || one.dtype == DType::u64)) {
    std::vector<std::uint8_t> space, more;
    const auto left = elements_of(a, one, space), right = elements_of(b, other, more);
    return one.dtype == DType::i64 ? compare_integers<std::int64_t>(left, right, tolerance)
                                   : compare_integers<std::uint64_t>(left, right, tolerance);
  }
  ValueDifference found;
  TensorNumbers left(a, one), right(b, other);
  for (auto x = left.next(), y = right.next(); !x.empty(); x = left.next(), y = right.next()) {
    found.numbers += static_cast<std::int64_t>(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isfinite(x[i])) found.largest = std::max(found.largest, std::abs(x[i]));
      if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
      const double distance = std::abs(x[i] - y[i]);
      const bool within = distance <= tolerance * std::max({1.0, std::abs(x[i]), std::abs(y[i])});
      found.beyond += !within || std::isinf(distance);  // an infinity is within nothing's reach
      found.most = std::max(found.most, std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance);
    }
  }
  return found;
}

Difference diff(const Checkpoint& a, const Checkpoint& b, const Options& options, std::stop_token stop) {
  Difference difference{.a = a, .b = b, .tolerant = options.tolerance > 0};
  const auto all_a = weights_in(a, options.select), all_b = weights_in(b, options.select);
  difference.tensors_a = all_a.size();
  difference.tensors_b = all_b.size();
  std::unordered_map<std::string_view, const NamedRecord*> by_name;
  for (const auto& weight : all_b) by_name.emplace(weight.name, &weight);
  std::vector<Pair> pairs;
  for (const auto& weight : all_a) {
    const auto found = by_name.find(weight.name);
    if (found == by_name.end()) {
      difference.only_a.push_back(weight);
      continue;
    }
    pairs.push_back({weight, *found->second});
    by_name.erase(found);
  }
  for (const auto& weight : all_b)
    if (by_name.contains(weight.name)) difference.only_b.push_back(weight);
  for_each_parallel(pairs.size(), options.thread_count(), stop, [&](std::size_t i) {
    auto& pair = pairs[i];
    const auto &one = record(a, pair.a), &other = record(b, pair.b);
    if (one.sizes == other.sizes && numbers_in(one.dtype) == numbers_in(other.dtype) && !identical(a, one, b, other))
      pair.values = compare(a, one, b, other, options.tolerance);
    if (a.file) a.file->forget(a.storages[one.storage].bytes);
    if (b.file) b.file->forget(b.storages[other.storage].bytes);
  });
  for (auto& pair : pairs) {
    const auto &one = record(a, pair.a), &other = record(b, pair.b);
    if (one.sizes != other.sizes) {
      difference.shapes.push_back(std::move(pair));
      continue;
    }
    const bool other_type = one.dtype != other.dtype;
    if (!other_type && pair.values.beyond == 0) ++difference.equal;
    if (pair.values.beyond > 0) difference.values.push_back(pair);
    if (other_type) difference.types.push_back(std::move(pair));
  }
  std::stable_sort(difference.values.begin(), difference.values.end(),
                   [](const auto& x, const auto& y) { return x.values.most > y.values.most; });
  find_renamed(difference, options.thread_count(), stop);
  if (stop.stop_requested()) throw Cancelled("comparing " + a.where + " with " + b.where);
  return difference;
}

void print(std::ostream& out, const Difference& difference, bool verbose) {
  const auto &a = difference.a, &b = difference.b;
  const std::size_t most = verbose ? SIZE_MAX : 20;
  tool::Table files({"", "file", "tensors"}, 2);
  files.add({"A", path_text(a.where), count_text(difference.tensors_a)});
  files.add({"B", path_text(b.where), count_text(difference.tensors_b)});
  files.print(out);

  print_pairs(out, "values differ", difference.values,
              {"name", "shape", "max |a-b|", "relative", "numbers that differ"}, 2, most, [&](const Pair& pair) {
                const auto& values = pair.values;
                return std::vector{name_text(pair.a.name), text_of_sizes(record(a, pair.a).sizes),
                                   value_text(values.most), value_text(values.relative()),
                                   count_text(values.beyond) + " of " + count_text(values.numbers)};
              });
  print_pairs(out, "shapes differ", difference.shapes, {"name", "A", "B"}, 3, most, [&](const Pair& pair) {
    return std::vector{name_text(pair.a.name), text_of_sizes(record(a, pair.a).sizes),
                       text_of_sizes(record(b, pair.b).sizes)};
  });
  if (!difference.types.empty()) {
    out << "\ntypes differ (" << count_text(difference.types.size()) << ")\n";
    std::map<std::string, std::size_t> kinds;
    for (const auto& pair : difference.types)
      ++kinds[type_text(record(a, pair.a)) + " -> " + type_text(record(b, pair.b))];
    for (const auto& [kind, times] : kinds) out << "  " << kind << "  " << count_text(times) << '\n';
  }
  if (!difference.renamed.empty()) {
    out << "\nrenamed (" << count_text(difference.renamed.size()) << "): the same values under another name\n";
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [one, other, values] : difference.renamed) pairs.emplace_back(one.name, other.name);
    print_rules(out, {"A", "B", "tensors"}, pairs, most);
  }
  print_only(out, "only in A", a, difference.only_a, most);
  print_only(out, "only in B", b, difference.only_b, most);

  out << '\n' << (difference.same() ? "equal: " : "different: ") << count_text(difference.equal) << " the same";
  const auto add = [&](std::size_t n, const char* what) {
    if (n > 0) out << ", " << count_text(n) << ' ' << what;
  };
  add(difference.values.size(), "with other values");
  add(difference.shapes.size(), "of another shape");
  add(difference.types.size(), "of another type");
  add(difference.renamed.size(), "renamed");
  add(difference.only_a.size(), "only in A");
  add(difference.only_b.size(), "only in B");
  out << '\n';
}

Json to_json(const Difference& difference) {
  const auto &a = difference.a, &b = difference.b;
  Json json{{"tool", "vos-weights"},
            {"version", vos::version},
            {"command", "diff"},
            {"a", a.where},
            {"b", b.where},
            {"same", difference.same()},
            {"tensors_a", difference.tensors_a},
            {"tensors_b", difference.tensors_b},
            {"equal", difference.equal}};
  const auto list = [&](const char* name, const auto& all, const auto& entry) {
    json[name] = Json::array();
    for (const auto& each : all) json[name].push_back(entry(each));
  };
  list("values", difference.values, [&](const Pair& pair) {
    const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json("inf"); };
    return Json{{"name", pair.a.name},
                {"max_abs", number(pair.values.most)},
                {"relative", number(pair.values.relative())},
                {"differ", pair.values.beyond},
                {"numbers", pair.values.numbers}};
  });
  list("shapes", difference.shapes, [&](const Pair& pair) {
    return Json{{"name", pair.a.name}, {"a", record(a, pair.a).sizes}, {"b", record(b, pair.b).sizes}};
  });
  list("types", difference.types, [&](const Pair& pair) {
    return Json{{"name", pair.a.name}, {"a", type_text(record(a, pair.a))}, {"b", type_text(record(b, pair.b))}};
  });
  list("renamed", difference.renamed, [](const Pair& pair) { return Json{{"a", pair.a.name}, {"b", pair.b.name}}; });
  const auto only = [](const Checkpoint& file) {
    return [&](const NamedRecord& weight) {
      const auto& tensor = record(file, weight);
      return Json{{"name", weight.name}, {"shape", tensor.sizes}, {"dtype", type_text(tensor)}};
    };
  };
  list("only_a", difference.only_a, only(a));
  list("only_b", difference.only_b, only(b));
  return json;
}

}  // namespace vos::weights
