#include "convert.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <unordered_map>

#include <vos/core/parallel.hpp>
#include <vos/core/text.hpp>
#include <vos/version.hpp>
#include <vos/weights/key_pattern.hpp>
#include <vos/weights/values.hpp>
#include <vos/weights/write_safetensors.hpp>

#include "beside.hpp"
#include "shared.hpp"
#include "text.hpp"
#include "tree.hpp"

namespace vos::weights {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

bool is_quantised(DType dtype) { return dtype == DType::qint8 || dtype == DType::quint8 || dtype == DType::qint32; }

/// A tensor on its way into the file.
struct Outgoing {
  std::string name;
  const TensorRecord* tensor;
  bool convert;                          ///< to another type
  std::string entry = {};                ///< what it belongs to, if to no weight
  std::vector<std::uint8_t> space = {};  ///< its bytes, if they do not lie in the file as they are written
  TensorBytes bytes = {};
  std::int64_t overflowed = 0;
};

/// Applies the renaming to each name. A rule that nothing matches is a slip of who typed it.
std::int64_t rename(std::vector<NamedRecord>& weights, const Options& options, const std::string& where) {
  std::int64_t renamed = 0;
  for (const auto& rule : options.rename) {
    const KeyPattern from{rule.from}, to{rule.to};
    bool matched = false;
    for (auto& weight : weights)
      if (const auto captures = from.match(weight.name)) {
        matched = true;
        ++renamed;
        weight.name = to.wildcards() > 0 ? to.filled(*captures) : rule.to;
      }
    if (matched) continue;
    std::vector<std::string> names;
    for (const auto& weight : weights) names.push_back(weight.name);
    throw Error({.what = "--rename '" + rule.from + "' matches no name" + did_you_mean(rule.from, names),
                 .where = where,
                 .mend = "* stands for a part without dots, ** for any run of letters"});
  }
  return renamed;
}

void prepare(const Checkpoint& file, Outgoing& out, DType dtype) {
  const auto& tensor = *out.tensor;
  if (!out.convert) {
    out.bytes = {out.name, tensor.dtype, tensor.sizes, elements_of(file, tensor, out.space)};
    return;
  }
  const auto width = static_cast<std::size_t>(bytes_of(dtype));
  auto sizes = tensor.sizes;
  if (tensor.dtype == DType::f4_e2m1fn_x2 && !sizes.empty()) sizes.back() *= 2;
  std::vector<std::uint8_t> converted(static_cast<std::size_t>(tensor.numel() * numbers_in(tensor.dtype)) * width);
  std::span<std::uint8_t> left{converted};
  TensorNumbers numbers(file, tensor);
  const double most = dtype == DType::f16    ? 65504
                      : dtype == DType::bf16 ? 0x1.FEp127
                                             : static_cast<double>(std::numeric_limits<float>::max());
  std::vector<double> back(TensorNumbers::at_once);
  for (auto some = numbers.next(); !some.empty(); some = numbers.next()) {
    const auto bytes = left.first(some.size() * width);
    write_numbers(dtype, some, bytes);
    // Only what is beyond the type's largest number can become infinite; whether it did is for rounding to say.
    if (std::any_of(some.begin(), some.end(),
                    [&](double number) { return std::isfinite(number) && std::abs(number) > most; })) {
      read_numbers(dtype, bytes, std::span{back}.first(some.size()));
      for (std::size_t i = 0; i < some.size(); ++i) out.overflowed += std::isfinite(some[i]) && std::isinf(back[i]);
    }
    left = left.subspan(bytes.size());
  }
  out.space = std::move(converted);
  out.bytes = {out.name, dtype, std::move(sizes), out.space};
}

/// What stands beside the weights: tensors as "@optimizer/state/0/exp_avg", all else as JSON under "@optimizer" in the metadata.
class Keeper {
 public:
  Keeper(const Checkpoint& file, std::deque<Outgoing>& out, std::map<std::string, std::string>& metadata)
      : file_(file), out_(out), metadata_(metadata) {}

