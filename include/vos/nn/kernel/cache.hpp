#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/crc32.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos {

/// Compiled kernels on disk, for the next process. Each file holds the whole key that it was compiled from, so that no two
/// are taken for each other, and a checksum: what is not as it was written is not there. A folder that cannot be read or
/// written costs time, and nothing else.
class KernelCache {
 public:
  /// An empty path keeps nothing.
  explicit KernelCache(std::filesystem::path folder = usual_folder()) : folder_(std::move(folder)) {}

  /// vos/kernels in XDG_CACHE_HOME, or in ~/.cache.
  static std::filesystem::path usual_folder() {
    const auto named = [](const char* name) -> std::filesystem::path {
      const char* value = std::getenv(name);
      return value != nullptr ? value : "";
    };
    // Relative ones are to be ignored, says the standard of that variable.
    if (const auto cache = named("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "vos" / "kernels";
    if (const auto home = named("HOME"); home.is_absolute()) return home / ".cache" / "vos" / "kernels";
    return {};
  }

  /// Where the bytes of `key` are kept; `name` is for who looks into the folder.
  std::filesystem::path file(const std::string& name, std::string_view key) const {
    std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
    for (const char letter : key) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3;
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += digits[hash >> shift & 15];
    return folder_ / (name + "-" + text + ".cubin");
  }

  /// What was stored under that key; nothing where that is not so, or no longer whole.
  std::optional<std::vector<std::uint8_t>> load(const std::string& name, std::string_view key) const {
    if (folder_.empty()) return std::nullopt;
    const auto path = file(name, key);
    std::error_code code;
    if (!std::filesystem::is_regular_file(path, code)) return std::nullopt;
    try {
      auto bytes = read_file(path);
      const auto begin = header(key, {});
      if (bytes.size() <= begin.size()) return std::nullopt;
      const std::span body{bytes.data() + begin.size(), bytes.size() - begin.size()};
      const auto expected = header(key, body);
      if (std::memcmp(bytes.data(), expected.data(), expected.size()) != 0) return std::nullopt;
      return std::vector<std::uint8_t>{body.begin(), body.end()};
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  void store(const std::string& name, std::string_view key, std::span<const std::uint8_t> body) const {
    if (folder_.empty()) return;
    try {
      make_folder(folder_);
      PendingFile pending{file(name, key)};
      pending.append(header(key, body));
      pending.append(body);
      pending.commit();
    } catch (const Error&) {  // compiled anew next time
    } catch (const std::filesystem::filesystem_error&) {
    }
  }

 private:
  /// What stands before the bytes: their checksum and number, and the key.
  static std::vector<std::uint8_t> header(std::string_view key, std::span<const std::uint8_t> body) {
    std::vector<std::uint8_t> bytes;
    const auto add = [&](std::uint64_t number) {
      for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
    };
    add(crc32_of(body));
    add(body.size());
    add(key.size());
    bytes.insert(bytes.end(), key.begin(), key.end());
    return bytes;
  }

  std::filesystem::path folder_;
};

}  // namespace vos
