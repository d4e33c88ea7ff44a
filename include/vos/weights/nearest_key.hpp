#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/weights/load_report.hpp>

namespace vos::detail {

/// For a missing name the unexpected one that most likely is meant: of the same shape and with the longest common tail.
class NearestKey {
 public:
  explicit NearestKey(const std::vector<LoadReport::Key>& unexpected) {
    for (const auto& key : unexpected)
      if (key.name.size() <= 256) of_shape_[key.sizes].push_back(key.name);
  }

  std::string of(const LoadReport::Key& missing) const {
    const auto found = of_shape_.find(missing.sizes);
    if (found == of_shape_.end()) return "";
    std::string best;
    std::pair<std::size_t, std::size_t> best_score{0, 0};
    for (const auto& name : found->second) {
      const std::pair score{common_parts(missing.name, name), common_head(missing.name, name)};
      if (score > best_score) best_score = score, best = name;
    }
    return best;
  }

 private:
  // Dots in the common tail: how many of the last parts are the same.
  static std::size_t common_parts(std::string_view a, std::string_view b) {
    std::size_t parts = 0;
    for (std::size_t i = 1; i <= std::min(a.size(), b.size()) && a[a.size() - i] == b[b.size() - i]; ++i)
      parts += a[a.size() - i] == '.' || i == a.size() || i == b.size();
    return parts;
  }
  static std::size_t common_head(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(
        std::mismatch(a.begin(), a.begin() + std::min(a.size(), b.size()), b.begin()).first - a.begin());
  }

  std::map<std::vector<std::int64_t>, std::vector<std::string>> of_shape_;
};

}  // namespace vos::detail
