#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <vos/metric/identity/correspondence.hpp>

namespace vos {

/// HOTA at 19 thresholds of the IoU, .05 to .95. Sequences add up: counts as they are, association weighted by them.
class HotaScores {
 public:
  static constexpr std::size_t thresholds = 19;
  struct Level {
    std::int64_t right = 0, wrong = 0, missed = 0;
    /// Sums over the true positives: of the pair's association, its recall and precision, and of the IoU.
    double association = 0, recall = 0, precision = 0, iou = 0;
  };
  std::array<Level, thresholds> levels = {};

  HotaScores& operator+=(const HotaScores& other) {
    for (std::size_t a = 0; a < thresholds; ++a) {
      auto& level = levels[a];
      const auto& add = other.levels[a];
      level.right += add.right, level.wrong += add.wrong, level.missed += add.missed;
      level.association += add.association, level.recall += add.recall, level.precision += add.precision;
      level.iou += add.iou;
    }
    return *this;
  }

  static double threshold(std::size_t a) { return 0.05 + 0.05 * static_cast<double>(a); }

  double hota() const { return mean(hota_of); }
  double deta() const { return mean(deta_of); }
  double assa() const { return mean(assa_of); }
  double detre() const { return mean(detre_of); }
  double detpr() const {
    return mean([](const Level& l) { return share(static_cast<double>(l.right), l.right + l.wrong); });
  }
  double assre() const {
    return mean([](const Level& l) { return share(l.recall, l.right); });
  }
  double asspr() const {
    return mean([](const Level& l) { return share(l.precision, l.right); });
  }
  double loca() const {
    return mean([](const Level& l) { return l.right > 0 ? share(l.iou, l.right) : 1; });
  }
  double owta() const {
    return mean([](const Level& l) { return std::sqrt(detre_of(l) * assa_of(l)); });
  }
  double hota_0() const { return hota_of(levels[0]); }

 private:
  static double share(double part, std::int64_t whole) { return whole > 0 ? part / static_cast<double>(whole) : 0; }
  static double deta_of(const Level& l) { return share(static_cast<double>(l.right), l.right + l.wrong + l.missed); }
  static double detre_of(const Level& l) { return share(static_cast<double>(l.right), l.right + l.missed); }
  static double assa_of(const Level& l) { return share(l.association, l.right); }
  static double hota_of(const Level& l) { return std::sqrt(deta_of(l) * assa_of(l)); }

  template <class Value>
  double mean(Value&& value) const {
    double sum = 0;
    for (const auto& level : levels) sum += value(level);
    return sum / thresholds;
  }
};

/// Pairs once a frame for all thresholds: the IoU, weighted by how well the two tracks go together over the whole video.
inline HotaScores hota_scores(const IdentitySequence& sequence) {
  using Key = std::pair<std::size_t, std::size_t>;  // object, track
  const auto object_length = sequence.object_lengths(), track_length = sequence.track_lengths();
  const auto length_of = [&](const Key& key) { return object_length[key.first] + track_length[key.second]; };
  std::map<Key, double> together;
  for (const auto& frame : sequence.frames()) {
    std::vector<double> of_object(frame.objects.size()), of_track(frame.tracks.size());
    for (const auto& pair : frame.pairs) of_object[pair.object] += pair.iou, of_track[pair.track] += pair.iou;
    for (const auto& pair : frame.pairs)
      together[{frame.objects[pair.object], frame.tracks[pair.track]}] +=
          pair.iou / (of_object[pair.object] + of_track[pair.track] - pair.iou);
  }
  for (auto& [key, value] : together) value /= static_cast<double>(length_of(key)) - value;

  HotaScores scores;
  std::map<Key, std::array<std::int64_t, HotaScores::thresholds>> counts;
  for (const auto& frame : sequence.frames()) {
    std::array<std::int64_t, HotaScores::thresholds> right{};
    for (const auto& pair : detail::best_pairs(frame, [&](const IdentitySequence::Pair& each) {
           return each.iou * together.at({frame.objects[each.object], frame.tracks[each.track]});
         })) {
      auto& count = counts[{frame.objects[pair.object], frame.tracks[pair.track]}];
      for (std::size_t a = 0; a < HotaScores::thresholds; ++a)
        if (pair.iou >= HotaScores::threshold(a) - iou_slack) {
          ++right[a];
          ++count[a];
          scores.levels[a].iou += pair.iou;
        }
    }
    for (std::size_t a = 0; a < HotaScores::thresholds; ++a) {
      scores.levels[a].right += right[a];
      scores.levels[a].missed += static_cast<std::int64_t>(frame.objects.size()) - right[a];
      scores.levels[a].wrong += static_cast<std::int64_t>(frame.tracks.size()) - right[a];
    }
  }
  for (const auto& [key, count] : counts)
    for (std::size_t a = 0; a < HotaScores::thresholds; ++a) {
      const auto c = static_cast<double>(count[a]);
      auto& level = scores.levels[a];
      level.association += c * c / static_cast<double>(length_of(key) - count[a]);
      level.recall += c * c / static_cast<double>(object_length[key.first]);
      level.precision += c * c / static_cast<double>(track_length[key.second]);
    }
  return scores;
}

}  // namespace vos
