#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/metric/label_pair.hpp>

#include "../test.hpp"

namespace vos::test {

/// A label map of the golden videos.
struct Labels {
  std::int64_t height = 0, width = 0;
  std::vector<ObjectId> ids = {};
  operator LabelView() const { return {ids, height, width}; }
};

/// A video with what an independent implementation says of it; see golden/make_davis.py.
struct LabelVideo {
  std::string name;
  std::vector<Labels> truth = {}, guess = {};
  nlohmann::json expected = {};
};

inline std::vector<LabelVideo> label_videos() {
  std::ifstream in{file("metric/golden/davis.json")};
  std::vector<LabelVideo> videos;
  const auto golden = nlohmann::json::parse(in);
  for (const auto& [name, json] : golden.items()) {
    LabelVideo video{.name = name, .expected = json};
    for (const auto& [key, maps] : {std::pair{"truth", &video.truth}, std::pair{"guess", &video.guess}})
      for (const auto& runs : json.at(key)) {
        Labels labels{json.at("height"), json.at("width"), {}};
        for (std::size_t i = 0; i < runs.size(); i += 2)
          labels.ids.insert(labels.ids.end(), runs[i + 1].get<std::size_t>(), runs[i].get<ObjectId>());
        maps->push_back(std::move(labels));
      }
    videos.push_back(std::move(video));
  }
  return videos;
}

/// Both sides are the same sums of the same integers in double, so what differs is the order of a few additions.
inline constexpr double rounding = 1e-12;

inline bool near(double found, const nlohmann::json& expected) {
  return expected.is_null() ? found != found : std::abs(found - expected.get<double>()) <= rounding;
}
inline bool near(const std::vector<double>& found, const nlohmann::json& expected) {
  if (found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!near(found[i], expected[i])) return false;
  return true;
}

}  // namespace vos::test
