#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <ATen/ATen.h>
#include <torch/nn/functional/dropout.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <vos/core/random.hpp>
#include <vos/train/rate_sweep.hpp>
#include <vos/train/trainer.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// Everything that a resumed run could lose: dropout, an embedding, a norm, a buffer, and a memory of the task's own.
struct NetImpl : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x, const at::Tensor& kind) {
    seen += 1;
    auto y = norm(backbone(x).relu() + table(kind));
    return head(at::dropout(y, 0.3, is_training()));
  }
  torch::nn::Linear backbone{register_module("backbone", torch::nn::Linear(6, 8))};
  torch::nn::Embedding table{register_module("table", torch::nn::Embedding(3, 8))};
  torch::nn::LayerNorm norm{register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({8})))};
  torch::nn::Linear head{register_module("head", torch::nn::Linear(8, 2))};
  at::Tensor seen = register_buffer("seen", at::zeros({}, at::kLong));
};
TORCH_MODULE(Net);

struct Numbers {
  at::Tensor values, kind, wanted;
};

struct NetTask {
  using Batch = Numbers;
  struct Batches {
    std::int64_t number;
    int slow;  // milliseconds
    std::int64_t poisoned = -1;
    Batch next() {
      if (slow > 0) std::this_thread::sleep_for(std::chrono::milliseconds(slow));
      const bool spoilt = number == poisoned;
      CounterRandom random{7, static_cast<std::uint64_t>(number++)};
      Batch batch{at::empty({4, 6}), at::empty({4}, at::kLong), at::empty({4, 2})};
      for (std::int64_t i = 0; i < 24; ++i) batch.values.view({-1})[i] = random.uniform(-1, 1);
      for (std::int64_t i = 0; i < 4; ++i) batch.kind[i] = random.below(3);
      for (std::int64_t i = 0; i < 8; ++i) batch.wanted.view({-1})[i] = random.uniform(-1, 1);
      if (spoilt) batch.values[1][2] = std::nan("");
      return batch;
    }
  };

  explicit NetTask(int slow_ms = 0) : slow(slow_ms) {
    at::manual_seed(11);
    net = Net();
  }
  torch::nn::Module& module() { return *net; }
  std::int64_t steps_per_epoch() const { return 5; }
  Batches batches(std::int64_t first) const { return {first, slow, poisoned}; }
  Losses loss(const Batch& batch) {
    const auto out = net(batch.values, batch.kind);
    memory = 0.9 * memory + 0.1 * out.detach().mean(0);  // as a bank of negatives would be
    if (batch_hook) batch_hook();
    return {{"square", ((out - batch.wanted).square()).mean() * spoil},
            {"memory", 0.1 * (out.mean(0) - memory).square().sum()}};
  }
  Metrics validate(const Work& work) {
    const auto told = validations++;
    if (validate_hook) validate_hook();
    work.step(0, "validation");
    if (told < static_cast<std::int64_t>(scores.size())) return {{"score", scores[static_cast<std::size_t>(told)]}};
    return {{"score", -net->head->weight.square().sum().item<double>()}};
  }
  std::string main_metric() const { return "score"; }
  NamedState state() const { return {{"memory", memory.clone()}}; }
  void restore(const NamedState& state) { memory = StateReader(state, "the task").get("memory").clone(); }
  std::map<std::string, std::string> metadata() const { return {{"vos.model", "net"}}; }
  void save(const Batch& batch, const std::filesystem::path& path) const {
    write_weights(path, NamedState{{"values", batch.values}});
  }

  std::string describe(const Batch& batch) const { return std::to_string(batch.values.size(0)) + " rows"; }
  std::vector<std::string> memory_advice() const { return {"fewer rows"}; }

  int slow = 0;
  std::int64_t poisoned = -1;       // the number of a batch
  std::vector<double> scores = {};  // what validations come to, if told
  std::int64_t validations = 0;
  double spoil = 1;
  std::function<void()> batch_hook = {}, validate_hook = {};
  Net net{nullptr};
  at::Tensor memory = at::zeros({2});
};
static_assert(Task<NetTask>);

