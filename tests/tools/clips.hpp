#pragma once

/// What the tests of vos-infer share: running it in this process, and small clips and masks to run it on.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/ops/zeros.h>

#include <vos/vos.hpp>

#include "../refusal.hpp"
#include "infer/run.hpp"

namespace vos::test {

/// Twelve small frames with two objects.
inline constexpr const char* clip = "synthetic:crossing,frames=12,size=96x64";

struct Ran {
  int code;
  std::string out, err;
};

inline Ran infer(const std::vector<std::string>& words, std::stop_token stop = {}) {
  std::ostringstream out, err;
  const auto code = vos::infer::run(vos::infer::parse(words), out, err, std::move(stop));
  return {code, out.str(), err.str()};
}

/// What a run that has to fail throws.
inline Error error_of(const std::vector<std::string>& words) {
  return refused([&] { infer(words); });
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// A label map with a rectangle for each id, of the clip's size unless told.
inline void write_mask(const std::filesystem::path& path, const std::map<ObjectId, Box>& objects,
                       std::int64_t height = 64, std::int64_t width = 96) {
  std::filesystem::create_directories(path.parent_path());
  auto labels = at::zeros({height, width}, at::kInt);
  for (const auto& [id, box] : objects)
    labels.slice(0, static_cast<std::int64_t>(box.y0), static_cast<std::int64_t>(box.y1))
        .slice(1, static_cast<std::int64_t>(box.x0), static_cast<std::int64_t>(box.x1))
        .fill_(id);
  write_labels(path, labels);
}

/// A folder of grey pictures of the clip's size, as PPM: readable, and simple enough to write here.
inline void write_frames(const std::filesystem::path& folder, int count) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < count; ++i) {
    std::ofstream file(folder / ("0000" + std::to_string(i) + ".ppm"), std::ios::binary);
    file << "P6\n96 64\n255\n" << std::string(96 * 64 * 3, static_cast<char>(60 + i));
  }
}

}  // namespace vos::test
