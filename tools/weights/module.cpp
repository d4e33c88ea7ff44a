#include "module.hpp"

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <vos/version.hpp>
#include <vos/weights/fill_module.hpp>
#include <vos/weights/keys.hpp>
#include <vos/weights/load.hpp>
#include <vos/weights/module_of_keys.hpp>
#include <vos/weights/modules.hpp>
#include <vos/weights/network_metadata.hpp>
#include <vos/weights/write_safetensors.hpp>

#include "convert.hpp"
#include "identify.hpp"
#include "opened.hpp"
#include "text.hpp"

namespace vos::weights {
namespace {

using Json = nlohmann::ordered_json;

std::string model_text(const Options& options) { return options.keys.empty() ? options.model : options.keys.string(); }

/// What `find` finds by the name that an option gave. One that there is not is wrong usage.
template <class Find>
decltype(auto) named(const char* option, const Find& find) {
  try {
    return find();
  } catch (const Error& error) {
    auto parts = error.parts();
    parts.where = option;
    parts.exit_code = exit_code::usage;
    throw Error(parts);
  }
}

/// The network that --model and --set ask for.
ModuleEntry network_of(const Options& options, const NetworkSettings& settings) {
  const auto entry = named("--model", [&] { return module_entry(options.model); });
  return named("--set", [&] { return configured(entry, settings); });
}

Json json_of(const LoadReport::Key& key) {
  return {{"name", key.name}, {"shape", key.sizes}, {"dtype", info_of(key.dtype).name}, {"nearest", key.nearest}};
}

Json json_of(const LoadReport::Misfit& misfit) {
  return {{"name", misfit.key}, {"file", misfit.file.sizes}, {"model", misfit.module.sizes}};
}

}  // namespace

Checked check(const Options& options) {
  if (options.keys.empty())
    named("--model", [&]() -> const auto& { return module_entry(options.model); });  // before a long read
  const auto weights = read_weights(opened(options, 0), options.select);
  std::shared_ptr<torch::nn::Module> module;
  LoadRules rules;
  if (options.keys.empty()) {
    auto settings = options.settings;  // over those with which the file says that its network was made
    if (const auto facts = network_facts(weights.metadata, weights.where); facts.model == options.model)
      settings.insert(facts.settings.begin(), facts.settings.end());
    const auto entry = network_of(options, settings);
    module = entry.make();
    rules = entry.rules;
  } else {
    module = module_of_keys(read_keys(options.keys));
    rules = {.unneeded = {batch_counters}};
  }
  if (!options.from.empty()) rules = from_part(options.from, std::move(rules));
  rules.lenient = true;
  std::deque<std::vector<std::int64_t>> sizes;
  std::vector<NamedShape> shapes;
  for (const auto& [name, value] : weights.entries) shapes.push_back({name, &sizes.emplace_back(value.sizes().vec())});
  return {model_text(options), identify(shapes).what, load_weights(*module, weights, rules)};
}

void print(std::ostream& out, const Checked& checked, bool verbose) {
  const auto& report = checked.report;
  const bool loads = report.complete();
  out << path_text(report.where) << " as " << checked.model << ": " << (loads ? "loads" : "does not load") << '\n';
  if (!loads && !checked.taken_for.empty()) out << "  the file was taken for " << checked.taken_for << '\n';
  out << "  " << report.text(verbose ? SIZE_MAX : loads ? 3 : 20) << '\n';
}

Json to_json(const Checked& checked) {
  const auto& report = checked.report;
  Json json{{"tool", "vos-weights"},
            {"version", vos::version},
            {"command", "check"},
            {"file", report.where},
            {"model", checked.model},
            {"taken_for", checked.taken_for},
            {"loads", report.complete()},
            {"model_tensors", report.module_tensors},
            {"file_tensors", report.file_tensors},
            {"loaded", report.loaded}};
  const auto list = [&](const char* name, const auto& all) {
    json[name] = Json::array();
    for (const auto& each : all) json[name].push_back(json_of(each));
  };
  json["renamed"] = Json::array();
  for (const auto& [file, model] : report.renamed) json["renamed"].push_back({{"file", file}, {"model", model}});
  list("missing", report.missing);
  list("unexpected", report.unexpected);
  list("misshapen", report.misshapen);
  json["clashes"] = report.clashes;
  list("absent", report.absent);
  list("dropped", report.dropped);
  list("untouched", report.untouched);
  list("fitted", report.fitted);
  list("kept", report.kept);
  json["not_finite"] = Json::array();
  for (const auto& [name, count] : report.not_finite) json["not_finite"].push_back({{"name", name}, {"count", count}});
  return json;
}

FilledFile fill(const Options& options) {
  expect_output(options.output, options.overwrite);
  FilledFile filled{.model = model_text(options), .rule = options.rule, .to = options.output.string()};
  const auto rule = named("--rule", [&] { return fill_rule_from(options.rule); });
  std::map<std::string, std::string> metadata{{"format", "pt"}, {"vos.fill", options.rule}};
  if (options.keys.empty()) {
    const auto entry = network_of(options, options.settings);
    metadata.merge(metadata_of(entry));
    const auto module = entry.make();
    fill_module(*module, rule);
    std::vector<NamedTensor> weights;
    for (const auto& [name, value, parameter] : state_of(*module)) weights.push_back({name, value});
    write_weights(options.output, weights, metadata);
    filled.tensors = static_cast<std::int64_t>(weights.size());
  } else {
    const auto rows = read_keys(options.keys);
    const auto values = fill_keys(rows, rule);
    std::vector<TensorBytes> bytes;
    for (std::size_t i = 0; i < rows.size(); ++i)
      bytes.push_back({rows[i].key, rows[i].dtype, rows[i].shape, values.bytes[i]});
    write_safetensors(options.output, bytes, metadata);
    filled.tensors = static_cast<std::int64_t>(bytes.size());
  }
  filled.bytes = static_cast<std::int64_t>(std::filesystem::file_size(options.output));
  return filled;
}

void print(std::ostream& out, const FilledFile& filled) {
  out << path_text(filled.to) << "\n  " << counted(filled.tensors, "tensor") << " of " << filled.model
      << " by the rule " << filled.rule << ", " << size_text(filled.bytes) << '\n';
}

Json to_json(const FilledFile& filled) {
  return {{"tool", "vos-weights"},     {"version", vos::version},   {"command", "fill"},
          {"model", filled.model},     {"rule", filled.rule},       {"to", filled.to},
          {"tensors", filled.tensors}, {"file_bytes", filled.bytes}};
}

}  // namespace vos::weights
