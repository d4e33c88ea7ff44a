#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <vos/core/choice.hpp>
#include <vos/core/compute.hpp>
#include <vos/train/optimizer.hpp>
#include <vos/train/schedule.hpp>

namespace vos {

/// Everything that the training loop can be told. What is trained, on what, belongs to the task.
struct TrainOptions {
  std::int64_t epochs = 20, steps_per_epoch = 0;
  std::uint64_t seed = 1;
  bool deterministic = false;
  double lr = 1e-4, lr_backbone = 1e-5, weight_decay = 0.05;
  double clip_norm = 1;
  std::int64_t accumulate = 1;
  std::string precision = "auto";
  double average = 0;
  bool recompute = false;
  std::string extend = "replan";
  std::string frozen = {};
  OptimizerOptions optimizer = {};
  ScheduleOptions schedule = {};
  std::int64_t validate_every = 1;
  std::int64_t every_steps = 0, every_epochs = 0, keep = 2;
  double max_hours = 0;
  std::int64_t patience = 0;
  double explosion = 20;
  std::int64_t histograms = 0;
  double timeout = 600;
  double bucket = 8;

  void visit(auto&& field) {
    const auto in = [&](const std::string& section) {
      return [&field, section](std::string_view key, auto& value, std::string_view meaning) {
        field(section + "." + std::string{key}, value, meaning);
      };
    };
    field("epochs", epochs, "passes over the data");
    field("steps_per_epoch", steps_per_epoch, "what counts as an epoch; 0: all of the data once");
    field("seed", seed, "what all that is random hangs on");
    field("deterministic", deterministic,
          "only such operations as give the same numbers each time, where there is a choice");
    field("validate_every", validate_every, "epochs from one validation to the next; 0: at the end alone");
    field("max_hours", max_hours, "stop, saved, after so long; 0: never");
    field("patience", patience, "stop after so many validations without a better main metric; 0: never");
    field("watch.histograms", histograms,
          "epochs from one histogram of each parameter and its gradient to the next, for TensorBoard; 0: none");
    field("watch.explosion", explosion,
          "a warning where gradients are so many times as long as usual, several steps on end; 0: none");
    const auto optim = in("optim");
    optim("lr", lr, "learning rate");
    optim("lr_backbone", lr_backbone, "learning rate of the backbone; 0: it does not learn");
    optim("weight_decay", weight_decay, "of weights; norms, biases and embeddings have none");
    optim("clip_norm", clip_norm, "gradients are shortened to this length, all together; 0: as they come");
    optim("accumulate", accumulate, "batches that make one step");
    optim("precision", precision, "of products and convolutions: auto, fp32, bf16 or fp16; weights stay in fp32");
    optim("average", average, "decay of a moving average of the weights, like 0.999; 0: none");
    optim("recompute", recompute, "less memory for more time: backward computes again what forward did not keep");
    optim("frozen", frozen, "patterns of parameters that do not learn, like \"backbone.layer1.**,backbone.conv1.*\"");
    optim("extend", extend, "a resumed run with more epochs: replan the schedule for them, or keep the old end");
    optimizer.visit(optim);
    schedule.visit(optim);
    const auto checkpoint = in("checkpoint");
    checkpoint("every_steps", every_steps, "steps from one checkpoint to the next; 0: at the end of epochs alone");
    checkpoint("every_epochs", every_epochs, "keep a model_epoch_N each so many epochs; 0: none");
    checkpoint("keep", keep, "checkpoints that are kept, besides the best");
    const auto parallel = in("parallel");
    parallel("timeout", timeout, "several processes: seconds that one may keep the others waiting");
    parallel("bucket", bucket, "several processes: megabytes of gradients that are sent together");
  }
};

/// Throws unless the options can be used.
inline void expect_usable(const TrainOptions& options) {
  expect_within("epochs", static_cast<double>(options.epochs), 1);
  expect_within("steps_per_epoch", static_cast<double>(options.steps_per_epoch), 0);
  expect_within("validate_every", static_cast<double>(options.validate_every), 0);
  expect_within("max_hours", options.max_hours, 0);
  expect_within("patience", static_cast<double>(options.patience), 0);
  expect_within("watch.explosion", options.explosion, 0);
  expect_within("watch.histograms", static_cast<double>(options.histograms), 0);
  expect_within("optim.lr", options.lr, 0);
  expect_within("optim.lr_backbone", options.lr_backbone, 0);
  expect_within("optim.weight_decay", options.weight_decay, 0);
  expect_within("optim.clip_norm", options.clip_norm, 0);
  expect_within("optim.accumulate", static_cast<double>(options.accumulate), 1);
  expect_within("optim.average", options.average, 0, 1);
  expect_within("checkpoint.every_steps", static_cast<double>(options.every_steps), 0);
  expect_within("checkpoint.every_epochs", static_cast<double>(options.every_epochs), 0);
  expect_within("checkpoint.keep", static_cast<double>(options.keep), 1);
  expect_within("parallel.timeout", options.timeout, 1, 1e6);
  expect_within("parallel.bucket", options.bucket, 0, 1e6);
  choice("optim.extend", options.extend, {"replan", "keep"});
  precision_from(options.precision);
}

}  // namespace vos
