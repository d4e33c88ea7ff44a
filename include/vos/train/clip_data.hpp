#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/choice.hpp>
#include <vos/data/clip_sampler.hpp>
#include <vos/data/few_clips.hpp>
#include <vos/data/mixed_dataset.hpp>
#include <vos/data/pseudo_clip.hpp>
#include <vos/data/sampling.hpp>
#include <vos/data/synthetic_dataset.hpp>
#include <vos/data/transforms.hpp>
#if VOS_OPENCV
#include <vos/data/catalog_dataset.hpp>
#include <vos/data/open_catalog.hpp>
#endif

namespace vos {

/// Which clips are learnt from, and which are kept to see how well.
struct ClipDataOptions {
  std::string dataset = "auto", root = {}, split = {};
  std::int64_t frames = 5, gap = 3;
  std::int64_t batch_size = 2, workers = 2;
  std::int64_t height = 0, width = 0;
  double flip = 0.5;
  SamplingOptions sampling = {};
  std::int64_t samples = 1000, objects = 0;
  std::int64_t validation_clips = 8, validation_frames = 24, validation_pictures = 3;
  std::int64_t overfit = 0;

  void visit(auto&& field) {
    field("dataset", dataset,
          "auto, which looks at the root; a layout's name (davis, ytvos, ytvis, ...); or synthetic:NAME, "
          "synthetic:NAME+NAME");
    field("root", root, "the dataset's folder; a synthetic one needs none");
    field("split", split, "which part of it; empty: the one for training");
    field("frames", frames, "of a clip");
    field("gap", gap, "at most so many frames from one of a clip's to the next; 1: neighbours");
    field("batch_size", batch_size, "clips in a batch, of each process");
    field("workers", workers, "threads that read and draw clips; results do not depend on it");
    field("height", height, "of clips; 0: synthetic 96, else as they are");
    field("width", width, "of clips; 0: synthetic 160, else as they are");
    field("flip", flip, "share of clips that are mirrored");
    sampling.visit(field);
    field("samples", samples, "synthetic: clips an epoch");
    field("objects", objects, "synthetic: objects in a scene; 0: as many as it has");
    field("validation_clips", validation_clips, "clips that are tracked in a validation");
    field("validation_frames", validation_frames, "of each of them");
    field("validation_pictures", validation_pictures,
          "clips of a validation that are kept as pictures: so many of the best, and of the worst");
    field("overfit", overfit,
          "learn so many clips by heart, as they are, and validate with the same; 0: learn from all");
  }
};

/// Throws unless the options can be used. What names a dataset is looked at where it is opened.
inline void expect_usable(const ClipDataOptions& options) {
  expect_within("data.frames", static_cast<double>(options.frames), 1);
  expect_within("data.gap", static_cast<double>(options.gap), 1);
  expect_within("data.batch_size", static_cast<double>(options.batch_size), 1);
  expect_within("data.workers", static_cast<double>(options.workers), 0, 1024);
  expect_within("data.flip", options.flip, 0, 1);
  expect_within("data.samples", static_cast<double>(options.samples), 1);
  expect_within("data.height", static_cast<double>(options.height), 0);
  expect_within("data.width", static_cast<double>(options.width), 0);
  static_cast<void>(balanced_below(options.sampling));  // refuses what cannot be
  if ((options.height > 0) != (options.width > 0))
    throw Error({.what = "data.height = " + std::to_string(options.height) +
                         " and data.width = " + std::to_string(options.width),
                 .where = "the clips' size",
                 .mend = "give both, or neither",
                 .exit_code = exit_code::usage});
  expect_within("data.validation_clips", static_cast<double>(options.validation_clips), 1);
  expect_within("data.validation_frames", static_cast<double>(options.validation_frames), 2);
  expect_within("data.validation_pictures", static_cast<double>(options.validation_pictures), 0, 100);
  expect_within("data.overfit", static_cast<double>(options.overfit), 0);
}

/// Clips to learn from, and a dataset of those to validate with, none of which is from a video of the former.
struct ClipData {
  AnyDataset training, validation;
  std::string said = {};     ///< a sentence for people
  std::int64_t classes = 0;  ///< that objects are told to be of; 0: nobody says
};

namespace detail {

inline ClipData synthetic_clip_data(const ClipDataOptions& options, const std::string& scene) {
  SyntheticDatasetOptions made{.scene = scene,
                               .samples = options.samples,
                               .height = options.height > 0 ? options.height : 96,
                               .width = options.width > 0 ? options.width : 160,
                               .objects = options.objects};
  made.clip.length = options.frames;
  made.clip.spacing = options.gap > 1 ? ClipSpacing::gaps : ClipSpacing::consecutive;
  made.clip.most_gap = options.gap;
  made.clip.reversed = 0;
  auto validation = made;
  if (options.overfit == 0) made.transforms.then(Flip{{.probability = options.flip}});
  validation.samples = options.validation_clips;
  validation.clip = {.length = options.validation_frames, .spacing = ClipSpacing::consecutive, .reversed = 0};
  SyntheticDataset training(made);
  const auto classes = training.classes();
  return {std::move(training), SyntheticDataset(validation),
          "synthetic scenes '" + scene + "', " + std::to_string(made.width) + "x" + std::to_string(made.height),
          classes};
}

#if VOS_OPENCV
inline ClipData catalogue_clip_data(const ClipDataOptions& options) {
  if (options.root.empty())
    throw Error({.what = "there is nothing to train on",
                 .where = "data.root",
                 .mend = "give --dataset_root DIR, or --dataset synthetic:train",
                 .exit_code = exit_code::usage});
  auto catalog = open_catalog({.layout = options.dataset, .root = options.root, .split = options.split});
  // Splits for validation come without masks, as a rule, so a tenth of the training videos is kept.
  auto kept = catalog;
  kept.videos.clear();
  std::vector<CatalogVideo> learnt;
  const auto count = catalog.videos.size();
  for (std::size_t v = 0; v < count; ++v)
    (v % 10 == 5 || (count < 6 && v + 1 == count && count > 1) ? kept.videos : learnt).push_back(catalog.videos[v]);
  if (kept.videos.empty()) kept.videos = learnt;  // one video: it has to do for both
  const bool stills =
      std::ranges::all_of(catalog.videos, [](const CatalogVideo& video) { return video.frames.size() == 1; });
  const auto said = catalog.taken_for + ": " + std::to_string(learnt.size()) +
                    (stills ? " pictures, made into clips, to learn from, " : " videos to learn from, ") +
                    std::to_string(kept.videos.size()) + " to validate with";
  catalog.videos = std::move(learnt);
  const bool sized = options.height > 0;
  CatalogDatasetOptions training;
  training.clip = {.length = options.frames,
                   .spacing = options.gap > 1 ? ClipSpacing::gaps : ClipSpacing::consecutive,
                   .most_gap = options.gap};
  CatalogDatasetOptions validation;
  validation.clip = {.length = options.validation_frames, .spacing = ClipSpacing::consecutive, .reversed = 0};
  if (sized)
    for (auto* transforms : {&training.transforms, &validation.transforms})
      transforms->then(Resize{{.height = options.height, .width = options.width}});
  // Pictures are no videos, but move like some.
  if (stills) {
    training.clip.length = validation.clip.length = 1;
    training.transforms.then(PseudoClip{{.length = options.frames}});
    validation.transforms.then(PseudoClip{{.length = options.validation_frames}});
  }
  if (options.overfit == 0) training.transforms.then(Flip{{.probability = options.flip}});
  else training.clip.reversed = 0;
  training.repeat_threshold = balanced_below(options.sampling);
  const auto classes = static_cast<std::int64_t>(catalog.categories.size());
  return {CatalogDataset(std::move(catalog), training), CatalogDataset(std::move(kept), validation), said, classes};
}
#endif

/// Opens all that the options name.
inline ClipData open_all_clip_data(const ClipDataOptions& options) {
  constexpr std::string_view synthetic = "synthetic:";
  if (options.dataset.starts_with(synthetic))
    return synthetic_clip_data(options, options.dataset.substr(synthetic.size()));
#if VOS_OPENCV
  return catalogue_clip_data(options);
#else
  throw Error({.what = "this build reads no pictures",
               .where = "data.dataset",
               .mend = "use synthetic:train, or build with OpenCV",
               .exit_code = exit_code::usage});
#endif
}

}  // namespace detail

/// Opens what the options name.
inline ClipData open_clip_data(const ClipDataOptions& options) {
  expect_usable(options);
  auto data = detail::open_all_clip_data(options);
  if (options.overfit == 0) return data;
  const FewClips few{std::move(data.training), options.overfit};
  return {few, few, std::to_string(few.size()) + " clips by heart, of " + data.said, data.classes};
}

}  // namespace vos
