#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/Context.h>

#include <vos/criterion/clip_criterion.hpp>
#include <vos/model/vita_tcovis/network.hpp>
#include <vos/model/vita_tcovis/presets.hpp>
#include <vos/model/vita_tcovis/rules.hpp>
#include <vos/model/vita_tcovis/segmenter.hpp>
#include <vos/train/clip_ap.hpp>
#include <vos/train/clip_data.hpp>
#include <vos/train/clip_sheet.hpp>
#include <vos/train/clip_task.hpp>
#include <vos/train/clip_trials.hpp>
#include <vos/train/options.hpp>
#include <vos/train/parallel/group.hpp>
#include <vos/train/sketch.hpp>
#include <vos/train/tracking_validation.hpp>
#include <vos/train/trainer.hpp>
#include <vos/train/training.hpp>
#include <vos/weights/network_metadata.hpp>

namespace vos {

/// All that a training of VITA-TCOVIS can be told, in sections: model, data, criterion, optim, checkpoint.
struct VitaTcovisTrainingOptions {
  VitaTcovisOptions model = {};
  ClipDataOptions data = {};
  ClipCriterionOptions criterion = {};
  TrainOptions train = {};

  void visit(auto&& field) {
    const auto in = [&](const std::string& section) {
      return [&field, section](std::string_view key, auto& value, std::string_view meaning) {
        field(section + "." + std::string{key}, value, meaning);
      };
    };
    train.visit(field);
    data.visit(in("data"));
    model.visit(in("model"));
    criterion.visit(in("criterion"));
  }
};

/// A run of it.
class VitaTcovisTraining final : public Training {
 public:
  using Task = ClipTask<VitaTcovis, AnyDataset>;

  VitaTcovisTraining(VitaTcovisTrainingOptions options, const TrainingSpec& spec)
      : options_(settled(std::move(options))),
        place_(place_of(spec, options_)),
        preset_(spec.model),
        group_(spec.group),
        data_(open_clip_data(options_.data)),
        network_(made(options_, place_)),
        started_(spec.weights.empty() ? std::string{} : start_from(spec.weights)),  // before anything copies them
        task_(network_, data_.training, task_options(),
              [this](const Work& work, ClipGallery& gallery) { return track(work, gallery); }),
        trainer_(task_, options_.train, place_, spec.run, group_.get()) {
    expect_classes();
  }

  std::vector<OptionInfo> options() const override { return describe_options(options_); }
  std::string data() const override { return data_.said; }
  std::string start() const override { return started_; }
  std::vector<ParameterCount> parameters() const override {
    std::vector<ParameterCount> counts;
    for (const auto& group : trainer_.parameter_groups()) {
      ParameterCount count{.name = group.name, .lr = group.lr, .weight_decay = group.weight_decay};
      for (const auto& parameter : group.parameters) ++count.tensors, count.numbers += parameter.numel();
      counts.push_back(count);
    }
    return counts;
  }
  std::int64_t steps_per_epoch() const override { return trainer_.steps_per_epoch(); }
  std::int64_t step() const override { return trainer_.step(); }
  std::int64_t total() const override { return trainer_.total(); }

  std::vector<std::string> resume() override {
    const auto last = trainer_.checkpoints().find("last");
    return last ? trainer_.resume(Checkpoints::load(*last)) : std::vector<std::string>{};
  }
  TrainOutcome train(const Work& work, RunLog& log) override { return trainer_.train(work, log); }
  ValidationReport validate(const Work& work) override { return trainer_.validate(work); }

  TrainingSketch sketch() override { return trials().sketch(options_.data.batch_size); }
  std::vector<RatePoint> try_rates(const RateSweep& sweep, const Work& work) override {
    return trials().rates(sweep, options_.train.lr, work);
  }
  StepCost try_batch(std::int64_t clips) override { return trials().cost(clips); }

 private:
  ClipTrials<Task> trials() { return {task_, trainer_, place_.device}; }

  /// What follows from learning a few clips by heart: no batch needs more of them, an epoch of one or two steps would do
  /// little but validate, and what is seen once is believed: in clips of five frames waiting for a second sighting costs a fifth.
  static VitaTcovisTrainingOptions settled(VitaTcovisTrainingOptions options) {
    auto& data = options.data;
    if (data.overfit == 0) return options;
    data.batch_size = std::min(data.batch_size, data.overfit);
    data.validation_clips = data.overfit;
    options.model.tracker.book.life.births = 1;
    if (options.train.steps_per_epoch == 0) options.train.steps_per_epoch = 100;
    return options;
  }

  static Place place_of(const TrainingSpec& spec, const VitaTcovisTrainingOptions& options) {
    auto compute = spec.compute;
    compute.precision = precision_from(options.train.precision);
    return place(compute);
  }

  static VitaTcovis made(const VitaTcovisTrainingOptions& options, const Place& place) {
    at::manual_seed(options.train.seed);
    VitaTcovis network(options.model.network);
    network->to(place.device);
    return network;
  }

  Ranks ranks() const { return group_ ? group_->ranks() : Ranks{}; }

