#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <vos/data/balance.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog_labels.hpp>
#include <vos/data/clip_sampler.hpp>
#include <vos/data/mask_rle.hpp>
#include <vos/data/sample_edit.hpp>
#include <vos/data/transform.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/io/image.hpp>
#include <vos/io/label_checks.hpp>
#include <vos/io/labels.hpp>

namespace vos {

/// What becomes of a sample with a file that cannot be read.
enum class BrokenFile : std::uint8_t {
  refuse,   ///< its Error is thrown
  replace,  ///< another sample takes its place, always the same one; `replaced()` counts
};

struct CatalogDatasetOptions {
  ClipOptions clip = {};
  Transforms transforms = {};
  std::int64_t clips_per_video = 1;  ///< samples that a video gives in an epoch
  bool every_start = false;          ///< instead: a sample for each frame that a clip can begin with: DeVIS
  double repeat_threshold = 0;       ///< videos of rarer categories come more often (repeat_factors); 0: all alike
  std::int64_t most_objects = 0;     ///< of a clip those seen in the most frames are kept; 0: all
  bool crowds = false;               ///< keep objects that stand for many
  bool empty_videos = false;         ///< keep videos without a mask anywhere, as showing no object
  bool drop_unseen = true;           ///< objects that no frame of the finished sample shows are left out
  BrokenFile broken = BrokenFile::refuse;
};

/// A sample that was replaced, and why.
struct Replaced {
  SampleKey key;
  std::string why;
};

/// Clips of what a catalogue lists. Label maps give `labels`; masks of lists may overlap and give `masks`, with objects
/// numbered 1, 2, … as their video lists them. 255 where it is void becomes background. A frame without a label map, among
/// others that have one, is drawn only where `clip.labelled_only` is off; `Sample::labelled` then says so.
///
/// Files are opened when a sample asks for them and by no one else, so that any thread may ask for any sample.
class CatalogDataset {
 public:
  CatalogDataset(Catalog catalog, CatalogDatasetOptions options)
      : shared_(std::make_shared<Shared>(std::move(catalog), std::move(options))) {}

  std::int64_t size() const { return static_cast<std::int64_t>(shared_->places.size()); }
  const Catalog& catalog() const { return shared_->catalog; }

  Sample operator()(const SampleKey& key) const {
    constexpr int most_tries = 20;
    auto place = place_of(key);
    for (int attempt = 0;; ++attempt) {
      CounterRandom random{key.seed, static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.index),
                           static_cast<std::uint64_t>(attempt), 0xCA7A};
      try {
        auto sample = shared_->options.transforms(clip(place, random), key);
        return shared_->options.drop_unseen ? without_unseen(std::move(sample)) : sample;
      } catch (const Error& error) {
        if (shared_->options.broken == BrokenFile::refuse || attempt == most_tries) throw;
        report({key, error.what()});
        place = random.below(size());
      }
    }
  }

