#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/Device.h>

#include <vos/core/random.hpp>
#include <vos/criterion/clip_criterion.hpp>
#include <vos/data/batch.hpp>
#include <vos/data/clip_targets.hpp>
#include <vos/data/loader.hpp>
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
  using Validation = std::function<Metrics(const Work&)>;

  struct Options {
    std::int64_t classes = 1;
    LoaderOptions loading = {};
    ClipCriterionOptions criterion = {};
    c10::Device device{c10::kCPU};
    std::string main_metric = "IDF1";
    std::map<std::string, std::string> metadata = {};  ///< of the network, for its files
  };

  ClipTask(Network network, D data, Options options, Validation validation)
      : network_(std::move(network)),
        data_(std::move(data)),
        options_(std::move(options)),
        validation_(std::move(validation)),
        criterion_(options_.criterion) {}

  torch::nn::Module& module() { return *network_; }
  std::int64_t steps_per_epoch() const { return data_.size() / (options_.loading.batch * options_.loading.ranks); }
  Loader<D> batches(std::int64_t first) const {
    auto loading = options_.loading;
    loading.first_step = first;
    return Loader<D>(data_, loading);
  }

  Losses loss(const Batch& batch) {
    auto prediction = network_->predict(model_input(batch, options_.device));
    for (const auto& key : batch.keys) prediction.keys.push_back(key_of(key, batch.step));
    return criterion_(prediction, clip_targets(batch, options_.classes, options_.device));
  }

  Metrics validate(const Work& work) { return validation_(work); }
  std::string main_metric() const { return options_.main_metric; }
  std::map<std::string, std::string> metadata() const { return options_.metadata; }

  /// The bank of earlier batches' embeddings, where the criterion keeps one.
  NamedState state() const {
    const auto& bank = criterion_.bank();
    if (bank.size() == 0) return {};
    return {{"bank.embeddings", bank.embeddings()}, {"bank.videos", bank.videos()}};
  }
  void restore(const NamedState& state) {
    if (state.empty()) return;
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

 private:
  /// Clips of one video, in whatever epoch, are no strangers to each other.
  static ClipKey key_of(const SampleKey& key, std::int64_t step) {
    return {CounterRandom{key.seed, static_cast<std::uint64_t>(key.index)}.bits(), static_cast<std::uint64_t>(step)};
  }

  Network network_;
  D data_;
  Options options_;
  Validation validation_;
  ClipCriterion criterion_;
};

}  // namespace vos