  /// Gives whether all of it could be kept.
  bool keep(const BesideNode& entry) {
    constexpr std::size_t most_text = 50'000'000;  // half of what readers of safetensors take
    if (text_ > most_text) return false;
    bool cut = false;
    const auto json = tree_json(
        file_, entry.node, {.depth = 64, .items = 1'000'000, .values = 1'000'000},
        [&](NodeId node, const std::string& path) { return Json{{"tensor", name_of(node, path, entry.entry)}}; },
        entry.path, &cut);
    if (file_.node(entry.node).kind == NodeKind::tensor) return !cut;
    auto& text = metadata_["@" + entry.path];
    text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    text_ += text.size();
    return !cut;
  }

 private:
  const std::string& name_of(NodeId node, const std::string& path, const std::string& entry) {
    auto& name = names_[node];
    if (!name.empty()) return name;
    name = "@" + path;
    // Keys may hold a '/', so that two paths read alike.
    if (const auto times = ++taken_[name]; times > 1) name += "#" + std::to_string(times);
    out_.push_back({name, &file_.tensors[static_cast<std::size_t>(file_.node(node).integer)], false, entry});
    return name;
  }

  const Checkpoint& file_;
  std::deque<Outgoing>& out_;
  std::map<std::string, std::string>& metadata_;
  std::size_t text_ = 0;  // written so far
  std::unordered_map<NodeId, std::string> names_ = {};
  std::unordered_map<std::string, int> taken_ = {};
};

/// Whether --strip NAME means this entry: by its full path, its last part or what it lies in.
bool strips(const std::string& name, const std::string& entry) {
  return name == "all" || entry == name || entry.ends_with("/" + name) || entry.starts_with(name + "/");
}

/// Refuses what safetensors has no type for, before any work.
void expect_writable(const Outgoing& out, const std::string& where) {
  const auto& info = info_of(out.tensor->dtype);
  if (out.convert || !info.safetensors.empty()) return;
  const bool beside = out.name.starts_with('@');
  std::string mend = beside ? "leave it out: --strip " + printable(out.entry) : "";
  if (!beside && is_quantised(out.tensor->dtype))
    mend = "--dtype fp32 (or fp16, bf16) writes the numbers that it stands for";
  else if (!beside)
    mend = "in Python: convert it, as tensor.to(torch.complex64) does with complex numbers, and save it again";
  throw Error({.what = "safetensors has no type for " + std::string{info.name},
               .where = where + ", tensor '" + printable(out.name) + "'",
               .mend = mend});
}

}  // namespace

void expect_output(const fs::path& path, bool overwrite) {
  if (lower_case(path.extension().string()) != ".safetensors")
    throw Error({.what = "what is written is safetensors, and this name says otherwise",
                 .where = path.string(),
                 .mend = "let it end in .safetensors; where a .pth is needed, Python makes one of it: "
                         "torch.save(safetensors.torch.load_file('IN.safetensors'), 'OUT.pth')",
                 .exit_code = exit_code::usage});
  std::error_code ignored;
  if (!overwrite && fs::exists(path, ignored))
    throw Error(
        {.what = "the file is there already", .where = path.string(), .mend = "pass --overwrite, or another name"});
}

