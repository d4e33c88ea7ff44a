#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <vos/error.hpp>
#include <vos/io/file_bytes.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/foreign.hpp>
#include <vos/weights/little_endian.hpp>
#include <vos/weights/numpy_pickle.hpp>
#include <vos/weights/safetensors.hpp>
#include <vos/weights/torch_legacy.hpp>
#include <vos/weights/torch_zip.hpp>

namespace vos {
namespace detail {

/// Whether a file begins and ends as a pickle of protocol 0 or 1 does, which has no sign: with an empty container and its
/// number, or with the two lines that name a type.
inline bool is_early_pickle(std::string_view bytes) {
  if (!bytes.ends_with('.')) return false;
  for (const std::string_view begin : {"(dp", "(lp", "}q", "]q"})
    if (bytes.starts_with(begin)) return true;
  if (!bytes.starts_with('c')) return false;
  for (int line = 0; line < 2; ++line) {
    const auto length = bytes.substr(0, 128).find('\n');
    const auto part = bytes.substr(0, length);
    if (length == bytes.npos ||
        part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") != part.npos)
      return false;
    bytes.remove_prefix(length + 1);
  }
  return true;
}

/// The reader for a file that begins so; none where it is no checkpoint. Names say little: .pth and .bin are any of these.
inline auto reader_for(std::span<const std::uint8_t> file) -> void (*)(Checkpoint&, const CheckpointOptions&) {
  using namespace std::string_view_literals;
  const auto bytes = text_of(file);
  // A header's length in eight bytes, then JSON. First of all: the length 640 is also how a pickle begins, and no pickle and
  // no zip has these zeros.
  if (bytes.size() > 8 && bytes.substr(4, 4) == "\0\0\0\0"sv && begins_with_brace(bytes.substr(8, 4096)))
    return read_safetensors;
  if (bytes.starts_with("PK\3\4"sv) || bytes.starts_with("PK\5\6"sv)) return read_torch_zip;
  // PyTorch's first value is this number, behind the protocol and perhaps the length of a frame; in decimals in protocol 0.
  if (bytes.substr(0, 32).find("\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19"sv) != bytes.npos ||
      bytes.starts_with("L119547037146038801333356L\n") || is_torch_tar(file))
    return read_torch_legacy;
  if (bytes.starts_with('\x80') || is_early_pickle(bytes)) return read_pickle;
  return nullptr;
}

}  // namespace detail

namespace detail {

inline std::shared_ptr<const Checkpoint> open_bytes(std::shared_ptr<const FileBytes> file, std::string where,
                                                    const CheckpointOptions& options) {
  const auto read = reader_for(file->all());
  if (read == nullptr) {
    auto [what, mend] = foreign_file(file->all());
    throw Error({.what = std::move(what), .where = std::move(where), .mend = std::move(mend)});
  }
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->where = std::move(where);
  checkpoint->file = std::move(file);
  read(*checkpoint, options);
  return checkpoint;
}

}  // namespace detail

/// Reads a checkpoint of any format that is known, by what is in it and not by its name. `where` is what messages call it.
/// Whoever shares a file may have written to it through a tensor: its pages stay from here on.
inline std::shared_ptr<const Checkpoint> open_checkpoint(std::shared_ptr<const FileBytes> file, std::string where,
                                                         const CheckpointOptions& options = {}) {
  file->keep_pages();
  return detail::open_bytes(std::move(file), std::move(where), options);
}

/// The same for a file on disk.
inline std::shared_ptr<const Checkpoint> open_checkpoint(const std::filesystem::path& path,
                                                         const CheckpointOptions& options = {}) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    auto [what, mend] = foreign_folder(path);
    throw Error({.what = std::move(what), .where = path.string(), .mend = std::move(mend)});
  }
  return detail::open_bytes(options.map ? FileBytes::map(path) : FileBytes::read(path), path.string(), options);
}

}  // namespace vos
