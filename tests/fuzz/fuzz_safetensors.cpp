// A safetensors file: refused with an Error, or its tensors cover what follows the header, each byte once, and it is the same
// after writing and reading again. An input that begins with '{' is a header alone, up to a NUL, and then the data.
#include <vos/weights/safetensors.hpp>
#include <vos/weights/write_safetensors.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file_of(const std::uint8_t* header, std::size_t size, const std::uint8_t* end) {
  Bytes file;
  std::string length;
  vos::detail::append_little_endian(length, size, 8);
  file.insert(file.end(), length.begin(), length.end());
  file.insert(file.end(), header, end);
  return file;
}

std::unique_ptr<vos::Checkpoint> read(Bytes file) {
  auto checkpoint = std::make_unique<vos::Checkpoint>();
  checkpoint->where = "input";
  checkpoint->file = vos::FileBytes::of(std::move(file));
  try {
    vos::read_safetensors(*checkpoint, {.max_nodes = 1000});
  } catch (const vos::Error&) {
    return nullptr;
  }
  return checkpoint;
}

std::vector<vos::TensorBytes> tensors_of(const vos::Checkpoint& checkpoint) {
  std::vector<vos::TensorBytes> tensors;
  for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i)
    tensors.push_back({checkpoint.storages[i].key, checkpoint.tensors[i].dtype, checkpoint.tensors[i].sizes,
                       checkpoint.storages[i].bytes});
  return tensors;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes file(data, data + size);
  if (size > 0 && data[0] == '{') {
    const auto* header_end = std::find(data, data + size, 0);
    file = file_of(data, static_cast<std::size_t>(header_end - data), data + size);
    if (header_end != data + size) file.erase(file.begin() + 8 + (header_end - data));  // the NUL
  }
  const auto first = read(std::move(file));
  if (first == nullptr) return 0;
  look_at(*first);
  const auto tensors = tensors_of(*first);
  std::size_t covered = 0;
  for (const auto& tensor : tensors) covered += tensor.bytes.size();
  const auto all = first->file->all();
  expect(covered == all.size() - 8 - vos::detail::little_endian<std::uint64_t>(all));

  const auto order = vos::detail::aligned_order(tensors);
  const auto header = vos::detail::safetensors_header("again", tensors, order, first->metadata);
  const auto* text = reinterpret_cast<const std::uint8_t*>(header.data());
  auto again = file_of(text, header.size(), text + header.size());
  for (const auto i : order) again.insert(again.end(), tensors[i].bytes.begin(), tensors[i].bytes.end());
  const auto second = read(std::move(again));
  expect(second != nullptr && second->metadata == first->metadata &&
         second->top().items.size() == first->top().items.size());
  const auto repeated = tensors_of(*second);
  expect(repeated.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i)
    expect(repeated[i].name == tensors[i].name && repeated[i].dtype == tensors[i].dtype &&
           repeated[i].sizes == tensors[i].sizes && std::ranges::equal(repeated[i].bytes, tensors[i].bytes));
  return 0;
}
