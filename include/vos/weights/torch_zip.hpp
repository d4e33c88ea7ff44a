#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/crc32.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/check.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/foreign.hpp>
#include <vos/weights/little_endian.hpp>
#include <vos/weights/pickle.hpp>
#include <vos/weights/zip_directory.hpp>

namespace vos {
namespace detail {

/// What torch.save has written since 1.6, all below one folder of a zip: data.pkl, the tree; data/KEY, each storage's
/// numbers; byteorder, since 2.1. What else lies there (versions, alignment, an id) says nothing that is needed.
class TorchZip {
 public:
  TorchZip(Checkpoint& into, const CheckpointOptions& options) : into_(into), options_(options) {}

  void read() {
    const auto entries = read_zip_directory(into_.file->all(), into_.where);
    for (const auto& entry : entries) entries_.emplace(entry.name, &entry);
    // torch.serialization.set_crc32_options(False) has a zero written in place of every CRC.
    checked_ = options_.check_crc &&
               std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.crc != 0; });
    const auto* tree = find_tree(entries);
    folder_ = tree->name.substr(0, tree->name.size() - std::string_view{"data.pkl"}.size());
    expect_little_endian();
    const auto bytes = checked_bytes(*tree);
    const auto where = std::exchange(into_.where, into_.where + ", " + in_quotes(tree->name));
    into_.root = unpickle(into_, bytes, options_);
    into_.where = where;
    for (auto& storage : into_.storages)
      if (storage.bytes.empty() && storage.elements > 0) storage.bytes = checked_bytes(*find_storage(storage));
    check_tensors(into_);
  }

 private:
  const ZipEntry* find(const std::string& name) const {
    const auto found = entries_.find(folder_ + name);
    return found == entries_.end() ? nullptr : found->second;
  }

  const ZipEntry* find_tree(const std::vector<ZipEntry>& entries) const {
    std::vector<std::string_view> names;
    for (const auto& entry : entries) names.push_back(entry.name);
    if (auto answer = foreign_zip(names))
      throw Error({.what = std::move(answer->what), .where = into_.where, .mend = std::move(answer->mend)});
    const ZipEntry* tree = nullptr;  // there is one, or there was an answer
    for (const auto& entry : entries) {
      if (!is_in_zip(entry.name, "data.pkl")) continue;
      if (tree != nullptr)
        throw Error({.what = "a zip of several checkpoints: " + in_quotes(tree->name) + " and " + in_quotes(entry.name),
                     .where = into_.where,
                     .mend = "unpack it, and pack each folder that has a data.pkl by itself: zip -0 -r ../NAME.pth ."});
      tree = &entry;
    }
    return tree;
  }

  void expect_little_endian() const {
    const auto* entry = find("byteorder");
    if (entry == nullptr) return;
    const auto bytes = checked_bytes(*entry);
    const auto order = text_of(bytes);
    if (order != "little")
      throw Error({.what = order == "big" ? "its numbers are big-endian: it was saved on another kind of machine"
                                          : "its byte order is " + in_quotes(order),
                   .where = into_.where,
                   .mend = std::string{save_again}});  // which swaps the bytes
  }

  const ZipEntry* find_storage(const StorageRecord& storage) const {
    if (const auto* entry = find("data/" + storage.key)) return entry;
    throw Error({.what = "the archive lacks the numbers of storage " + in_quotes(storage.key),
                 .where = into_.where,
                 .mend = "the file is damaged, or was packed again without them: get it again from its source"});
  }

  std::span<const std::uint8_t> checked_bytes(const ZipEntry& entry) const {
    const auto bytes = stored_bytes(entry, into_.where);
    if (!checked_) return bytes;
    // A part at a time, so that no more of a mapped file than that is in memory.
    constexpr std::size_t part = std::size_t{1} << 22;
    std::uint32_t crc = 0;
    for (std::size_t at = 0; at < bytes.size(); at += part) {
      const auto some = bytes.subspan(at, std::min(part, bytes.size() - at));
      crc = crc32_of(some, crc);
      into_.file->forget(some);
    }
    if (crc == entry.crc) return bytes;
    const auto where = into_.where + ", " + in_quotes(entry.name);
    if (entry.crc == 0)
      throw Error({.what = "its numbers were left out when it was saved (torch.serialization.skip_data)",
                   .where = where,
                   .mend = "if they were filled in since: " + std::string{save_again}});
    char text[32];
    std::snprintf(text, sizeof text, "%08x, not %08x", crc, entry.crc);
    throw Error({.what = std::string{"its bytes are not those that were saved: their CRC is "} + text,
                 .where = where,
                 .mend = "the file is damaged: copy or download it again"});
  }

  Checkpoint& into_;
  const CheckpointOptions& options_;
  std::map<std::string_view, const ZipEntry*> entries_;
  std::string folder_;  // with its slash; empty where the files lie at the top
  bool checked_ = true;
};

}  // namespace detail

/// Reads what torch.save writes by default. `into.file` and `into.where` are set.
inline void read_torch_zip(Checkpoint& into, const CheckpointOptions& options) {
  into.format = CheckpointFormat::torch_zip;
  detail::TorchZip{into, options}.read();
}

}  // namespace vos
