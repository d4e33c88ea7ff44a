#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/fwd.hpp>
#include <vos/track/coarse_mask.hpp>
#include <vos/track/duplicates.hpp>
#include <vos/track/embedding_bank.hpp>
#include <vos/track/gallery.hpp>
#include <vos/track/life_cycle.hpp>
#include <vos/track/sighting.hpp>
#include <vos/track/track.hpp>

namespace vos {

struct TrackBookOptions {
  LifeCycleOptions life = {};
  EmbeddingBankOptions bank = {};
  GalleryOptions gallery = {};
  DuplicateOptions duplicates = {};

  void visit(auto&& field) {
    const auto as = [&](const std::string& prefix) {
      return [&field, prefix](std::string_view key, auto& value, std::string_view meaning) {
        field(prefix + std::string{key}, value, meaning);
      };
    };
    life.visit(field);
    bank.visit(as("bank_"));
    gallery.visit(as("gallery_"));
    duplicates.visit(as("duplicate_"));
  }
};

/// What is known of one track.
struct TrackEntry {
  ObjectId id = 0;  ///< 0 until it is born
  LifeCycle life = {};
  EmbeddingBank look = {};
  std::vector<float> classes = {};  ///< the mean over the frames in which it was seen
  std::int64_t frames = 0;          ///< how many those are
  CoarseMask mask = {};             ///< where it was seen last
  std::int64_t query = -1;          ///< what continues it in this frame
  float score = 0;                  ///< of that
  std::int64_t begun = 0;           ///< when it was first seen: the higher the younger
  std::int64_t slot = -1;           ///< where queries propagate: the query that is this object
  bool placed = false;              ///< the user said where it is, and no frame has come since
  bool pinned = false;              ///< the user's: it does not die, and is nobody's duplicate

  std::int32_t category() const {
    return classes.empty()
               ? -1
               : static_cast<std::int32_t>(std::max_element(classes.begin(), classes.end()) - classes.begin());
  }
};

/// Who lives, who is lost, who comes back, under which id: everything of a tracker but the decision which detection
/// continues which track. A value: a copy is a snapshot. What it holds is bounded by the detections of some frames,
/// the gallery's size and what the caller named, not by the length of the video.
///
/// A frame: `begin`, then for every entry `see` or `miss`, `open` for detections that continue nothing, then `settle`.
class TrackBook {
 public:
  explicit TrackBook(TrackBookOptions options = {}) : options_(std::move(options)) {
    expect_usable(options_.life);
    expect_usable(options_.bank);
  }

  const TrackBookOptions& options() const { return options_; }
  std::vector<TrackEntry>& entries() { return entries_; }
  const std::vector<TrackEntry>& entries() const { return entries_; }
  const Gallery& gallery() const { return gallery_; }

