#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/Device.h>

#include <vos/core/random.hpp>
#include <vos/criterion/clip_criterion.hpp>
#include <vos/data/batch.hpp>
#include <vos/data/clip_targets.hpp>
#include <vos/data/loader.hpp>
#include <vos/train/clip_gallery.hpp>
#include <vos/train/named_state.hpp>
#include <vos/train/task.hpp>

namespace vos {

/// A network that keeps one query for one object learns from clips with masks: detection, segmentation and identity at once.
///
/// `Network` is a module's holder with `predict(clips [B,T,3,H,W]) -> ClipPrediction`.
template <class Network, Dataset D>
class ClipTask {
 public:
  using Batch = vos::Batch;
  /// Gives figures of all clips together; the gallery takes those of each.
  using Validation = std::function<Metrics(const Work&, ClipGallery&)>;

  struct Options {
    std::int64_t classes = 1;
    LoaderOptions loading = {};
    ClipCriterionOptions criterion = {};
    c10::Device device{c10::kCPU};
    std::string main_metric = "IDF1";
    std::int64_t pictures = 3;                         ///< of the best clips of a validation, and of the worst
    std::map<std::string, std::string> metadata = {};  ///< of the network, for its files
    std::function<void(std::span<double>)> average_over_ranks = {};  ///< as the criterion has it
  };

  ClipTask(Network network, D data, Options options, Validation validation)
      : network_(std::move(network)),
        data_(std::move(data)),
        options_(std::move(options)),
        validation_(std::move(validation)),
        criterion_(options_.criterion) {
    criterion_.average_over_ranks = options_.average_over_ranks;
  }

  torch::nn::Module& module() { return *network_; }
  std::int64_t steps_per_epoch() const { return data_.size() / (options_.loading.batch * options_.loading.ranks); }
  Loader<D> batches(std::int64_t first) const {
    auto loading = options_.loading;
    loading.first_step = first;
    return Loader<D>(data_, loading);
  }

  std::int64_t clips() const { return data_.size(); }

  /// The data's first clips, so many.
  Batch batch_of(std::int64_t clips) const {
    auto loading = options_.loading;
    loading.batch = clips, loading.rank = 0, loading.ranks = 1;
    loading.workers = 0;
    return Loader<D>(data_, loading).next();
  }

  /// What the network says of a batch.
  ClipPrediction predict(const Batch& batch) { return network_->predict(model_input(batch, options_.device)); }

  Losses loss(const Batch& batch) {
    auto prediction = predict(batch);
    for (const auto& key : batch.keys) prediction.keys.push_back(key_of(key, batch.step));
    return criterion_(prediction, clip_targets(batch, options_.classes, options_.device));
  }

  Metrics validate(const Work& work) {
    gallery_ = {options_.main_metric, options_.pictures};
    return validation_(work, gallery_);
  }
  const ClipGallery& gallery() const { return gallery_; }  ///< of the last validation
  std::string main_metric() const { return options_.main_metric; }
  std::map<std::string, std::string> metadata() const { return options_.metadata; }

  /// The bank of earlier batches' embeddings, where the criterion keeps one.
  NamedState state() const {
    const auto& bank = criterion_.bank();
    if (bank.size() == 0) return {};
    return {{"bank.embeddings", bank.embeddings()}, {"bank.videos", bank.videos()}};
  }
  void restore(const NamedState& state) {
    if (state.empty()) {
      criterion_.bank() = NegativeBank(options_.criterion.bank);
      return;
    }
    const StateReader reader{state, "the criterion"};
    criterion_.bank().restore(reader.get("bank.embeddings").clone(), reader.get("bank.videos").clone());
  }

  /// Frames and masks of a batch that broke a run.
  void save(const Batch& batch, const std::filesystem::path& path) const {
    NamedState entries{{"frames", batch.frames}};
    for (std::size_t b = 0; b < batch.targets.size(); ++b) {
      const auto& [labels, masks] = std::pair{batch.targets[b].labels, batch.targets[b].masks};
      if (labels.defined()) entries.push_back({"labels." + std::to_string(b), labels});
      if (masks.defined()) entries.push_back({"masks." + std::to_string(b), masks});
    }
    write_weights(path, entries);
  }

  /// "2 clips of 5 frames, 160x96"
  std::string describe(const Batch& batch) const {
    const auto& frames = batch.frames;
    return std::to_string(frames.size(0)) + (frames.size(0) == 1 ? " clip of " : " clips of ") +
           std::to_string(frames.size(1)) + " frames, " + std::to_string(frames.size(3)) + "x" +
           std::to_string(frames.size(2));
  }

  /// What makes a step smaller, the least costly first.
  std::vector<std::string> memory_advice() const {
    std::vector<std::string> advice;
    if (options_.loading.batch > 1)
      advice.push_back("a smaller data.batch_size with as much more optim.accumulate, which learns the same");
    advice.insert(advice.end(), {"fewer data.frames", "a smaller data.height and data.width"});
    return advice;
  }

 private:
  /// Clips of one video, in whatever epoch, are no strangers to each other.
  static ClipKey key_of(const SampleKey& key, std::int64_t step) {
    return {CounterRandom{key.seed, static_cast<std::uint64_t>(key.index)}.bits(), static_cast<std::uint64_t>(step)};
  }

  Network network_;
  D data_;
  Options options_;
  Validation validation_;
  ClipGallery gallery_{options_.main_metric, options_.pictures};
  ClipCriterion criterion_;
};

}  // namespace vos
