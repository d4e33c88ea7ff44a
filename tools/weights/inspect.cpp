#include "inspect.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/version.hpp>
#include <vos/weights/key_pattern.hpp>
#include <vos/weights/tree.hpp>

#include "beside.hpp"
#include "common/table.hpp"
#include "fold.hpp"
#include "text.hpp"
#include "tree.hpp"

namespace vos::weights {
namespace {

using Json = nlohmann::ordered_json;

constexpr TreeLimits short_tree{.mend = "; --verbose shows more"},
    whole_tree{.depth = 64, .items = 100'000, .values = 1'000'000};
constexpr TreeLimits json_tree{.depth = 16, .items = 1000, .values = 100'000};

bool passes(const std::string& name, const std::string& filter) {
  if (filter.find('*') == std::string::npos) return name.find(filter) != std::string::npos;
  return KeyPattern{filter}.matches(name);
}

std::vector<std::string> parts_of(const std::string& name) { return split(name, '.'); }

/// How many first parts all names share: "module.encoder." has two.
std::size_t common_parts(const std::vector<NamedRecord>& weights) {
  if (weights.empty()) return 0;
  auto common = parts_of(weights.front().name);
  common.pop_back();
  for (const auto& [name, tensor] : weights) {
    const auto parts = parts_of(name);
    std::size_t same = 0;
    while (same < common.size() && same + 1 < parts.size() && parts[same] == common[same]) ++same;
    common.resize(same);
  }
  return common.size();
}

template <class Key>
std::vector<std::pair<std::string, Amount>> by(const Inspected& inspected, const Key& key) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<NamedRecord>> groups;
  for (const auto& weight : inspected.weights) {
    auto& group = groups[key(weight)];
    if (group.empty()) order.push_back(key(weight));
    group.push_back(weight);
  }
  std::vector<std::pair<std::string, Amount>> amounts;
  for (const auto& name : order) amounts.emplace_back(name, amount_of(inspected.checkpoint, groups[name]));
  return amounts;
}

void print_amounts(std::ostream& out, const char* title, const std::vector<std::pair<std::string, Amount>>& amounts,
                   bool verbose) {
  out << '\n';
  print_first(out, tool::Table({title, "tensors", "numbers", "size"}), amounts, verbose ? SIZE_MAX : 24,
              [](const auto& line) {
                const auto& [name, amount] = line;
                return std::vector{name_text(name), count_text(amount.tensors), count_text(amount.numbers),
                                   size_text(amount.bytes)};
              });
}

std::string amount_text(const Amount& amount) {
  return counted(amount.tensors, "tensor") + ", " + size_text(amount.bytes);
}

void print_table(std::ostream& out, const Inspected& inspected, bool verbose) {
  const auto& file = inspected.checkpoint;
  std::vector<FoldName> names;
  for (const auto& [name, place] : inspected.weights) {
    const auto& tensor = file.tensors[place];
    names.push_back({name, text_of_sizes(tensor.sizes) + std::string{info_of(tensor.dtype).name}});
  }
  std::vector<Folded> lines;
  if (verbose)
    for (std::size_t i = 0; i < names.size(); ++i) lines.push_back({names[i].name, {i}});
  else lines = folded(names);
  tool::Table table({"name", "shape", "type", "tensors", "numbers", "size"}, 3);
  for (const auto& line : lines) {
    const auto& tensor = file.tensors[inspected.weights[line.members.front()].tensor];
    const auto count = static_cast<std::int64_t>(line.members.size());
    table.add({name_text(line.name), text_of_sizes(tensor.sizes), std::string{info_of(tensor.dtype).name},
               count_text(count), count_text(count * tensor.numel()), size_text(count * bytes_in(tensor))});
  }
  out << '\n';
  table.print(out, "  ");
}

void print_stats(std::ostream& out, const Inspected& inspected) {
  tool::Table table({"name", "shape", "min", "mean", "max", "std", "NaN", "Inf"}, 2);
  std::int64_t nan = 0, infinite = 0;
  for (std::size_t i = 0; i < inspected.weights.size(); ++i) {
    const auto& [name, place] = inspected.weights[i];
    const auto& stats = inspected.stats[i];
    const bool some = stats.finite() > 0;
    table.add({name_text(name), text_of_sizes(inspected.checkpoint.tensors[place].sizes),
               some ? value_text(stats.min) : "-", some ? value_text(stats.mean) : "-",
               some ? value_text(stats.max) : "-", some ? value_text(stats.std()) : "-", count_text(stats.nan),
               count_text(stats.infinite)});
    nan += stats.nan, infinite += stats.infinite;
  }
  out << '\n';
  table.print(out, "  ");
  out << "\n  "
      << (nan + infinite == 0
              ? "no NaN, no infinities"
              : count_text(nan) + " NaN, " + count_text(infinite) + (infinite == 1 ? " infinity" : " infinities"))
      << '\n';
}

void print_shared(std::ostream& out, const std::vector<SharedNames>& shared, bool verbose) {
  std::vector<std::pair<std::string, std::string>> tied, overlapping;
  for (const auto& [same, names] : shared)
    for (std::size_t i = 1; i < names.size(); ++i) (same ? tied : overlapping).emplace_back(names[0], names[i]);
  const auto part = [&](const char* title, const auto& pairs) {
    if (pairs.empty()) return;
    out << '\n';
    print_rules(out, {title, "", "tensors"}, pairs, verbose ? SIZE_MAX : 8);
  };
  part("one tensor, two names", tied);
  part("overlapping memory", overlapping);
}

void print_sum(std::ostream& out, const Inspected& inspected,
               const std::vector<std::pair<std::string, Amount>>& types) {
  const auto amount = amount_of(inspected.checkpoint, inspected.weights);
  out << "  " << counted(amount.tensors, "tensor") << ", " << counted(amount.numbers, "number") << ", "
      << size_text(amount.bytes);
  if (types.size() == 1) out << ", all " << types.front().first;
  if (inspected.filtered > 0) out << "; " << count_text(inspected.filtered) << " more do not match --filter";
  out << '\n';
}

void print_metadata(std::ostream& out, const Checkpoint& file, bool verbose) {
  if (file.metadata.empty()) return;
  const std::size_t most = verbose ? SIZE_MAX : 20;
  out << "\n  metadata\n";
  std::size_t printed = 0;
  for (const auto& [key, value] : file.metadata) {
    if (printed++ == most) break;
    out << "    " << printable(key) << ": " << printable(value, verbose ? 10'000 : 100) << '\n';
  }
  print_cut(out, file.metadata.size(), most);
}

/// The weights and where they are; in a file that has none, such as an optimizer's alone, every tensor there is.
std::vector<NamedRecord> weights_or_all(const Checkpoint& file, const SelectOptions& select, Inspected& inspected) {
  try {
    auto weights = weights_in(file, select);
    inspected.place = weights_place(file, select);
    return weights;
  } catch (const Error&) {
    if (select.ema || !select.part.empty()) throw;  // asked for by name
  }
  inspected.holds_weights = false;
  std::vector<NamedRecord> all;
  for_each_tensor(file, file.root, [&](const std::string& path, NodeId id) {
    all.push_back({path, static_cast<std::uint32_t>(file.node(id).integer)});
  });
  return all;
}

}  // namespace

Inspected inspect(const Checkpoint& checkpoint, const Options& options, std::stop_token stop) {
  Inspected inspected{.checkpoint = checkpoint, .place = checkpoint.root};
  auto all = weights_or_all(checkpoint, options.select, inspected);
  std::vector<NamedShape> shapes;
  for (const auto& [name, tensor] : all) shapes.push_back({name, &checkpoint.tensors[tensor].sizes});
  if (inspected.holds_weights) inspected.likely = identify(shapes);
  for (auto& weight : all) {
    if (!passes(weight.name, options.filter)) ++inspected.filtered;
    else inspected.weights.push_back(std::move(weight));
  }
  if (inspected.weights.empty() && !all.empty())
    throw Error(
        {.what = "none of " + counted(all.size(), "name") + " matches --filter '" + options.filter + "'",
         .where = checkpoint.where,
         .mend = "* stands for a part without dots, ** for any run; a text without either for a piece of a name"});
  if (options.stats) {
    std::vector<std::uint32_t> tensors;
    for (const auto& weight : inspected.weights) tensors.push_back(weight.tensor);
    inspected.stats = stats_of(checkpoint, tensors, options.thread_count(), stop);
  }
  return inspected;
}

std::string format_text(CheckpointFormat format) {
  switch (format) {
    case CheckpointFormat::torch_zip: return "torch.save, zip format";
    case CheckpointFormat::torch_legacy: return "torch.save, legacy format (before 1.6)";
    case CheckpointFormat::pickle: return "pickle of numpy arrays";
    case CheckpointFormat::safetensors: return "safetensors";
  }
  return "";
}

std::vector<Beside> beside(const Inspected& inspected) {
  constexpr std::size_t most = 1000;  // real files have ten
  const auto& file = inspected.checkpoint;
  std::vector<Beside> all;
  if (inspected.filtered > 0) return all;
  std::map<std::string, std::vector<NamedRecord>> tensors;  // by entry
  for (const auto& [path, node, name] : nodes_beside(file, inspected.place, inspected.weights)) {
    if (!tensors.contains(name)) {
      if (all.size() == most) break;
      all.push_back({name, brief_text(file, node)});
    }
    auto& below = tensors[name];
    const auto add = [&](const std::string& where, NodeId id) {
      below.push_back({where, static_cast<std::uint32_t>(file.node(id).integer)});
    };
    if (file.node(node).kind == NodeKind::tensor) add(path, node);
    else if (!file.node(node).items.empty()) for_each_tensor(file, node, add);
  }
  for (auto& [name, what, amount] : all)
    if (const auto& below = tensors[name]; !below.empty()) what = amount_text(amount = amount_of(file, below));
  return all;
}

std::vector<std::pair<std::string, Amount>> by_module(const Inspected& inspected) {
  const auto common = common_parts(inspected.weights);
  return by(inspected, [&](const NamedRecord& weight) {
    auto parts = parts_of(weight.name);
    parts.resize(std::min(parts.size(), common + 1));
    return join(parts, ".");
  });
}

std::vector<std::pair<std::string, Amount>> by_dtype(const Inspected& inspected) {
  return by(inspected, [&](const NamedRecord& weight) {
    return std::string{info_of(inspected.checkpoint.tensors[weight.tensor].dtype).name};
  });
}

void print(std::ostream& out, const Inspected& inspected, const Options& options) {
  const auto& file = inspected.checkpoint;
  out << path_text(file.where) << "\n  " << format_text(file.format);
  if (file.file) out << ", " << size_text(static_cast<std::int64_t>(file.file->all().size()));
  if (!inspected.holds_weights) {
    out << "\n  holds no weights" << (inspected.weights.empty() ? " and no tensors\n" : "; its tensors are listed\n");
  } else if (inspected.likely.what.empty()) {
    out << "\n  no model that is known here: names and shapes below tell more\n";
  } else {
    out << "\n  taken for " << inspected.likely.what << '\n';
    tool::Table table(3);
    for (const auto& [key, shape, tells] : inspected.likely.evidence) table.add({printable(key), shape, tells});
    out << "  because of\n";
    table.print(out, "    ");
  }
  const auto types = by_dtype(inspected);
  if (!types.empty()) print_sum(out, inspected, types);
  if (const auto others = beside(inspected); !others.empty()) {
    tool::Table table(2);
    for (const auto& other : others) table.add({printable(other.name), other.what});
    out << (inspected.holds_weights ? "  beside the weights\n" : "  in it\n");
    table.print(out, "    ");
  }
  if (options.tree) {
    out << "\n  tree\n";
    print_tree(out, file, options.common.verbose ? whole_tree : short_tree, "    ");
  }
  if (inspected.weights.empty()) return print_metadata(out, file, options.common.verbose);
  if (options.stats) print_stats(out, inspected);
  else print_table(out, inspected, options.common.verbose);
  if (const auto modules = by_module(inspected); modules.size() > 1 && modules.size() < inspected.weights.size())
    print_amounts(out, "by module", modules, options.common.verbose);
  if (types.size() > 1) print_amounts(out, "by type", types, options.common.verbose);
  print_shared(out, shared_names(file, inspected.weights), options.common.verbose);
  print_metadata(out, file, options.common.verbose);
}

Json to_json(const Inspected& inspected, const Options& options) {
  const auto& file = inspected.checkpoint;
  const auto amount = [](const Amount& sum) {
    return Json{{"tensors", sum.tensors}, {"numbers", sum.numbers}, {"bytes", sum.bytes}};
  };
  const auto amounts = [&](const char* name, const std::vector<std::pair<std::string, Amount>>& sums) {
    Json all = Json::array();
    for (const auto& [key, sum] : sums) {
      Json each{{name, key}};
      each.update(amount(sum));
      all.push_back(std::move(each));
    }
    return all;
  };
  Json json{{"tool", "vos-weights"},
            {"version", vos::version},
            {"command", "inspect"},
            {"file", file.where},
            {"format", format_text(file.format)},
            {"file_bytes", file.file ? Json(file.file->all().size()) : Json()},
            {"holds_weights", inspected.holds_weights},
            {"taken_for", inspected.likely.what}};
  json["because_of"] = Json::array();
  for (const auto& [key, shape, tells] : inspected.likely.evidence)
    json["because_of"].push_back({{"name", key}, {"shape", shape}, {"tells", tells}});
  json.update(amount(amount_of(file, inspected.weights)));
  json["beside"] = Json::array();
  for (const auto& [name, what, tensors] : beside(inspected))
    json["beside"].push_back({{"name", name}, {"what", what}, {"tensors", tensors.tensors}, {"bytes", tensors.bytes}});
  json["modules"] = amounts("module", by_module(inspected));
  json["dtypes"] = amounts("dtype", by_dtype(inspected));
  json["shared"] = Json::array();
  for (const auto& [same, names] : shared_names(file, inspected.weights))
    json["shared"].push_back({{"same", same}, {"names", names}});
  json["weights"] = Json::array();
  for (std::size_t i = 0; i < inspected.weights.size(); ++i) {
    const auto& [name, place] = inspected.weights[i];
    const auto& tensor = file.tensors[place];
    Json each{
        {"name", name}, {"shape", tensor.sizes}, {"dtype", info_of(tensor.dtype).name}, {"bytes", bytes_in(tensor)}};
    if (!inspected.stats.empty()) {
      const auto& stats = inspected.stats[i];
      const auto value = [&](double number) {
        return stats.finite() == 0 ? Json() : std::isinf(number) ? Json("inf") : Json(number);
      };
      each.update({{"min", value(stats.min)},
                   {"mean", value(stats.mean)},
                   {"max", value(stats.max)},
                   {"std", value(stats.std())},
                   {"nan", stats.nan},
                   {"infinite", stats.infinite}});
    }
    json["weights"].push_back(std::move(each));
  }
  json["metadata"] = file.metadata;
  if (options.tree) {
    bool cut = false;
    json["tree"] = tree_json(
        file, file.root, options.common.verbose ? whole_tree : json_tree,
        [&](NodeId node, const std::string&) {
          return tensor_json(file.tensors[static_cast<std::size_t>(file.node(node).integer)]);
        },
        "", &cut);
    json["complete"] = !cut;
  }
  return json;
}

}  // namespace vos::weights