  /// The known object with this id, or null. Objects in the gallery are not known.
  const TrackEntry* find(ObjectId id) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& each) { return each.id == id; });
    return id > 0 && found != entries_.end() ? &*found : nullptr;
  }

  /// Throws unless all embeddings are as wide as each other and as those that are remembered. To be called before `begin`,
  /// so that a frame that cannot be read changes nothing.
  void expect_widths(std::span<const Sighting> sightings) const {
    std::size_t known = 0;
    const auto next = [&](std::size_t width) {
      if (width == 0) return;
      if (known != 0) expect_width(width, known);
      known = width;
    };
    for (const auto& entry : entries_) next(entry.look.memory().size());
    for (const auto& sighting : sightings) next(sighting.embedding.size());
  }

  void begin() { ++frame_; }

  /// What is below the `keep` confidence says that the object is not there: its look and mask are nobody's.
  void see(TrackEntry& entry, const Sighting& sighting) {
    entry.life.see(sighting.score, options_.life);
    if (entry.life.state() == LifeCycle::State::lost || !(sighting.score >= options_.life.keep)) hide(entry);
    else show(entry, sighting);
  }

  void miss(TrackEntry& entry) {
    entry.life.see(0, options_.life);
    hide(entry);
  }

  /// A track that begins with this sighting. Other references to entries are void afterwards.
  TrackEntry& open(const Sighting& sighting) {
    auto& entry = entries_.emplace_back();
    entry.begun = ++begun_;
    see(entry, sighting);
    return entry;
  }

  /// Ends the frame: deaths, births, returns, duplicates. Gives the living tracks, ids rising.
  Tracks settle() {
    gallery_.forget_older(frame_, options_.gallery);
    bury();
    give_birth();
    drop_duplicates();
    for (auto& entry : entries_) entry.placed = false;
    return tracks();
  }

  /// The caller says where object `id` is, known or new: it lives, is pinned, and its memory begins anew with what is
  /// given; mask, look or classes that are not given stay as they were. `sighting.query` is its detection in the frame just
  /// settled, which another track may have had: that one has lost it. Or -1, where the caller saw it: then tracks that lie
  /// there have lost it, unless they are pinned, and the next frame continues from here.
  void adopt(ObjectId id, const Sighting& sighting) {
    if (id < 1)
      throw Error({.what = "an object cannot have the id " + std::to_string(id),
                   .where = "tracker, adopt()",
                   .mend = "ids are positive"});
    expect_widths({&sighting, 1});
    gallery_.forget(id);
    taken_.insert(id);
    const auto has_it = [&](const TrackEntry& other) {
      if (other.id == id) return false;
      if (sighting.query >= 0) return other.query == sighting.query;
      return !other.pinned && other.query >= 0 && iou(other.mask, sighting.mask) >= options_.duplicates.at_birth;
    };
    for (auto& other : entries_)
      if (has_it(other)) {
        if (other.life.known()) other.life.lose();
        else other.life.die();
        hide(other);
      }
    erase_dead();
    auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const auto& each) { return each.id == id; });
    if (entry == entries_.end()) {
      entry = entries_.emplace(entries_.end());
      entry->id = id;
      entry->begun = ++begun_;
    }
    entry->pinned = entry->placed = true;
    entry->life.revive();
    if (!sighting.embedding.empty()) entry->look = {};
    if (!sighting.classes.empty()) entry->classes.clear(), entry->frames = 0;
    show(*entry, sighting);
  }

  /// The caller will use this id: no newborn gets it.
  void reserve(ObjectId id) { taken_.insert(id); }

  /// Object `from` is called `to` from now on; `from` is not given again.
  void rename(ObjectId from, ObjectId to) {
    const auto refuse = [&](const std::string& what, const std::string& mend) {
      throw Error({.what = what, .where = "tracker, rename()", .mend = mend});
    };
    if (find(from) == nullptr) refuse("there is no object " + std::to_string(from), "name an object of the last frame");
    if (to < 1) refuse("an object cannot have the id " + std::to_string(to), "ids are positive");
    if (to != from && (find(to) != nullptr || gallery_.contains(to)))
      refuse("the id " + std::to_string(to) + " is another object's", "remove that one first, or choose another id");
    taken_.insert(to);
    for (auto& entry : entries_)
      if (entry.id == from) entry.id = to;
  }

  /// Forgets an object, also one in the gallery. False if there is none. A detector that goes on seeing it makes a new
  /// object of it, with another id.
  bool remove(ObjectId id) {
    const bool remembered = gallery_.forget(id);
    return (id > 0 && std::erase_if(entries_, [&](const auto& each) { return each.id == id; }) > 0) || remembered;
  }

  /// The object is the caller's no more: it may die, and be a duplicate. False if it is not known.
  bool release(ObjectId id) {
    for (auto& entry : entries_)
      if (id > 0 && entry.id == id) {
        entry.pinned = false;
        return true;
      }
    return false;
  }

  void reset() { *this = TrackBook(std::move(options_)); }

  Tracks tracks() const {
    Tracks list;
    for (const auto& entry : entries_)
      if (entry.life.known())
        list.push_back({.id = entry.id, .query = entry.query, .score = entry.score, .category = entry.category()});
    std::sort(list.begin(), list.end(), [](const Track& a, const Track& b) { return a.id < b.id; });
    return list;
  }

 private:
  void show(TrackEntry& entry, const Sighting& sighting) {
    entry.query = sighting.query;
    entry.score = sighting.score;
    if (!sighting.mask.empty()) entry.mask = sighting.mask;
    entry.look.add(sighting.embedding, sighting.score, options_.bank);
    if (sighting.classes.empty()) return;
    ++entry.frames;
    if (entry.classes.size() != sighting.classes.size()) entry.classes.assign(sighting.classes.size(), 0);
    for (std::size_t c = 0; c < entry.classes.size(); ++c)
      entry.classes[c] += (sighting.classes[c] - entry.classes[c]) / static_cast<float>(entry.frames);
  }

  static void hide(TrackEntry& entry) { entry.query = -1, entry.score = 0; }

  /// Entries that died leave; objects among them go to the gallery.
  void bury() {
    for (auto& entry : entries_)
      if (entry.life.state() == LifeCycle::State::lost && entry.life.lost_for() > options_.life.patience &&
          !entry.pinned)
        retire(entry);
    erase_dead();
  }

  void retire(TrackEntry& entry) {
    entry.life.die();
    const auto look = entry.look.memory();
    gallery_.retire({entry.id, {look.begin(), look.end()}, std::move(entry.classes), frame_, entry.begun},
                    options_.gallery);
  }

  void erase_dead() {
    std::erase_if(entries_, [](const auto& each) { return each.life.state() == LifeCycle::State::dead; });
  }

  void give_birth() {
    std::vector<TrackEntry*> born;
    std::vector<Gallery::Newborn> newborns;
    for (auto& entry : entries_) {
      if (!entry.life.ripe(options_.life, frame_) || hidden_behind_others(entry)) continue;
      entry.life.revive();
      born.push_back(&entry);
      newborns.push_back({entry.look.memory(), entry.classes});
    }
    const auto recalled = gallery_.recall(newborns, options_.gallery);
    for (std::size_t i = 0; i < born.size(); ++i) {
      born[i]->id = recalled[i].id != 0 ? recalled[i].id : fresh_id();
      if (recalled[i].id != 0) born[i]->begun = recalled[i].begun;
    }
  }

  bool hidden_behind_others(const TrackEntry& entry) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const TrackEntry& other) {
      return &other != &entry && other.life.state() == LifeCycle::State::alive &&
             iou(other.mask, entry.mask) >= options_.duplicates.at_birth;
    });
  }

  void drop_duplicates() {
    std::vector<Duplicates::Living> living;
    for (const auto& entry : entries_)
      if (entry.life.state() == LifeCycle::State::alive && !entry.mask.empty())
        living.push_back({entry.id, entry.begun, entry.pinned, &entry.mask, entry.look.memory()});
    for (const auto id : duplicates_.step(living, options_.duplicates))
      for (auto& entry : entries_)
        if (entry.id == id && entry.life.known()) retire(entry);
    erase_dead();
  }

  ObjectId fresh_id() {
    do ++newest_;
    while (taken_.contains(newest_));
    return newest_;
  }

  TrackBookOptions options_;
  std::vector<TrackEntry> entries_;
  Gallery gallery_;
  Duplicates duplicates_;
  std::int64_t frame_ = 0, begun_ = 0;
  ObjectId newest_ = 0;
  std::set<ObjectId> taken_;  // given by the caller, so never by us
};

}  // namespace vos
