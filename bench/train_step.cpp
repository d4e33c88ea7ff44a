/// A step of training VITA-TCOVIS by the trainer itself, over and over on one batch, for bench/train_step.py.
///
///   train_step make PRESET CLIPS FRAMES HEIGHT WIDTH WEIGHTS BATCH   writes weights as a training begins with them, and a batch
///   train_step run PRESET CLIPS FRAMES HEIGHT WIDTH WEIGHTS FOLDER   reads lines:
///     check ANSWER   writes losses at every cell, no draw in them, and the gradients of their sum
///     step THREADS   takes a step; says the milliseconds it took, and those of CPU

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>

#include <vos/core/keep_memory.hpp>
#include <vos/core/options.hpp>
#include <vos/data/clip_targets.hpp>
#include <vos/data/loader.hpp>
#include <vos/data/synthetic_dataset.hpp>
#if VOS_OPENCV
#include <vos/io/all.hpp>
#endif
#include <vos/model/vita_tcovis/training.hpp>
#include <vos/train/clip_task.hpp>
#include <vos/train/trainer.hpp>
#include <vos/weights/load.hpp>
#include <vos/weights/network_metadata.hpp>
#include <vos/weights/write_safetensors.hpp>

namespace {

struct Setup {
  vos::VitaTcovisTrainingOptions options;
  std::int64_t clips, frames, height, width;
};

Setup setup_of(const std::vector<std::string>& words) {
  const auto number = [&](std::size_t place) { return std::atoll(words[place].c_str()); };
  for (const auto& preset : vos::vita_tcovis_presets())
    if (preset.name == words[1])
      return {vos::vita_tcovis_training_options(preset), number(2), number(3), number(4), number(5)};
  throw vos::Error({.what = "there is no preset '" + words[1] + "'"});
}

vos::SyntheticDataset data_of(const Setup& setup) {
  vos::SyntheticDatasetOptions options{.samples = 16, .height = setup.height, .width = setup.width, .objects = 5};
  options.clip.length = setup.frames;
  return vos::SyntheticDataset(options);
}

vos::Batch batch_of(const Setup& setup) {
  return vos::Loader(data_of(setup), {.batch = setup.clips, .workers = 0}).next();
}

void make(const std::vector<std::string>& words) {
  const auto setup = setup_of(words);
  const auto& options = setup.options.model.network;
  at::manual_seed(1);
  vos::VitaTcovis network(options);
  std::vector<vos::NamedTensor> entries;
  for (const auto& entry : vos::state_of(*network)) entries.push_back({entry.name, entry.value});
  vos::write_weights(words[6], entries, vos::network_metadata(words[1], vos::describe_options(options)));
  const auto batch = batch_of(setup);
  entries = {{"frames", batch.frames}};
  const auto targets = vos::clip_targets(batch, options.classes, at::kCPU);
  for (std::size_t b = 0; b < targets.size(); ++b) {
    entries.push_back({"masks." + std::to_string(b), targets[b].masks});
    entries.push_back({"categories." + std::to_string(b), targets[b].categories});
  }
  vos::write_weights(words[7], entries);
}

/// The family's own task, which sees one batch again and again.
class OneBatch {
 public:
  using Batch = vos::Batch;

  OneBatch(const Setup& setup, const vos::VitaTcovis& network)
      : task_(network, data_of(setup),
              {.classes = setup.options.model.network.classes, .criterion = setup.options.criterion},
              [](const vos::Work&, vos::ClipGallery&) { return vos::Metrics{}; }),
        batch_(batch_of(setup)) {}

  struct Again {
    Batch batch;
    Batch next() {
      ++batch.step;  // other points each time
      return batch;
    }
  };

  torch::nn::Module& module() { return task_.module(); }
  std::int64_t steps_per_epoch() const { return 1'000'000'000; }
  Again batches(std::int64_t) const { return {batch_}; }
  vos::Losses loss(const Batch& batch) { return task_.loss(batch); }
  vos::Metrics validate(const vos::Work&) { return {}; }
  std::string main_metric() const { return "none"; }
  const Batch& batch() const { return batch_; }

 private:
  vos::ClipTask<vos::VitaTcovis, vos::SyntheticDataset> task_;
  Batch batch_;
};

void check(Setup setup, vos::VitaTcovis network, const std::string& answer) {
  setup.options.criterion.points.points = setup.options.criterion.assign.cost.points = 0;
  setup.options.criterion.embedding.cosine_negatives = 0;
  OneBatch task(setup, network);
  network->zero_grad();
  network->train();
  at::Tensor sum;
  std::vector<vos::NamedTensor> entries;
  for (const auto& [name, loss] : task.loss(task.batch())) {
    entries.push_back({name, loss.detach()});
    sum = sum.defined() ? sum + loss : loss;
  }
  sum.backward();
  for (const auto& item : network->named_parameters())
    if (item.value().grad().defined()) entries.push_back({"slope." + item.key(), item.value().grad().contiguous()});
  vos::write_weights(answer, entries);
  network->zero_grad();
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

/// Says what a step took, and waits for the next line.
class Clock final : public vos::RunLog {
 public:
  explicit Clock(std::stop_source& stop) : stop_(stop) {}

  void step(const vos::StepReport&) override {
    const double cpu = cpu_ms() - cpu_;
    std::printf("%.3f %.3f\n", std::chrono::duration<double, std::milli>(Steady::now() - begun_).count(), cpu);
    std::fflush(stdout);
    std::string line, act;
    int threads = 1;
    if (!std::getline(std::cin, line) || !(std::istringstream(line) >> act >> threads) || act != "step")
      stop_.request_stop();
    at::set_num_threads(threads);
    start();
  }

  void start() { begun_ = Steady::now(), cpu_ = cpu_ms(); }

 private:
  using Steady = std::chrono::steady_clock;
  std::stop_source& stop_;
  Steady::time_point begun_;
  double cpu_ = 0;
};

void run(const std::vector<std::string>& words) {
  const auto setup = setup_of(words);
  vos::VitaTcovis network(setup.options.model.network);
  static_cast<void>(vos::load_weights(*network, words[6]));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream text(line);
    std::string act, word;
    text >> act >> word;
    if (act == "check") {
      check(setup, network, word);
      std::puts("done"), std::fflush(stdout);
      continue;
    }
    at::set_num_threads(std::atoi(word.c_str()));
    OneBatch task(setup, network);
    vos::Trainer trainer(task, setup.options.train, vos::Place{}, words[7]);
    std::stop_source stop;
    Clock clock(stop);
    clock.start();
    trainer.train({.stop = stop.get_token()}, clock);
    return;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  vos::keep_freed_memory();  // as vos-train does
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 8 && words[0] == "make") make(words);
  else if (words.size() == 8 && words[0] == "run") run(words);
  else
    return std::fprintf(stderr,
                        "usage: train_step make PRESET CLIPS FRAMES HEIGHT WIDTH WEIGHTS BATCH\n"
                        "       train_step run PRESET CLIPS FRAMES HEIGHT WIDTH WEIGHTS FOLDER\n"),
           2;
} catch (const std::exception& e) {
  return std::fprintf(stderr, "train_step: %s\n", e.what()), 1;
}
