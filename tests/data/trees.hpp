#pragma once

/// Trees of files for the tests of catalogues: names matter there, contents hardly.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <vos/data/open_catalog.hpp>

#include "../test.hpp"

namespace vos::test {

/// Writes a text below `root`, with the folders above it.
inline void put(const std::filesystem::path& root, const std::string& name, const std::string& text = "") {
  std::filesystem::create_directories((root / name).parent_path());
  std::ofstream{root / name, std::ios::binary} << text;
}

/// FOLDER/00000.EXTENSION and so on.
inline void put_frames(const std::filesystem::path& root, const std::string& folder, const std::string& extension,
                       int count, int step = 1, int digits = 5) {
  for (int i = 0; i < count; ++i) {
    auto number = std::to_string(i * step);
    put(root, folder + "/" + std::string(static_cast<std::size_t>(digits) - number.size(), '0') + number + extension);
  }
}

/// The head of a PNG of that size: enough for who asks no more than its size.
inline std::string png_head(int height, int width) {
  const auto number = [](int n) { return std::string{'\0', '\0', static_cast<char>(n >> 8), static_cast<char>(n)}; };
  return "\x89PNG\r\n\x1a\n" + std::string{"\0\0\0\rIHDR", 8} + number(width) + number(height);
}

inline Catalog opened(const std::filesystem::path& root, CatalogSpec spec = {}) {
  spec.root = root;
  return open_catalog(spec);
}

/// The whole message of the Error that opening ends with.
inline std::string refusal_of(const std::filesystem::path& root, CatalogSpec spec = {}) {
  try {
    opened(root, spec);
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

/// "missing-image train.txt" for each finding, in order.
inline std::vector<std::string> codes_of(const std::vector<Finding>& findings) {
  std::vector<std::string> codes;
  for (const auto& finding : findings) codes.push_back(finding.code + " " + finding.where);
  return codes;
}

inline std::vector<std::string> names_of(const Catalog& catalog) {
  std::vector<std::string> names;
  for (const auto& video : catalog.videos) names.push_back(video.name);
  return names;
}

}  // namespace vos::test
