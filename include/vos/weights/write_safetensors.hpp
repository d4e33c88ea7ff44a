#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/pending_file.hpp>
#include <vos/weights/dtype.hpp>
#include <vos/weights/little_endian.hpp>
#include <vos/weights/safetensors_header.hpp>

namespace vos {

/// A tensor to write: contiguous, its numbers little-endian.
struct TensorBytes {
  std::string name = {};
  DType dtype = DType::f32;
  std::vector<std::int64_t> sizes = {};
  std::span<const std::uint8_t> bytes = {};
};

namespace detail {

/// The order of the tensors' bytes. The format has no room between tensors, yet whoever maps the file wants each where its
/// numbers can be used: tensors that are whole runs of 64 bytes first, as most weights are, so that each begins at a
/// multiple of 64; then the others by the size of their numbers, so that each begins at a multiple of that.
inline std::vector<std::size_t> aligned_order(std::span<const TensorBytes> tensors) {
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto rank = [&](std::size_t i) { return tensors[i].bytes.size() % 64 == 0 ? 64 : bytes_of(tensors[i].dtype); };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair{-rank(a), a} < std::pair{-rank(b), b}; });
  return order;
}

/// What stands before the tensors' bytes. Its entries keep the caller's order.
inline std::string safetensors_header(const std::filesystem::path& path, std::span<const TensorBytes> tensors,
                                      std::span<const std::size_t> order,
                                      const std::map<std::string, std::string>& metadata) {
  const auto refuse = [&](const std::string& what, const std::string& place, const std::string& mend) {
    throw Error({.what = what, .where = path.string() + place, .mend = mend});
  };
  const auto json = [&](const std::string& text) {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception&) {
      refuse(in_quotes(text) + " is not UTF-8, as safetensors demands", {}, "choose another name");
      throw;
    }
  };
  std::vector<std::size_t> begin(tensors.size());
  std::size_t end = 0;
  for (const auto i : order) begin[i] = std::exchange(end, end + tensors[i].bytes.size());

  std::string header = "{";
  const auto add = [&](const std::string& name, const std::string& value) {
    if (header.size() > 1) header += ',';
    header += json(name) + ":" + value;
  };
  if (!metadata.empty()) {
    std::vector<std::string> pairs;
    for (const auto& [key, value] : metadata) pairs.push_back(json(key) + ":" + json(value));
    add(std::string{safetensors_metadata}, "{" + join(pairs, ",") + "}");
  }
  std::set<std::string_view> names{safetensors_metadata};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& tensor = tensors[i];
    const auto& info = info_of(tensor.dtype);
    const auto place = ", tensor " + in_quotes(tensor.name);
    if (!names.insert(tensor.name).second)
      refuse(tensor.name == safetensors_metadata ? "the format has this name for its own use" : "two have this name",
             place, "choose another name");
    if (info.safetensors.empty())
      refuse("safetensors has no numbers of type " + std::string{info.name}, place, "convert it to another type first");
    auto sizes = tensor.sizes;
    std::int64_t bytes = info.bytes;
    bool countable = true;
    for (const auto size : sizes) countable = countable && size >= 0 && !__builtin_mul_overflow(bytes, size, &bytes);
    if (!countable || static_cast<std::size_t>(bytes) != tensor.bytes.size())
      refuse("its sizes are " + text_of_sizes(sizes) + " of " + std::string{info.name} + ", and it has " +
                 std::to_string(tensor.bytes.size()) + " bytes",
             place, "make it contiguous first");
    if (tensor.dtype == DType::f4_e2m1fn_x2) {  // LibTorch counts bytes, the file halves of a byte
      if (sizes.empty()) sizes.push_back(1);
      sizes.back() *= 2;
    }
    add(tensor.name, R"({"dtype":")" + std::string{info.safetensors} + R"(","shape":)" + text_of_sizes(sizes) +
                         R"(,"data_offsets":[)" + std::to_string(begin[i]) + "," +
                         std::to_string(begin[i] + tensor.bytes.size()) + "]}");
  }
  header += "}";
  header.append((64 - (8 + header.size()) % 64) % 64, ' ');  // the bytes begin at a multiple of 64
  if (header.size() > safetensors_header_limit)
    refuse("a header of " + std::to_string(header.size()) + " bytes; readers take " +
               std::to_string(safetensors_header_limit),
           {}, "write fewer tensors or less metadata to one file");
  return header;
}

}  // namespace detail

/// Writes a safetensors file, which takes its name once it is whole and survives loss of power from then on. Nothing but the
/// header is made in memory. The same tensors give the same file, byte for byte.
inline void write_safetensors(const std::filesystem::path& path, std::span<const TensorBytes> tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  const auto order = detail::aligned_order(tensors);
  const auto header = detail::safetensors_header(path, tensors, order, metadata);
  std::string begin;
  detail::append_little_endian(begin, header.size(), 8);
  begin += header;
  PendingFile file{path};
  file.append({reinterpret_cast<const std::uint8_t*>(begin.data()), begin.size()});
  for (const auto i : order) file.append(tensors[i].bytes);
  file.commit(Durability::power);
}

}  // namespace vos