TrainOptions small_options() {
  TrainOptions options{.epochs = 4, .lr = 0.02, .lr_backbone = 0.01, .clip_norm = 0.5, .average = 0.9};
  options.schedule = {.schedule = "cosine", .warmup = 3};
  return options;
}

std::vector<float> numbers_of(const torch::nn::Module& module) {
  std::vector<float> all;
  for (const auto& entry : state_of(module)) {
    const auto flat = entry.value.detach().to(at::kFloat).reshape({-1});
    for (std::int64_t i = 0; i < flat.numel(); ++i) all.push_back(flat[i].item<float>());
  }
  return all;
}

/// Trains to the end in a folder, going on from what lies there.
std::vector<float> train_on(const std::filesystem::path& folder, const TrainOptions& options, int slow = 0,
                            std::int64_t stop_after = -1) {
  NetTask task{slow};
  Trainer trainer{task, options, Place{}, folder};
  if (const auto last = trainer.checkpoints().find("last")) trainer.resume(Checkpoints::load(*last));
  std::stop_source stop;
  std::int64_t calls = 0;
  task.batch_hook = [&] {
    if (++calls == stop_after) stop.request_stop();
  };
  RunLog silent;
  trainer.train({.stop = stop.get_token()}, silent);
  return numbers_of(*task.net);
}