  Task::Options task_options() const {
    Task::Options options{.classes = options_.model.network.classes,
                          .loading = {.seed = options_.train.seed,
                                      .batch = options_.data.batch_size,
                                      .workers = static_cast<int>(options_.data.workers),
                                      .rank = ranks().rank,
                                      .ranks = ranks().world},
                          .criterion = options_.criterion,
                          .device = place_.device,
                          .pictures = options_.data.validation_pictures,
                          .metadata = network_metadata(preset_, describe_options(options_.model.network), seen_size())};
    if (group_) options.average_over_ranks = [group = group_](std::span<double> counts) { mean(group.get(), counts); };
    return options;
  }

  /// The shorter side of what is learnt from: of that size a network should be shown pictures from then on.
  std::int64_t seen_size() const {
    if (options_.data.height > 0) return std::min(options_.data.height, options_.data.width);
    const auto size = size_of(data_.validation({.seed = options_.train.seed}));
    return std::min(size.height, size.width);
  }

  /// Classes of the data must be the model's, unless that has one, which tells objects from nothing.
  void expect_classes() const {
    const auto classes = options_.model.network.classes;
    if (classes == 1 || (data_.classes > 0 && classes >= data_.classes)) return;
    throw Error({.what = "the data have " + (data_.classes > 0 ? std::to_string(data_.classes) : std::string{"no"}) +
                         " classes, the model " + std::to_string(classes),
                 .where = "model.classes",
                 .mend = "use model.classes=1, which finds objects of any kind" +
                         (data_.classes > 0 ? ", or model.classes=" + std::to_string(data_.classes) : std::string{}),
                 .exit_code = exit_code::usage});
  }

  /// What fits is taken: the classes may be others, or the file a backbone's.
  std::string start_from(const std::filesystem::path& file) {
    const auto weights = read_weights(file);
    auto report = load_weights(*network_, weights, vita_tcovis_start_rules(options_.model.network));
    if (report.loaded == 0) report = load_backbone(*network_, weights);
    return report.text(3);
  }

  /// Clips of which nothing was learnt, tracked without a prompt by the network as it is; shared out over the processes.
  Metrics track(const Work& work, ClipGallery& gallery) {
    const Place plain{.device = place_.device};
    auto segmenter = vita_tcovis_segmenter(network_.ptr(), options_.model, plain);
    TrackingScores scores;
    ClipAp precision{options_.model.network.classes};
    for (auto i = ranks().rank; i < options_.data.validation_clips; i += ranks().world) {
      work.step(static_cast<double>(i) / static_cast<double>(options_.data.validation_clips), "validation");
      const auto clip = data_.validation({.seed = options_.train.seed + 1000003,
                                          .epoch = i / data_.validation.size(),
                                          .index = i % data_.validation.size()});
      const auto found = track_clip(segmenter, clip, {.stop = work.stop});
      const auto guesses = label_maps(found);
      precision.add(clip, found);
      const auto one = tracking_scores(clip, guesses);
      scores += one;
      gallery.add(clip.name + " #" + std::to_string(i + 1), one.metrics(),
                  [&] { return comparison_sheet(clip, guesses); });
    }
    if (group_) {
      gallery = gallery.together(*group_);
      scores = scores.together(*group_);
      precision = precision.together(*group_);
    }
    auto metrics = scores.metrics();
    metrics.merge(precision.metrics());
    return metrics;
  }

  VitaTcovisTrainingOptions options_;
  Place place_;
  std::string preset_;
  std::shared_ptr<Group> group_;
  ClipData data_;
  VitaTcovis network_;
  std::string started_;
  Task task_;
  Trainer<Task> trainer_;
};

/// A preset as a training begins with it.
inline VitaTcovisTrainingOptions vita_tcovis_training_options(const VitaTcovisPreset& preset) {
  VitaTcovisTrainingOptions options{.model = preset.options};
  if (options.model.network.backbone == "tiny-backbone") {
    // From nothing, on a CPU: a higher rate, and the backbone learns like all else. Masks are so small that the assignment looks at
    // all of their cells; losses look between them, since that is where a small object's outline lies. At a tenth of the
    // weight, as for large networks, ∅ loses to anything: too much is found.
    options.train.lr = options.train.lr_backbone = 1e-3;
    options.train.schedule.warmup = 100;
    options.criterion.points.points = 1024;
    options.criterion.assign.cost.points = 0;
    options.criterion.no_object_weight = 0.4;
    options.model.size = 0;  // clips are validated at the size that they are learnt at
  }
  return options;
}

inline std::vector<TrainingEntry> vita_tcovis_training_entries() {
  std::vector<TrainingEntry> entries;
  for (const auto& preset : vita_tcovis_presets()) {
    const auto begin = vita_tcovis_training_options(preset);
    entries.push_back({preset.name, preset.summary, describe_options(begin), [begin](const TrainingSpec& spec) {
                         auto options = begin;
                         for (const auto& [key, value] : spec.options)
                           set_option(options, key, value, "training '" + spec.model + "'");
                         return std::make_unique<VitaTcovisTraining>(std::move(options), spec);
                       }});
  }
  return entries;
}

}  // namespace vos