  /// Samples that were replaced so far, and the first hundred of them.
  std::int64_t replaced() const { return shared_->replaced; }
  std::vector<Replaced> replacements() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->replacements;
  }

 private:
  struct Place {
    std::size_t video;
    std::int64_t start;  // among the frames to draw; -1: anywhere
  };

  static bool has_maps(const CatalogVideo& video) {
    return std::any_of(video.frames.begin(), video.frames.end(), [](const auto& f) { return !f.labels.empty(); });
  }

  static bool has_listed_masks(const CatalogVideo& video) {
    return std::any_of(video.objects.begin(), video.objects.end(), [](const auto& o) { return !o.masks.empty(); });
  }

  /// Its frames, and which of them have label maps, where those are what it is labelled with.
  static VideoFacts facts_of(const CatalogVideo& video) {
    VideoFacts facts{.frames = static_cast<std::int64_t>(video.frames.size())};
    if (has_maps(video) && !has_listed_masks(video))
      for (const auto& frame : video.frames) facts.labelled.push_back(!frame.labels.empty());
    return facts;
  }

  struct Shared {
    Shared(Catalog c, CatalogDatasetOptions o) : catalog(std::move(c)), options(std::move(o)), weights({1}, 1) {
      std::vector<std::vector<std::int32_t>> categories;
      for (std::size_t v = 0; v < catalog.videos.size(); ++v) {
        const auto& video = catalog.videos[v];
        if (!usable(video)) continue;
        const auto frames = static_cast<std::int64_t>(frames_to_draw(facts_of(video), options.clip).size());
        if (frames == 0) continue;
        std::vector<std::int32_t> of_video;
        for (const auto& object : video.objects)
          if (options.crowds || !object.crowd) of_video.push_back(object.category);
        const auto count = options.every_start ? consecutive_starts(frames, options.clip) : options.clips_per_video;
        for (std::int64_t i = 0; i < count; ++i) {
          places.push_back({v, options.every_start ? i : -1});
          categories.push_back(of_video);
        }
      }
      if (places.empty())
        throw Error({.what = "the dataset has no clip to learn from",
                     .where = catalog.root.string(),
                     .mend =
                         "it needs videos with label maps or listed masks, and frames within clip.begin and clip.end; "
                         "vos-data check says what is there"});
      weights = {repeat_factors(categories, options.repeat_threshold), static_cast<std::int64_t>(places.size())};
    }

    bool usable(const CatalogVideo& video) const {
      // An object that a meta.json names may have no mask anywhere.
      const auto masked = [&](const CatalogObject& object) {
        return (options.crowds || !object.crowd) &&
               std::any_of(object.masks.begin(), object.masks.end(), [](const auto& mask) { return mask.present(); });
      };
      return options.empty_videos || has_maps(video) || std::any_of(video.objects.begin(), video.objects.end(), masked);
    }

    Catalog catalog;
    CatalogDatasetOptions options;
    std::vector<Place> places;
    WeightedEpoch weights;
    std::atomic<std::int64_t> replaced = 0;
    std::mutex mutex;
    std::vector<Replaced> replacements;
  };

  /// What has been read of a video for one sample: a label map that decided about the clip is not read again.
  class Reading {
   public:
    Reading(const Catalog& catalog, const CatalogVideo& video, bool crowds)
        : catalog_(catalog), video_(video), listed_masks_(has_listed_masks(video)) {
      for (const auto& object : video.objects)
        if (crowds || !object.crowd) objects_.push_back(&object);
    }

    /// Whether masks stand in lists, rather than in label maps.
    bool listed_masks() const { return listed_masks_; }
    const std::vector<const CatalogObject*>& objects() const { return objects_; }

    const at::Tensor& labels(std::int64_t frame) {
      auto& labels = labels_[frame];
      const auto& path = video_.frames[static_cast<std::size_t>(frame)].labels;
      if (labels.defined() || path.empty()) return labels;
      return labels = read_labels(path, catalog_);
    }

    /// `areas`: pixels are wanted, where a list alone would say who is there.
    std::vector<VisibleObject> seen(std::int64_t frame, bool areas) {
      std::vector<VisibleObject> all;
      if (listed_masks_) {
        for (std::size_t i = 0; i < objects_.size(); ++i) {
          const auto mask = mask_at(*objects_[i], frame);
          if (mask.present()) all.push_back({objects_[i]->id, areas ? area_of(mask, frame) : 1});
        }
        return all;
      }
      const bool lists =
          std::any_of(objects_.begin(), objects_.end(), [](const auto* o) { return !o->frames.empty(); });
      if (lists && !areas) {
        for (const auto* object : objects_)
          if (std::binary_search(object->frames.begin(), object->frames.end(), frame)) all.push_back({object->id, 1});
        return all;
      }
      if (const auto& map = labels(frame); map.defined())
        for (const auto& [id, extent] : label_extents(map)) all.push_back({id, extent.area});
      return all;
    }

    static MaskText mask_at(const CatalogObject& object, std::int64_t frame) {
      const auto place = static_cast<std::size_t>(frame);
      return place < object.masks.size() ? object.masks[place] : MaskText{};
    }

    std::string where(std::int64_t frame) const {
      return video_.name + ", frame " + video_.frames[static_cast<std::size_t>(frame)].stem;
    }

   private:
    std::int64_t area_of(const MaskText& mask, std::int64_t frame) const {
      const bool drawn = mask.form == MaskText::Form::polygons || mask.form == MaskText::Form::fractions;
      if (drawn && video_.height == 0) return rle_pixel_limit;  // no list says how large: as if it were large enough
      return area(rle_at_own_size(mask, video_.height, video_.width, where(frame)));
    }

    const Catalog& catalog_;
    const CatalogVideo& video_;
    bool listed_masks_;
    std::vector<const CatalogObject*> objects_;
    std::map<std::int64_t, at::Tensor> labels_;
  };

  std::int64_t place_of(const SampleKey& key) const {
    return shared_->options.repeat_threshold > 0 ? shared_->weights(key.seed, key.epoch, key.index) : key.index;
  }

  void report(Replaced one) const {
    ++shared_->replaced;
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->replacements.size() < 100) shared_->replacements.push_back(std::move(one));
  }

  Sample clip(std::int64_t index, CounterRandom& random) const {
    const auto& [number, start] = shared_->places[static_cast<std::size_t>(index)];
    const auto& options = shared_->options;
    const auto& video = shared_->catalog.videos[number];
    Reading reading{shared_->catalog, video, options.crowds};

    auto facts = facts_of(video);
    if (start < 0) facts.seen = [&](std::int64_t frame) { return reading.seen(frame, options.clip.least_area > 0); };
    const auto frames = start < 0 ? draw_clip(facts, options.clip, random) : from_start(facts, options.clip, start);
    auto sample = sample_of(video, reading, frames, options);
    if (!facts.labelled.empty())
      for (const auto frame : frames) sample.labelled.push_back(facts.labelled[static_cast<std::size_t>(frame)]);
    if (std::all_of(sample.labelled.begin(), sample.labelled.end(), [](bool yes) { return yes; }))
      sample.labelled.clear();
    return sample;
  }

  static std::vector<std::int64_t> from_start(const VideoFacts& facts, const ClipOptions& how, std::int64_t start) {
    const auto all = frames_to_draw(facts, how);
    const auto count = static_cast<std::int64_t>(all.size());
    std::vector<std::int64_t> frames;
    for (std::int64_t t = 0; t < how.length; ++t)
      frames.push_back(all[static_cast<std::size_t>(detail::reflected(start + t * how.step, count))]);
    return frames;
  }

  static Sample sample_of(const CatalogVideo& video, Reading& reading, const std::vector<std::int64_t>& frames,
                          const CatalogDatasetOptions& options) {
    Sample sample{.name = video.name};
    const auto length = static_cast<std::int64_t>(frames.size());
    for (std::int64_t t = 0; t < length; ++t) {
      const auto index = frames[static_cast<std::size_t>(t)];
      const auto& file = video.frames[static_cast<std::size_t>(index)];
      if (const auto before = std::find(frames.begin(), frames.begin() + t, index); before != frames.begin() + t) {
        sample.frames[t].copy_(sample.frames[before - frames.begin()]);
      } else {
        const auto rgb = read_image(file.image);  // [H,W,3]
        if (t == 0) sample.frames = at::empty({length, rgb.size(0), rgb.size(1), 3}, at::kByte);
        expect_size(sample, rgb, file.image.string());
        sample.frames[t].copy_(rgb);
      }
    }
    if (reading.listed_masks()) add_masks(sample, video, reading, frames);
    else add_labels(sample, video, reading, frames);
    if (options.most_objects > 0) keep_most_frequent(sample, options.most_objects);
    return sample;
  }

  static void expect_size(const Sample& sample, const at::Tensor& rgb, const std::string& where) {
    const auto [height, width] = size_of(sample);
    if (rgb.size(0) == height && rgb.size(1) == width) return;
    throw Error({.what = "this frame is " + detail::text_of_size(rgb) + ", others of its video " +
                         std::to_string(width) + "x" + std::to_string(height),
                 .where = where,
                 .mend = "frames of a video must have one size: export it again, or split the video",
                 .exit_code = exit_code::sizes_differ});
  }

  /// Polygons have no size of their own: on a picture of another size than the list says they would lie elsewhere.
  static void expect_listed_size(const Sample& sample, const CatalogVideo& video, const std::string& where) {
    const auto [height, width] = size_of(sample);
    if (video.height == 0 || (height == video.height && width == video.width)) return;
    const auto text = [](std::int64_t w, std::int64_t h) { return std::to_string(w) + "x" + std::to_string(h); };
    throw Error({.what = "the frames are " + text(width, height) + ", the list says " +
                         text(video.width, video.height) + " and has outlines for that",
                 .where = where,
                 .mend = "use the frames that the list was made for, or scale its outlines, its height and its width",
                 .exit_code = exit_code::sizes_differ});
  }

  static void add_masks(Sample& sample, const CatalogVideo& video, const Reading& reading,
                        const std::vector<std::int64_t>& frames) {
    const auto [height, width] = size_of(sample);
    const auto length = length_of(sample);
    const auto& objects = reading.objects();
    sample.masks = at::zeros({static_cast<std::int64_t>(objects.size()), length, height, width}, at::kBool);
    auto* to = sample.masks.mutable_data_ptr<bool>();
    for (std::size_t g = 0; g < objects.size(); ++g) {
      sample.ids.push_back(static_cast<ObjectId>(g + 1));
      sample.categories.push_back(objects[g]->category);
      for (const auto frame : frames) {
        if (const auto mask = Reading::mask_at(*objects[g], frame); mask.present()) {
          if (mask.form == MaskText::Form::polygons) expect_listed_size(sample, video, reading.where(frame));
          const auto bits = mask_from_rle(rle_from(mask, height, width, reading.where(frame)));
          std::memcpy(to, bits.data(), bits.size());
        }
        to += height * width;
      }
    }
  }

  static void add_labels(Sample& sample, const CatalogVideo& video, Reading& reading,
                         const std::vector<std::int64_t>& frames) {
    const auto [height, width] = size_of(sample);
    sample.labels = at::zeros({length_of(sample), height, width}, at::kInt);
    std::map<ObjectId, std::int32_t> ids;
    for (std::size_t t = 0; t < frames.size(); ++t) {
      const auto& map = reading.labels(frames[t]);
      if (!map.defined()) continue;
      const auto& file = video.frames[static_cast<std::size_t>(frames[t])];
      const Frame frame{.index = frames[t], .rgb = sample.frames[static_cast<std::int64_t>(t)]};
      expect_same_size(map, file.labels.string(), frame, file.image.string());
      sample.labels[static_cast<std::int64_t>(t)].copy_(map);
      for (const auto& [id, extent] : label_extents(map)) ids[id] = -1;
    }
    for (const auto& object : video.objects)
      if (const auto found = ids.find(static_cast<ObjectId>(object.id)); found != ids.end())
        found->second = object.category;
    for (const auto& [id, category] : ids) {
      sample.ids.push_back(id);
      sample.categories.push_back(category);
    }
  }

  static void keep_most_frequent(Sample& sample, std::int64_t most) {
    std::vector<std::vector<std::int64_t>> areas;
    for (const auto& object : appearances_of(sample)) {
      auto& of_object = areas.emplace_back();
      for (const auto& one : object) of_object.push_back(one.area);
    }
    const auto places = most_frequent(areas, most);
    std::vector<ObjectId> ids;
    for (const auto place : places) ids.push_back(sample.ids[place]);
    if (ids != sample.ids) sample = with_objects(std::move(sample), places, ids);
  }

  std::shared_ptr<Shared> shared_;
};

static_assert(Dataset<CatalogDataset>);

}  // namespace vos