/// Set for the program's own copies that are killed.
constexpr const char* child_folder = "VOS_TEST_TRAIN_CHILD";

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("a run that is stopped and resumed ends with the same weights, bit for bit") {
    for (const auto& [kind, accumulate, every] : {std::tuple{"adamw", 1, 0}, {"sgd", 2, 3}, {"adamw", 2, 1}}) {
      CAPTURE(kind);
      CAPTURE(accumulate);
      auto options = small_options();
      options.optimizer.kind = kind;
      options.accumulate = accumulate;
      options.every_steps = every;
      const test::Folder whole, parts;
      const auto wanted = train_on(whole.path(), options);
      for (const auto stop_after : {1, 4, 5, 2, 3}) train_on(parts.path(), options, 0, stop_after);
      CHECK(train_on(parts.path(), options) == wanted);
      CHECK(read_file(*Checkpoints{parts.path()}.find("last") / "average.safetensors") ==
            read_file(*Checkpoints{whole.path()}.find("last") / "average.safetensors"));
    }
  }

  TEST_CASE("a run goes on bit for bit after it was killed at any moment") {
    if (const char* folder = std::getenv(child_folder)) {  // the copy that is to be killed
      auto options = small_options();
      options.every_steps = 1;
      train_on(folder, options, 2);
      return;
    }
    auto options = small_options();
    options.every_steps = 1;
    const test::Folder whole, killed;
    const auto wanted = train_on(whole.path(), options);
    CounterRandom random{20};
    int kills = 0;
    std::int64_t reached = 0;
    for (int i = 0; i < 20; ++i) {
      const auto child = ::fork();
      if (child == 0) {
        ::setenv(child_folder, killed.path().c_str(), 1);
        ::execl("/proc/self/exe", "unit", "--test-case=a run goes on bit for bit after it was killed at any moment",
                "--out=/dev/null", nullptr);
        ::_exit(127);
      }
      // Until it has written something more than before, and then any moment.
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      const auto step_now = [&] {
        const auto last = Checkpoints{killed.path()}.find("last");
        return last ? std::stoll(last->filename().string().substr(5)) : 0;
      };
      int status = 0;
      bool ended = false;
      while (!ended && step_now() <= reached && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        ended = ::waitpid(child, &status, WNOHANG) == child;
      }
      if (ended) break;
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(4000)));
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      kills += WIFSIGNALED(status);
      reached = step_now();
      if (reached >= 20) break;
    }
    CHECK(kills >= 5);
    CHECK(train_on(killed.path(), options) == wanted);
    for (const auto& entry : std::filesystem::directory_iterator(killed / "checkpoints"))
      CHECK(!entry.path().filename().string().starts_with(".part."));
  }

  TEST_CASE("more epochs go on where the long run would be, as long as the schedule has no end of its own") {
    auto options = small_options();
    options.schedule = {.schedule = "multistep", .warmup = 2, .milestones = "8,17"};
    auto longer = options;
    longer.epochs = 7;
    const test::Folder folder, whole;
    train_on(folder.path(), options);
    CHECK(train_on(folder.path(), longer) == train_on(whole.path(), longer));

    auto cosine = small_options(), keep = cosine;
    cosine.epochs = keep.epochs = 7;
    keep.extend = "keep";
    const test::Folder planned;
    train_on(planned.path(), small_options());
    const auto resume = [&](const TrainOptions& how) {
      NetTask task;
      Trainer trainer{task, how, Place{}, planned.path()};
      return trainer.resume(Checkpoints::load(*trainer.checkpoints().find("last")));
    };
    REQUIRE(resume(cosine).size() == 1);
    CHECK(resume(cosine)[0].find("planned anew") != std::string::npos);
    CHECK(resume(keep)[0].find("keeps its old end") != std::string::npos);
  }

  TEST_CASE("norms, biases and embeddings do not decay, and the backbone has a learning rate of its own") {
    NetTask task;
    const auto groups = group_parameters(task.module(), 1e-3, 1e-4, 0.1);
    REQUIRE(groups.size() == 4);
    CHECK(groups[0].names == std::vector<std::string>{"head.weight"});
    CHECK(groups[0].weight_decay == 0.1);
    CHECK(groups[1].names == std::vector<std::string>{"table.weight", "norm.weight", "norm.bias", "head.bias"});
    CHECK(groups[1].weight_decay == 0);
    CHECK(groups[2].names == std::vector<std::string>{"backbone.weight"});
    CHECK(groups[2].lr == 1e-4);
    CHECK(groups[3].names == std::vector<std::string>{"backbone.bias"});
    CHECK(group_parameters(task.module(), 1e-3, 0, 0.1).size() == 2);
    CHECK(!task.net->backbone->weight.requires_grad());
  }

  TEST_CASE("AdamW follows its formula") {
    const auto row = [](double a, double b, double c) {
      return at::tensor(std::vector<double>{a, b, c}, at::kDouble).unsqueeze(0);
    };
    struct One : torch::nn::Module {
      at::Tensor w = register_parameter("w", at::tensor(std::vector<double>{0.5, -1.0, 2.0}, at::kDouble).unsqueeze(0));
    };
    One module;
    Optimizer optimizer{group_parameters(module, 0.1, 0, 0.01, {.backbone = "none"}),
                        {.beta1 = 0.8, .beta2 = 0.9, .eps = 1e-6}};
    auto w = row(0.5, -1.0, 2.0), m = at::zeros_like(w), v = at::zeros_like(w);
    for (int t = 1; t <= 5; ++t) {
      const auto gradient = row(0.1 * t, -0.3, 1.0 / t);
      module.w.mutable_grad() = gradient.clone();
      optimizer.step(0.5);
      const double lr = 0.05;
      w = w * (1 - lr * 0.01);
      m = 0.8 * m + 0.2 * gradient;
      v = 0.9 * v + 0.1 * gradient.square();
      w = w - lr * (m / (1 - std::pow(0.8, t))) / ((v / (1 - std::pow(0.9, t))).sqrt() + 1e-6);
    }
    CHECK((module.w - w).abs().max().item<double>() < 1e-12);
  }

  TEST_CASE("a step of the optimiser counts as a write to the weights") {
    for (const auto* kind : {"adamw", "sgd"}) {
      NetTask task;
      Optimizer optimizer{group_parameters(task.module(), 0.1, 0.1, 0), {.kind = kind}};
      const auto& weight = task.net->head->weight;
      const auto version = weight._version();
      weight.mutable_grad() = at::ones_like(weight);
      optimizer.step(1);
      CHECK(weight._version() != version);  // else filters that are kept reordered would be the old ones
    }
  }

  TEST_CASE("the best is the latest that nothing surpasses, equals ask for no more patience, and what is no number never is best") {
    TrainProgress progress;
    const auto take = [&](std::int64_t step, const Metrics& metrics) {
      progress.step = step;
      return progress.take(metrics, "score");
    };
    CHECK(!take(1, {{"score", NAN}}));
    CHECK(!take(2, {{"other", 9}}));
    CHECK(progress.best_step == -1);
    CHECK(take(3, {{"score", -2}}));
    CHECK(take(4, {{"score", -2}}));
    CHECK(!take(5, {{"score", INFINITY}}));
    CHECK(progress.without_better == 2);
    CHECK(progress.best_step == 4);
    CHECK(progress.validated == 5);
    CHECK(take(6, {{"score", -1.5}, {"other", 3}}));
    CHECK(progress.best == -1.5);
    CHECK(progress.without_better == 0);
    CHECK(progress.metrics.at("other") == 3);
  }

  TEST_CASE("patience lasts over interruptions") {
    auto options = small_options();
    options.epochs = 40;
    options.patience = 3;
    const auto end_of = [&](const std::filesystem::path& folder, std::int64_t stop_after) {
      NetTask task;
      task.scores = {1, 2, 1.5, 1.4, 1.3, 1.2, 1.1};
      Trainer trainer{task, options, Place{}, folder};
      if (const auto last = trainer.checkpoints().find("last")) {
        trainer.resume(Checkpoints::load(*last));
        task.validations = trainer.step() / 5;
      }
      std::stop_source stop;
      std::int64_t calls = 0;
      task.batch_hook = [&] {
        if (++calls == stop_after) stop.request_stop();
      };
      RunLog silent;
      return trainer.train({.stop = stop.get_token()}, silent);
    };
    const test::Folder whole, parts;
    const auto wanted = end_of(whole.path(), -1);
    CHECK(wanted.end == TrainEnd::no_better);
    CHECK(wanted.step == 25);
    CHECK(wanted.best_step == 10);
    for (int i = 0; i < 3; ++i) end_of(parts.path(), 6);
    const auto outcome = end_of(parts.path(), -1);
    CHECK(outcome.end == TrainEnd::no_better);
    CHECK(outcome.step == 25);
    CHECK(Checkpoints{parts.path()}.find("best")->filename() == step_name(10));
  }

  TEST_CASE("gradients are shortened to their limit together, and left alone below it") {
    NetTask task;
    const auto groups = group_parameters(task.module(), 1, 1, 0);
    task.net->head->weight.mutable_grad() = at::full({2, 8}, 3.0);
    task.net->norm->bias.mutable_grad() = at::full({8}, 4.0);
    const auto gradients = gradients_of(groups);
    REQUIRE(gradients.size() == 2);
    const auto norm = gradient_norm(gradients);
    CHECK(norm.item<double>() == doctest::Approx(std::sqrt(16 * 9.0 + 8 * 16)));
    clip_gradients(gradients, norm, 100);
    CHECK(task.net->head->weight.grad()[0][0].item<double>() == 3);
    clip_gradients(gradients, norm, 1);
    CHECK(gradient_norm(gradients).item<double>() == doctest::Approx(1).epsilon(1e-4));
  }

  TEST_CASE("a loss that is not a number ends the run with its name, the step and the batch") {
    const test::Folder folder;
    NetTask task;
    Trainer trainer{task, small_options(), Place{}, folder.path()};
    int calls = 0;
    task.batch_hook = [&] {
      if (++calls == 7) task.spoil = std::nan("");
    };
    RunLog silent;
    CHECK_THROWS_WITH_AS(trainer.train({}, silent), doctest::Contains("square"), Error);
    CHECK(std::filesystem::exists(folder / "broken_step_7.safetensors"));
    CHECK(Checkpoints::load(*trainer.checkpoints().find("last")).step == 5);  // the last good one is there
  }

  TEST_CASE("what broke is told with the module, and of several batches the one that did is kept") {
    const test::Folder folder;
    NetTask task;
    task.poisoned = 4;
    auto options = small_options();
    options.accumulate = 3;
    Trainer trainer{task, options, Place{}, folder.path()};
    RunLog silent;
    std::string said;
    try {
      trainer.train({}, silent);
    } catch (const Error& error) {
      said = error.what();
    }
    CAPTURE(said);
    CHECK(said.find("in module 'backbone'") != std::string::npos);  // the first that saw the number
    const auto kept = read_weights(folder / "broken_step_2.safetensors").entries;
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].value.isnan().sum().item<std::int64_t>() == 1);

    const auto broken_by = [](const auto& spoil) {
      NetTask other;
      spoil(other);
      at::manual_seed(1);
      return BrokenPass{*other.net}.find([&] {
        const auto losses = other.loss(other.batches(0).next());
        (losses.at("square") + losses.at("memory")).backward();
      });
    };
    CHECK(broken_by([](auto&) {}).empty());
    CHECK(broken_by([](auto& task) { task.net->head->weight.detach().fill_(3e38); }).find("in module 'head'") !=
          std::string::npos);
    CHECK(broken_by([](auto& task) {
            task.net->norm->bias.detach().fill_(std::nan(""));
          }).find("weights 'norm.bias'") != std::string::npos);
    CHECK(broken_by([](auto& task) { task.spoil = std::nan(""); }).find("after module 'head'") != std::string::npos);
  }

  TEST_CASE("steps on trial leave nothing behind") {
    const test::Folder folder, plain;
    const auto wanted = train_on(plain.path(), small_options());
    NetTask task;
    Trainer trainer{task, small_options(), Place{}, folder.path()};
    std::vector<double> rates;
    const auto points = trainer.trial([&](auto step) {
      auto batches = task.batches(0);
      return sweep_rates({.from = 1e-5, .to = 1e4, .steps = 40}, {}, [&](double lr) {
        const auto report = step(batches, lr / 0.02);
        rates.push_back(report.lr.at("all"));
        return report.loss;
      });
    });
    CHECK(points.size() > 5);
    CHECK(points.size() < 40);  // it went so far that the loss was lost
    CHECK(rates[0] == doctest::Approx(1e-5));
    CHECK(trainer.step() == 0);
    CHECK(!trainer.checkpoints().find("last"));
    RunLog silent;
    trainer.train({}, silent);
    CHECK(numbers_of(*task.net) == wanted);
    CHECK_THROWS_AS(trainer.trial([&](auto) -> int { throw std::runtime_error("broken"); }), std::runtime_error);
    CHECK(trainer.step() == 20);
  }

  TEST_CASE("where memory runs out the error names the step, the batch and what to lower") {
    for (const auto& spend :
         {std::function<void()>{[] { at::empty({std::int64_t{1} << 50}, at::kByte); }},
          {[] { throw std::bad_alloc(); }},
          {[] { throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "CUDA out of memory."); }}}) {
      const test::Folder folder;
      NetTask task;
      Trainer trainer{task, small_options(), Place{}, folder.path()};
      int calls = 0;
      task.batch_hook = [&] {
        if (++calls == 3) spend();
      };
      RunLog silent;
      std::string said;
      try {
        trainer.train({}, silent);
      } catch (const Error& error) {
        said = error.what();
      }
      CHECK(said.find("out of memory\n  where: step 3, a batch of 4 rows") == 0);
      CHECK(said.find("fewer rows; optim.recompute=true; optim.precision=bf16") != std::string::npos);
    }
    NetTask task;
    task.batch_hook = [] { throw std::runtime_error("memory is fine"); };
    const test::Folder folder;
    Trainer trainer{task, small_options(), Place{}, folder.path()};
    RunLog silent;
    CHECK_THROWS_WITH_AS(trainer.train({}, silent), "memory is fine", std::runtime_error);
  }

  TEST_CASE("a run that is stopped while it validates is stopped, and validates when it goes on") {
    const test::Folder folder;
    std::stop_source stop;
    NetTask task;
    task.validate_hook = [&] { stop.request_stop(); };
    RunLog silent;
    Trainer trainer{task, small_options(), Place{}, folder.path()};
    const auto outcome = trainer.train({.stop = stop.get_token()}, silent);
    CHECK(outcome.end == TrainEnd::stopped);
    CHECK(outcome.step == 5);
    NetTask again;
    Trainer resumed{again, small_options(), Place{}, folder.path()};
    resumed.resume(Checkpoints::load(*resumed.checkpoints().find("last")));
    const auto end = resumed.train({}, silent);
    CHECK(end.end == TrainEnd::finished);
    CHECK(again.validations == 4);  // of epochs 1 to 4
  }

  TEST_CASE("exploding gradients are told in the log") {
    const test::Folder folder;
    auto options = small_options();
    options.epochs = 10;
    options.lr = options.lr_backbone = 0;
    NetTask task;
    int calls = 0;
    task.batch_hook = [&] { task.spoil = ++calls > 40 ? 1e5 : 1; };
    struct Keep : RunLog {
      std::vector<std::string> messages;
      void message(const std::string& text) override { messages.push_back(text); }
    } log;
    options.lr = 1e-9;
    Trainer trainer{task, options, Place{}, folder.path()};
    trainer.train({}, log);
    REQUIRE(log.messages.size() == 1);
    CHECK(log.messages[0].find("step 45: gradients explode") == 0);
  }

  TEST_CASE("in half precision a step that overflows is left out, and the scale falls") {
    LossScale scale;
    scale.update(true);
    CHECK(scale.scale == 32768);
    for (int i = 0; i < LossScale::patience; ++i) scale.update(false);
    CHECK(scale.scale == 65536);
    for (int i = 0; i < 40; ++i) scale.update(true);
    CHECK(scale.scale == 1);
  }

  TEST_CASE("bf16 products leave the weights in fp32 and still learn") {
    const test::Folder folder;
    NetTask task;
    Trainer trainer{task, small_options(), Place{.dtype = at::kBFloat16}, folder.path()};
    struct Keep : RunLog {
      std::vector<double> losses;
      void step(const StepReport& report) override { losses.push_back(report.losses.at("square")); }
    } log;
    trainer.train({}, log);
    CHECK((task.net->head->weight.scalar_type() == at::kFloat));
    REQUIRE(log.losses.size() == 20);
    CHECK(log.losses.back() < log.losses.front());
    CHECK(!at::autocast::is_autocast_enabled(at::kCPU));
  }

  TEST_CASE("only so many checkpoints are kept, and always the best and the last") {
    const test::Folder folder;
    auto options = small_options();
    options.every_steps = 1;
    options.keep = 3;
    options.every_epochs = 2;
    train_on(folder.path(), options);
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "checkpoints"))
      if (entry.is_directory()) names.push_back(entry.path().filename().string());
    const Checkpoints checkpoints{folder.path()};
    CHECK(names.size() <= 3 + 1 + 2);
    CHECK(std::filesystem::exists(folder / "checkpoints" / "model_epoch_2"));
    CHECK(std::filesystem::exists(folder / "checkpoints" / "model_epoch_4"));
    REQUIRE(checkpoints.find("best"));
    CHECK(std::filesystem::exists(*checkpoints.find("best") / "model.safetensors"));
    CHECK(std::filesystem::exists(*checkpoints.find("last") / "state.json"));
    CHECK(read_weights(*checkpoints.find("last") / "model.safetensors").metadata.at("vos.model") == "net");
  }

  TEST_CASE("a checkpoint of another network is refused with what differs") {
    const test::Folder folder;
    train_on(folder.path(), small_options());
    auto state = Checkpoints::load(*Checkpoints{folder.path()}.find("last"));
    std::erase_if(state.optimizer, [](const auto& entry) { return entry.name == "second.head.weight"; });
    NetTask task;
    Trainer trainer{task, small_options(), Place{}, folder.path()};
    CHECK_THROWS_WITH_AS(trainer.resume(state), doctest::Contains("second.head.weight"), Error);
    write_file(folder / "checkpoints" / "last", "../elsewhere\n");
    CHECK_THROWS_WITH_AS(trainer.checkpoints().find("last"), doctest::Contains("names no checkpoint"), Error);
  }
}
