#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <vos/core/choice.hpp>
#include <vos/track/associate.hpp>
#include <vos/track/bisoftmax.hpp>
#include <vos/track/book.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/embedding_products.hpp>
#include <vos/track/sighting.hpp>
#include <vos/track/track.hpp>

namespace vos {

struct SightingTrackerOptions {
  std::string similarity = "bisoftmax";
  double sharpness = 10;
  double look = 1;
  double overlap = 0.8;
  double fade = 0.8;
  double accept = 0.5;
  double gate = 0.6;
  double least_overlap = 0.2;
  std::string assign = "optimal";
  TrackBookOptions book = {};

  void visit(auto&& field) {
    field("similarity", similarity, "how embeddings are compared: cosine or bisoftmax");
    field("sharpness", sharpness, "of bisoftmax: what cosines are multiplied by; 0: dot products as they come");
    field("look", look, "weight of the embeddings' similarity");
    field("overlap", overlap, "weight of the masks' overlap");
    field("fade", fade, "what is left of the overlap's weight for each frame that a track is lost");
    field("accept", accept, "a detection continues a track only above this score");
    field("gate", gate, "and only if their embeddings' cosine is at least this");
    field("least_overlap", least_overlap, "without embeddings: it continues a track only above this IoU");
    field("assign", assign, "who continues whom: optimal or greedy");
    book.visit(field);
  }
};

/// Gives sightings their identities: by what they look like and where they are, with the assignment that is best for all of
/// them together.
///
/// `step` in frame order. The order of a frame's sightings does not matter. A copy is a snapshot.
class SightingTracker {
 public:
  explicit SightingTracker(SightingTrackerOptions options = {})
      : options_(std::move(options)),
        by_cosine_(choice("similarity", options_.similarity, {"cosine", "bisoftmax"}) == 0),
        assign_(choice("assign", options_.assign, {"optimal", "greedy"}) == 0 ? associate : associate_greedily),
        book_(options_.book) {}

  const SightingTrackerOptions& options() const { return options_; }
  const TrackBook& book() const { return book_; }

  /// Sightings below the `keep` confidence count as nothing.
  Tracks step(std::span<const Sighting> sightings) {
    book_.expect_widths(sightings);
    Seen seen;
    for (const auto& sighting : sightings)
      if (sighting.score >= options_.book.life.keep) seen.push_back(&sighting);
    // An order of our own, so that the detector's cannot decide a tie.
    std::sort(seen.begin(), seen.end(), [](const Sighting* a, const Sighting* b) {
      return std::tie(b->score, a->mask, a->embedding) < std::tie(a->score, b->mask, b->embedding);
    });
    book_.begin();
    // Objects choose first: what was seen once or twice must not take a detection from them.
    std::vector<TrackEntry*> known, tentative;
    for (auto& entry : book_.entries()) (entry.life.known() ? known : tentative).push_back(&entry);
    continue_tracks(known, seen);
    continue_tracks(tentative, seen);
    for (const auto* sighting : seen)
      if (sighting->score >= options_.book.life.birth) book_.open(*sighting);
    return book_.settle();
  }

  void reset() { book_.reset(); }

  void adopt(ObjectId id, const Sighting& sighting) { book_.adopt(id, sighting); }
  void reserve(ObjectId id) { book_.reserve(id); }
  void rename(ObjectId from, ObjectId to) { book_.rename(from, to); }
  bool remove(ObjectId id) { return book_.remove(id); }
  bool release(ObjectId id) { return book_.release(id); }

 private:
  using Seen = std::vector<const Sighting*>;

  /// Each track sees its sighting or misses; sightings that were taken leave the list. Those whose place the user has just
  /// told choose first.
  void continue_tracks(std::vector<TrackEntry*>& tracks, Seen& sightings) {
    const auto others =
        std::stable_partition(tracks.begin(), tracks.end(), [](const TrackEntry* track) { return track->placed; });
    const auto columns = sightings.size(), first = static_cast<std::size_t>(others - tracks.begin());
    auto scores = scores_of(tracks, sightings);
    auto sighting_of = assign_(std::span{scores}.first(first * columns), first, columns, options_.accept);
    for (const auto taken : sighting_of)
      for (auto i = first; taken >= 0 && i < tracks.size(); ++i)
        scores[i * columns + static_cast<std::size_t>(taken)] = -1;
    const auto of_others =
        assign_(std::span{scores}.subspan(first * columns), tracks.size() - first, columns, options_.accept);
    sighting_of.insert(sighting_of.end(), of_others.begin(), of_others.end());
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      if (sighting_of[i] < 0) {
        book_.miss(*tracks[i]);
        continue;
      }
      auto& sighting = sightings[static_cast<std::size_t>(sighting_of[i])];
      book_.see(*tracks[i], *sighting);
      sighting = nullptr;
    }
    std::erase(sightings, nullptr);
  }

