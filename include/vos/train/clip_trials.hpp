#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <ATen/DeviceAccelerator.h>
#include <ATen/core/grad_mode.h>

#include <vos/core/memory_meter.hpp>
#include <vos/data/batch.hpp>
#include <vos/error.hpp>
#include <vos/train/clip_sheet.hpp>
#include <vos/train/named_state.hpp>
#include <vos/train/network_parts.hpp>
#include <vos/train/out_of_memory.hpp>
#include <vos/train/rate_sweep.hpp>
#include <vos/train/sketch.hpp>
#include <vos/train/trainer.hpp>

namespace vos {

/// Steps of a training on clips that are made to see what they come to, and undone.
template <class Task>
class ClipTrials {
 public:
  ClipTrials(Task& task, Trainer<Task>& trainer, c10::Device device)
      : task_(task), trainer_(trainer), device_(device) {}

  /// A training with so many clips in a batch, before its first step.
  TrainingSketch sketch(std::int64_t clips) {
    const auto first = task_.batch_of(clips);
    TrainingSketch sketch{
        .shapes = shapes(first), .parts = network_parts(task_.module()), .picture = clip_sheet(first.targets)};
    auto& memory = sketch.memory;
    const auto now = trainer_.state();
    memory.weights = bytes_of(now.model), memory.optimizer = bytes_of(now.optimizer);
    memory.average = bytes_of(now.average);
    for (const auto& group : trainer_.parameter_groups())
      for (const auto& parameter : group.parameters) memory.gradients += static_cast<std::int64_t>(parameter.nbytes());
    // Clips add up: what one and two take tells what all do.
    memory.clips = clips, memory.measured = std::min<std::int64_t>(2, clips);
    const auto passes_of = [&](std::int64_t count) {
      const auto [report, peak] = measured_step(count, 1);
      sketch.losses = report.losses;
      return std::max<std::int64_t>(0, peak - memory.gradients);
    };
    const auto one = clips > memory.measured ? passes_of(1) : 0;
    memory.passes = passes_of(memory.measured);
    if (clips > memory.measured) memory.passes += (clips - memory.measured) * (memory.passes - one);
    return sketch;
  }

  /// How the loss goes while the rate rises from that of the sweep's beginning; `lr` is the training's own.
  std::vector<RatePoint> rates(const RateSweep& sweep, double lr, const Work& work) {
    if (!(lr > 0))
      throw Error({.what = "the learning rate is 0",
                   .where = "optim.lr",
                   .mend = "give one above 0: rates are tried as multiples of it",
                   .exit_code = exit_code::usage});
    return trainer_.trial([&](auto step) {
      auto batches = task_.batches(0);
      return sweep_rates(sweep, work, [&](double tried) { return step(batches, tried / lr).loss; });
    });
  }

  /// What a step with so many clips takes.
  StepCost cost(std::int64_t clips) {
    StepCost cost{.clips = clips, .on_cpu = device_.is_cpu()};
    if (clips > task_.clips()) {
      cost.trouble = "the data have no more than " + std::to_string(task_.clips()) + " clips";
      return cost;
    }
    try {
      const auto [report, peak] = measured_step(clips, 2);  // what the first makes for good is not the second's
      const auto now = trainer_.state();
      cost.seconds = report.seconds;
      cost.bytes = peak + bytes_of(now.model) + bytes_of(now.optimizer) + bytes_of(now.average);
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      cost.trouble = std::to_string(clips) + (clips == 1 ? " clip does" : " clips do") + " not fit into memory";
    }
    if (!cost.on_cpu) at::accelerator::emptyCache();
    return cost;
  }

 private:
  static std::int64_t bytes_of(const NamedState& state) {
    std::int64_t bytes = 0;
    for (const auto& entry : state) bytes += static_cast<std::int64_t>(entry.value.nbytes());
    return bytes;
  }

  /// Of a batch, and of what the network says of its first clip, as if it were of all.
  std::vector<NamedShape> shapes(const Batch& batch) {
    const at::NoGradGuard no_grad;
    const auto clips = batch.frames.size(0);
    std::vector<NamedShape> shapes;
    const auto add = [&](const char* name, const char* kind, const at::Tensor& tensor) {
      auto sizes = tensor.sizes().vec();
      sizes[0] = clips;
      shapes.push_back({name, kind, std::move(sizes)});
    };
    add("clips", "[B,T,H,W,3] bytes", batch.frames);
    const auto said = task_.predict(task_.batch_of(1));
    shapes.push_back({"predictions", "layers, each of", {static_cast<std::int64_t>(said.layers.size())}});
    add("class scores", "[B,T,Q,K+1]", said.layers.back().logits);
    add("masks", "[B,T,Q,h,w]", said.layers.back().masks);
    if (said.embeddings.defined()) add("embeddings", "[B,T,Q,E]", said.embeddings);
    return shapes;
  }

  /// Steps with so many clips, undone. Gives the last one's report and the most bytes that were made on the way.
  std::pair<StepReport, std::int64_t> measured_step(std::int64_t clips, int steps) {
    struct Same {
      Batch batch;
      Batch next() const { return batch; }
    };
    const Same batches{task_.batch_of(clips)};
    return trainer_.trial([&](auto step) {
      const MemoryMeter meter(device_);
      StepReport report;
      for (int i = 0; i < steps; ++i) report = step(batches, 1.0);
      return std::pair{report, meter.peak()};
    });
  }

  Task& task_;
  Trainer<Task>& trainer_;
  c10::Device device_;
};

}  // namespace vos
