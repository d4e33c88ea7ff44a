#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/check.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/little_endian.hpp>
#include <vos/weights/pickle.hpp>

namespace vos {

namespace detail {

/// Whether the file is the tar of torch.save before 0.1.10 (2017).
inline bool is_torch_tar(std::span<const std::uint8_t> file) {
  constexpr std::size_t header = 512, magic_at = 257;
  if (file.size() < header || text_of(file.subspan(magic_at, 5)) != "ustar") return false;
  const auto name = text_of(file.first(100));
  for (const std::string_view member : {"storages", "tensors", "pickle", "sys_info"})
    if (name.substr(0, name.find('\0')).ends_with(member)) return true;
  return false;
}

/// One of the four small pickles around the object, as a checkpoint of its own. `at` moves behind it.
inline Checkpoint small_pickle(const Checkpoint& whole, const CheckpointOptions& options, std::size_t& at) {
  Checkpoint part{.where = whole.where, .file = whole.file};
  std::size_t read = 0;
  part.root = unpickle(part, whole.file->all().subspan(at), options, &read);
  at += read;
  return part;
}

}  // namespace detail

/// Reads what torch.save wrote before 1.6, and writes to this day with _use_new_zipfile_serialization=False: one after the
/// other a magic number, a protocol number, facts on the writer's machine, the object, the keys of its storages, and in the
/// order of these keys each storage as a count and its numbers. `into.where` and `into.file` are set.
inline void read_torch_legacy(Checkpoint& into, const CheckpointOptions& options) {
  const auto file = into.file->all();
  std::size_t at = 0;
  const auto refuse = [&](const std::string& what, const std::string& mend) {
    throw Error({.what = what, .where = into.where + ", byte " + std::to_string(at), .mend = mend});
  };
  const std::string damaged = "the file is damaged or cut short; get it again from its source";
  if (detail::is_torch_tar(file))
    refuse("this is a tar of torch.save before 0.1.10 (2017)",
           "in Python, if you trust it, since loading may run what is in it: import torch; "
           "torch.save(torch.load('FILE', map_location='cpu', weights_only=False), 'OUT.pth')");

  const auto magic = detail::small_pickle(into, options, at);
  // In hex from the binary protocols, in decimals from protocol 0.
  if (magic.top().kind != NodeKind::integer ||
      (magic.top().text != "0x1950a86a20f9469cfc6c" && magic.top().text != "119547037146038801333356"))
    refuse("this file does not begin as torch.save's do", "check that it is a checkpoint");
  const auto protocol = detail::small_pickle(into, options, at);
  if (protocol.top().kind != NodeKind::integer || protocol.top().integer != 1001)
    refuse("a format of torch.save that is not known", std::string{save_again});
  const auto machine = detail::small_pickle(into, options, at);
  const auto* little = machine.find(machine.top(), "little_endian");
  if (little == nullptr || little->integer != 1)
    refuse("it was written on a big-endian machine",
           "on that machine, in Python: import torch, safetensors.torch; "
           "safetensors.torch.save_file(torch.load('FILE', map_location='cpu'), 'OUT.safetensors')");

  into.format = CheckpointFormat::torch_legacy;
  std::size_t read = 0;
  into.root = unpickle(into, file.subspan(at), options, &read);
  at += read;

  const auto keys = detail::small_pickle(into, options, at);
  if (keys.top().kind != NodeKind::list) refuse("the list of its storages is no list", damaged);
  std::map<std::string_view, StorageRecord*> storages;
  for (auto& storage : into.storages)
    if (!storage.in_pickle) storages[storage.key] = &storage;
  for (const auto id : keys.top().items) {
    const auto found = storages.find(keys.node(id).text);
    const auto name = "storage " + detail::in_quotes(keys.node(id).text);
    if (found == storages.end()) refuse(name + " belongs to no tensor, or is there twice", damaged);
    auto& storage = *found->second;
    storages.erase(found);
    std::int64_t bytes = 0;
    if (file.size() - at < sizeof(bytes)) refuse("the file ends before " + name, damaged);
    const auto elements = static_cast<std::int64_t>(detail::little_endian<std::uint64_t>(file, at));
    at += sizeof(elements);
    if (elements != storage.elements)
      refuse(name + " has " + std::to_string(elements) + " numbers, its tensors expect " +
                 std::to_string(storage.elements),
             damaged);
    if (elements < 0 || __builtin_mul_overflow(elements, bytes_of(storage.dtype), &bytes) ||
        static_cast<std::uint64_t>(bytes) > file.size() - at)
      refuse("the file ends in " + name + ": " + std::to_string(elements) + " numbers wanted, " +
                 std::to_string(file.size() - at) + " bytes left",
             damaged);
    storage.bytes = file.subspan(at, static_cast<std::size_t>(bytes));
    at += storage.bytes.size();
  }
  if (!storages.empty())
    refuse("storage " + detail::in_quotes(storages.begin()->first) + " is not in the file", damaged);
  check_tensors(into);
}

}  // namespace vos