  /// How well each sighting continues each track: [tracks,sightings], from 0 to look + overlap, and -1 for what may not be.
  std::vector<float> scores_of(const std::vector<TrackEntry*>& tracks, const Seen& sightings) const {
    const auto columns = sightings.size();
    std::vector<float> scores(tracks.size() * columns);
    if (scores.empty()) return scores;
    const auto looks = compare_looks(tracks, sightings);
    const auto for_masks =
        static_cast<float>(options_.accept - options_.least_overlap);  // one threshold for both kinds
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      const auto weight = static_cast<float>(options_.overlap *
                                             std::pow(options_.fade, static_cast<double>(tracks[i]->life.lost_for())));
      for (std::size_t j = 0; j < columns; ++j) {
        auto& score = scores[i * columns + j];
        if (looks.cosines.empty() || tracks[i]->look.empty() || sightings[j]->embedding.empty())
          score = iou(tracks[i]->mask, sightings[j]->mask) + for_masks;
        else if (looks.cosines[i * columns + j] < options_.gate) score = -1;
        else {
          score = static_cast<float>(options_.look) * looks.similarities[i * columns + j];
          // Where even the same mask would not make it a pair, nobody needs to look.
          if (score + weight > options_.accept) score += weight * iou(tracks[i]->mask, sightings[j]->mask);
        }
      }
    }
    return scores;
  }

  struct Looks {
    std::vector<float> cosines = {}, similarities = {};  // [tracks,sightings]; empty where there are no embeddings
  };

  Looks compare_looks(const std::vector<TrackEntry*>& tracks, const Seen& sightings) const {
    std::size_t width = 0;
    for (const auto* sighting : sightings) width = std::max(width, sighting->embedding.size());
    if (width == 0) return {};
    const auto gather = [&](std::size_t count, const auto& embedding_of) {
      std::vector<float> rows(count * width);
      for (std::size_t i = 0; i < count; ++i) {
        const auto embedding = embedding_of(i);
        std::copy(embedding.begin(), embedding.end(), rows.begin() + static_cast<std::ptrdiff_t>(i * width));
      }
      return rows;
    };
    using View = std::span<const float>;
    const auto left = gather(tracks.size(), [&](std::size_t i) { return tracks[i]->look.memory(); });
    const auto right = gather(sightings.size(), [&](std::size_t j) { return View{sightings[j]->embedding}; });
    auto dots = all_dots(left, right, width);
    const auto inverse_lengths = [&](const std::vector<float>& rows) {
      std::vector<float> inverse(rows.size() / width);
      for (std::size_t i = 0; i < inverse.size(); ++i)
        if (const float size = length(View{rows}.subspan(i * width, width)); size > 0) inverse[i] = 1 / size;
      return inverse;
    };
    const auto of_left = inverse_lengths(left), of_right = inverse_lengths(right);
    Looks looks{.cosines = dots};
    for (std::size_t i = 0, pair = 0; i < tracks.size(); ++i)
      for (std::size_t j = 0; j < sightings.size(); ++j, ++pair) looks.cosines[pair] *= of_left[i] * of_right[j];
    if (by_cosine_) {
      looks.similarities = looks.cosines;
    } else {
      looks.similarities = options_.sharpness > 0 ? looks.cosines : std::move(dots);
      if (options_.sharpness > 0)
        for (auto& value : looks.similarities) value *= static_cast<float>(options_.sharpness);
      bisoftmax(looks.similarities, tracks.size(), sightings.size());
    }
    return looks;
  }

  SightingTrackerOptions options_;
  bool by_cosine_;
  decltype(&associate) assign_;
  TrackBook book_;
};

}  // namespace vos
