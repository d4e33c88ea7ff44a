#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/check.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/dense_strides.hpp>
#include <vos/weights/little_endian.hpp>
#include <vos/weights/safetensors_header.hpp>

namespace vos {

namespace detail {

/// Gives a contiguous tensor its strides. Returns the bytes that it takes, -1 where 64 bits cannot count them.
inline std::int64_t lay_out(TensorRecord& tensor) {
  auto strides = dense_strides(tensor.sizes);
  if (!strides) return -1;
  tensor.strides = *std::move(strides);
  std::int64_t bytes = bytes_of(tensor.dtype);
  for (const auto size : tensor.sizes)
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(size, 1), &bytes)) return -1;
  return std::ranges::find(tensor.sizes, 0) == tensor.sizes.end() ? bytes : 0;
}

class SafetensorsReader {
 public:
  SafetensorsReader(Checkpoint& into, const CheckpointOptions& options)
      : into_(into), options_(options), file_(into.file->all()) {}

  void read() {
    const auto header = file_.subspan(8, header_size());
    if (!begins_with_brace(text_of(header))) refuse("the header does not begin with '{'", ", byte 8");
    into_.format = CheckpointFormat::safetensors;
    into_.root = add({.kind = NodeKind::dict});
    SafetensorsHeader reader{into_.where, into_.metadata, [this](SafetensorsEntry entry) { take(std::move(entry)); }};
    nlohmann::json::sax_parse(header.begin(), header.end(), &reader);
    hand_out(file_.subspan(8 + header.size()));
  }

 private:
  std::size_t header_size() const {
    if (file_.size() < 8)
      refuse("a file of " + std::to_string(file_.size()) + " bytes is no safetensors file", {}, again);
    const auto size = little_endian<std::uint64_t>(file_);
    const auto claim = "the header claims " + std::to_string(size) + " bytes";
    if (size > safetensors_header_limit)
      refuse(claim + "; " + std::to_string(safetensors_header_limit) + " are the most");
    if (size > file_.size() - 8)
      refuse(claim + ", and the file ends after " + std::to_string(file_.size() - 8), {}, again);
    return size;
  }

  void take(SafetensorsEntry entry) {
    const auto i = into_.tensors.size();
    into_.storages.push_back({.key = entry.name, .dtype = *entry.dtype});
    into_.tensors.push_back(
        {.dtype = *entry.dtype, .storage = static_cast<std::uint32_t>(i), .sizes = std::move(*entry.sizes)});
    auto& tensor = into_.tensors.back();
    const auto shown = [&, sizes = tensor.sizes] {
      return std::string{info_of(tensor.dtype).safetensors} + " " + text_of_sizes(sizes);
    };
    if (tensor.dtype == DType::f4_e2m1fn_x2) {  // the file counts halves of a byte, LibTorch bytes
      if (tensor.sizes.empty() || tensor.sizes.back() % 2 != 0) refuse(shown() + " ends within a byte", place(i));
      tensor.sizes.back() /= 2;
    }
    const auto bytes = lay_out(tensor), begin = entry.range->at(0), end = entry.range->at(1);
    if (bytes < 0) refuse(shown() + " is more than 64 bits can count", place(i));
    if (begin > end || end - begin != bytes)
      refuse(shown() + " takes " + std::to_string(bytes) + " bytes, and its 'data_offsets' are " +
                 text_of_sizes(*entry.range),
             place(i));
    into_.storages.back().elements = bytes / bytes_of(tensor.dtype);
    ranges_.emplace_back(begin, end);
    const std::string_view name = into_.made.emplace_back(std::move(entry.name));
    if (!names_.insert(name).second) refuse("two tensors have this name", place(i));
    for (const auto id : {add({.kind = NodeKind::text, .text = name}),
                          add({.kind = NodeKind::tensor, .integer = static_cast<std::int64_t>(i)})})
      into_.nodes[into_.root].items.push_back(id);
  }

  /// Gives each tensor its bytes. They must cover `data`, each byte once, in whatever order the header has them.
  void hand_out(std::span<const std::uint8_t> data) {
    std::vector<std::uint32_t> order(ranges_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return ranges_[a] < ranges_[b]; });
    std::int64_t covered = 0;
    for (const auto i : order) {
      const auto [begin, end] = ranges_[i];
      if (begin != covered)
        refuse("its data begin at " + std::to_string(begin) + ", and those before it end at " + std::to_string(covered),
               place(i));
      covered = end;
    }
    const auto present = static_cast<std::int64_t>(data.size());
    if (covered > present)
      refuse("the tensors take " + std::to_string(covered) + " bytes, and the file has " + std::to_string(present) +
                 " for them: it is cut short",
             {}, again);
    if (covered < present) refuse("the last " + std::to_string(present - covered) + " bytes belong to no tensor");
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      const auto [begin, end] = ranges_[i];
      into_.storages[i].bytes = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    }
  }

  NodeId add(CheckpointNode node) {
    if (static_cast<std::int64_t>(into_.nodes.size()) >= options_.max_nodes)
      refuse("it has more than " + std::to_string(options_.max_nodes) + " values");
    into_.nodes.push_back(std::move(node));
    return static_cast<NodeId>(into_.nodes.size() - 1);
  }

  std::string place(std::size_t tensor) const { return ", tensor " + in_quotes(into_.storages[tensor].key); }

  static constexpr const char* again = "copy or download it again";

  [[noreturn]] void refuse(const std::string& what, const std::string& place = {},
                           const char* mend = safetensors_damaged) const {
    throw Error({.what = what, .where = into_.where + place, .mend = mend});
  }

  Checkpoint& into_;
  const CheckpointOptions& options_;
  const std::span<const std::uint8_t> file_;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges_;  // of the tensors, in bytes after the header
  std::set<std::string_view> names_;
};

}  // namespace detail

/// Fills a checkpoint from the safetensors file in `into.file`: a dict of tensors in the order of the header, and the
/// metadata. As with the official reader the tensors must cover what follows the header, each byte once.
inline void read_safetensors(Checkpoint& into, const CheckpointOptions& options) {
  detail::SafetensorsReader{into, options}.read();
  check_tensors(into);
}

}  // namespace vos