Converted convert(const Checkpoint& file, const Options& options, std::stop_token stop) {
  const auto& to = options.files.back();
  Converted result{.from = file.where, .to = to.string(), .to_f16 = options.dtype == DType::f16};
  auto weights = weights_in(file, options.select);
  const auto others = nodes_beside(file, weights_place(file, options.select), weights);
  result.renamed = rename(weights, options, file.where);

  std::deque<Outgoing> out;
  for (const auto& weight : weights) {
    const auto& tensor = file.tensors[weight.tensor];
    const bool change =
        options.dtype && (is_floating(tensor.dtype) || is_quantised(tensor.dtype)) && tensor.dtype != *options.dtype;
    result.changed += change;
    out.push_back({weight.name, &tensor, change});
  }
  std::map<std::string, std::string> metadata;
  std::set<std::string> entries;
  const auto sort_out = [&](const std::string& entry) {  // gives whether it is to be kept
    const bool stripped =
        std::any_of(options.strip.begin(), options.strip.end(), [&](const auto& name) { return strips(name, entry); });
    if (entries.insert(entry).second) (stripped ? result.stripped : result.kept).push_back(entry);
    return !stripped;
  };
  for (const auto& [key, value] : file.metadata)
    if (!key.starts_with('@') || sort_out(key.substr(1))) metadata[key] = value;
  Keeper keeper{file, out, metadata};
  for (const auto& entry : others)
    if (sort_out(entry.entry)) result.cut |= !keeper.keep(entry);
  for (const auto& name : options.strip) {
    if (name == "all" ||
        std::any_of(entries.begin(), entries.end(), [&](const auto& each) { return strips(name, each); }))
      continue;
    const auto outer = std::find_if(entries.begin(), entries.end(), [&](const auto& each) {  // by its path or last part
      return name.starts_with(each + "/") || name.starts_with(each.substr(each.rfind('/') + 1) + "/");
    });
    if (outer == entries.end()) result.not_found.push_back(name);
    else if (std::find(result.kept.begin(), result.kept.end(), *outer) != result.kept.end())
      result.inside.emplace_back(name, *outer);
  }
  for (const auto& each : out) expect_writable(each, file.where);

  for_each_parallel(out.size(), options.thread_count(), stop, [&](std::size_t i) {
    prepare(file, out[i], options.dtype.value_or(DType::f32));
    if (file.file && !out[i].space.empty()) file.file->forget(file.storages[out[i].tensor->storage].bytes);
  });
  if (stop.stop_requested()) throw Cancelled(to.string());
  std::vector<TensorBytes> bytes;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].overflowed > 0) result.overflowed.emplace_back(out[i].name, out[i].overflowed);
    if (i < weights.size()) result.bytes += static_cast<std::int64_t>(out[i].bytes.bytes.size());
    bytes.push_back(std::move(out[i].bytes));
  }
  result.tensors = static_cast<std::int64_t>(weights.size());
  for (auto& [same, names] : shared_names(file, weights))
    if (same) result.tied.push_back(std::move(names));
  metadata["format"] = "pt";  // as Python's libraries write it, and some of their readers ask for it
  metadata.erase("vos.tied");
  if (!result.tied.empty()) metadata["vos.tied"] = Json(result.tied).dump();
  write_safetensors(to, bytes, metadata);
  result.file_bytes = static_cast<std::int64_t>(fs::file_size(to));
  return result;
}

void print(std::ostream& out, const Converted& converted) {
  const auto names = [](const std::vector<std::string>& all) {
    return join_first(all, 12, ", ", [](const std::string& name) { return printable(name); });
  };
  out << path_text(converted.to) << "\n  " << counted(converted.tensors, "tensor") << " of "
      << path_text(converted.from) << ", " << size_text(converted.bytes) << "; the file has "
      << size_text(converted.file_bytes) << '\n';
  if (converted.changed > 0) out << "  changed in type: " << counted(converted.changed, "tensor") << '\n';
  if (converted.renamed > 0) out << "  renamed: " << counted(converted.renamed, "tensor") << '\n';
  if (!converted.kept.empty()) out << "  kept beside the weights: " << names(converted.kept) << '\n';
  if (!converted.stripped.empty()) out << "  left out: " << names(converted.stripped) << '\n';
  if (!converted.tied.empty())
    out << "  tied weights: " << counted(converted.tied.size(), "tensor")
        << " had several names; each name is written, and the metadata's vos.tied lists them\n";
}

Json to_json(const Converted& converted) {
  Json overflowed = Json::array();
  for (const auto& [name, numbers] : converted.overflowed) overflowed.push_back({{"name", name}, {"numbers", numbers}});
  Json inside = Json::array();
  for (const auto& [name, entry] : converted.inside) inside.push_back({{"name", name}, {"entry", entry}});
  return {{"tool", "vos-weights"},
          {"version", vos::version},
          {"command", "convert"},
          {"from", converted.from},
          {"to", converted.to},
          {"tensors", converted.tensors},
          {"bytes", converted.bytes},
          {"file_bytes", converted.file_bytes},
          {"changed", converted.changed},
          {"renamed", converted.renamed},
          {"overflowed", overflowed},
          {"kept", converted.kept},
          {"stripped", converted.stripped},
          {"not_found", converted.not_found},
          {"inside", inside},
          {"tied", converted.tied},
          {"complete", !converted.cut}};
}

}  // namespace vos::weights
