#pragma once

/// What the tests of vos-eval share: running it in this process, and small label maps to run it on.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>

#include "eval/run.hpp"

#include "../refusal.hpp"
#include "../test.hpp"

namespace vos::test {

struct Evaluated {
  int code;
  std::string out, err;
  nlohmann::json report() const { return nlohmann::json::parse(out); }
};

inline Evaluated evaluate(const std::vector<std::string>& words, std::stop_token stop = {}) {
  std::ostringstream out, err;
  const auto code = eval::run(eval::parse(words), out, err, std::move(stop));
  return {code, out.str(), err.str()};
}

/// The report of a run with --json.
inline nlohmann::json report_of(std::vector<std::string> words) {
  words.emplace_back("--json");
  return evaluate(words).report();
}

/// What a run that has to fail throws.
inline Error refusal_of(const std::vector<std::string>& words) {
  return refused([&] { evaluate(words); });
}

inline bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Writes a label map of `height` x `width` whose pixels are `id(y, x)`.
template <class Id>
void write_map(const std::filesystem::path& file, std::int64_t height, std::int64_t width, const Id& id) {
  std::vector<ObjectId> ids;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) ids.push_back(id(y, x));
  make_folder(file.parent_path());
  write_file(file, png_from_labels(ids, height, width, file.string()));
}

/// A square of 10x10 with its corner at (y, x), or nothing where y is negative.
struct Square {
  ObjectId id = 1;
  std::int64_t y = 0, x = 0;
};
inline void write_squares(const std::filesystem::path& file, const std::vector<Square>& squares,
                          std::int64_t height = 40, std::int64_t width = 60) {
  write_map(file, height, width, [&](std::int64_t y, std::int64_t x) {
    ObjectId id = 0;
    for (const auto& square : squares)
      if (y >= square.y && y < square.y + 10 && x >= square.x && x < square.x + 10) id = square.id;
    return id;
  });
}

/// "00000", "00001", …
inline std::string stem_of(std::int64_t frame) {
  auto text = std::to_string(frame);
  return std::string(5 - text.size(), '0') + text;
}

/// Writes `frames` label maps of two squares, the second of which moves `step` pixels a frame.
inline void write_sequence(const std::filesystem::path& folder, std::int64_t frames, std::int64_t step = 1,
                           std::int64_t height = 40) {
  for (std::int64_t t = 0; t < frames; ++t)
    write_squares(folder / (stem_of(t) + ".png"), {{1, 5, 5}, {2, 20, 10 + step * t}}, height);
}

}  // namespace vos::test
