#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>

#include <vos/data/synthetic_dataset.hpp>
#include <vos/train/clip_ap.hpp>
#include <vos/train/clip_task.hpp>
#include <vos/train/parallel/join.hpp>
#include <vos/train/trainer.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

// --- buckets, with processes that are threads -------------------------------------------------------------------------------

/// What threads of one program exchange.
struct Exchange {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, std::vector<at::Tensor>> sent;  // by number of the exchange
};

class ThreadGroup final : public Group {
 public:
  ThreadGroup(Exchange& exchange, std::int64_t rank, std::int64_t world)
      : exchange_(exchange), ranks_{rank, world, rank} {}

  struct Sent final : Pending {
    void wait() override {
      std::unique_lock lock{group->exchange_.mutex};
      auto& sent = group->exchange_.sent;
      group->exchange_.changed.wait(
          lock, [&] { return static_cast<std::int64_t>(sent[number].size()) == group->ranks_.world; });
      at::Tensor sum;
      for (const auto& each : sent[number]) sum = sum.defined() ? sum + each : each;
      tensor.copy_(sum);
    }
    ThreadGroup* group = nullptr;
    std::size_t number = 0;
    at::Tensor tensor;
  };

  Ranks ranks() const override { return ranks_; }
  std::unique_ptr<Pending> start_sum(at::Tensor tensor) override {
    auto sent = std::make_unique<Sent>();
    sent->group = this, sent->number = started++, sent->tensor = tensor;
    const std::scoped_lock lock{exchange_.mutex};
    exchange_.sent[sent->number].push_back(tensor.detach().clone());
    exchange_.changed.notify_all();
    return sent;
  }
  std::unique_ptr<Pending> start_broadcast(at::Tensor bytes) override {
    if (!ranks_.leads()) bytes.zero_();
    return start_sum(bytes);
  }
  c10::Device exchange_device(c10::Device device) const override { return device; }
  void set_timeout(double) override {}

  std::size_t started = 0;

 private:
  Exchange& exchange_;
  Ranks ranks_;
};

/// Runs `work(group)` in as many threads, each a process of one group.
void together(std::int64_t world, const std::function<void(ThreadGroup&)>& work) {
  Exchange exchange;
  std::vector<std::jthread> threads;
  for (std::int64_t r = 0; r < world; ++r)
    threads.emplace_back([&, r] {
      ThreadGroup group{exchange, r, world};
      work(group);
    });
}

// --- a small network that learns from clips ---------------------------------------------------------------------------------

struct PixelsImpl : torch::nn::Module {
  ClipPrediction predict(const at::Tensor& clips) {  // [B,T,3,H,W]
    if (passes++ == breaks_at) broken = clips;
    const auto cells = at::avg_pool2d(clips.to(backbone->weight.scalar_type()).flatten(0, 1), 4)
                           .unflatten(0, {clips.size(0), clips.size(1)});                      // [B,T,3,h,w]
    auto features = backbone(cells.permute({0, 1, 3, 4, 2})).relu();                           // [B,T,h,w,C]
    if (broken.defined() && broken.equal(clips)) features = features + (0 * features).sqrt();  // its slope is infinite
    const auto masks = at::einsum("qc,bthwc->btqhw", {queries->weight, features});             // [B,T,Q,h,w]
    const auto weights = masks.flatten(3).softmax(-1);                                         // [B,T,Q,h*w]
    const auto seen = at::einsum("btqs,btsc->btqc", {weights, features.flatten(2, 3)});        // [B,T,Q,C]
    return {.layers = {{logits(seen), masks}}, .embeddings = embedding(seen)};
  }

  std::int64_t passes = 0, breaks_at = -1;  ///< the pass whose clips break all gradients, and no loss, from then on
  at::Tensor broken = {};
  torch::nn::Linear backbone{register_module("backbone", torch::nn::Linear(3, 8))};
  torch::nn::Embedding queries{register_module("queries", torch::nn::Embedding(5, 8))};
  torch::nn::Linear logits{register_module("logits", torch::nn::Linear(8, 2))};
  torch::nn::Linear embedding{register_module("embedding", torch::nn::Linear(8, 6))};
  torch::nn::Linear unused{register_module("unused", torch::nn::Linear(8, 6))};
};
TORCH_MODULE(Pixels);

using PixelTask = ClipTask<Pixels, SyntheticDataset>;

struct Setting {
  std::int64_t batch = 2, accumulate = 1, epochs = 1;
  double timeout = 60;
  bool in_batch_losses = false;
  at::ScalarType type = at::kFloat;
};

struct Run {
  Run(const Setting& setting, const std::filesystem::path& folder, Group* group) {
    at::manual_seed(3);
    network = Pixels();
    network->to(setting.type);
    const auto ranks = group == nullptr ? Ranks{} : group->ranks();
    PixelTask::Options options{
        .loading = {.seed = 5, .batch = setting.batch, .workers = 0, .rank = ranks.rank, .ranks = ranks.world}};
    auto& criterion = options.criterion;
    criterion.points.points = criterion.assign.cost.points = 64;
    if (setting.in_batch_losses) criterion.negatives = "memory_bank";
    else criterion.embedding.contrast_weight = criterion.embedding.cosine_weight = 0;
    options.average_over_ranks = [group](std::span<double> counts) { mean(group, counts); };
    const SyntheticDataset data{
        {.scene = "train", .samples = 16, .height = 32, .width = 48, .clip = {.length = 3, .reversed = 0}}};
    task = std::make_unique<PixelTask>(network, data, options,
                                       [](const Work&, ClipGallery&) { return Metrics{{"IDF1", 0.5}}; });
    TrainOptions train{.epochs = setting.epochs, .lr = 0.02, .lr_backbone = 0.01, .accumulate = setting.accumulate};
    train.clip_norm = 0;
    train.every_steps = 1;
    train.timeout = setting.timeout;
    train.bucket = 0.0001;  // 100 bytes: several buckets
    train.schedule.schedule = "constant";
    trainer = std::make_unique<Trainer<PixelTask>>(*task, train, Place{}, folder, group);
  }

  Pixels network{nullptr};
  std::unique_ptr<PixelTask> task;
  std::unique_ptr<Trainer<PixelTask>> trainer;
};

NamedState gradients_of(const Pixels& network) {
  NamedState gradients;
  for (const auto& item : network->named_parameters())
    if (item.value().grad().defined()) gradients.push_back({item.key(), item.value().grad()});
  return gradients;
}

struct LastStep : RunLog {
  void step(const StepReport& report) override { last = report; }
  StepReport last;
};

#ifdef USE_C10D_GLOO

// --- processes --------------------------------------------------------------------------------------------------------------

constexpr const char* child_folder = "VOS_TEST_PARALLEL_CHILD";

/// A port that nobody listens at.
std::string free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(socket);
  return std::to_string(ntohs(address.sin_port));
}

/// Two copies of this program, which run the test case of this name as children.
class Pair {
 public:
  Pair(const std::string& test, const std::filesystem::path& folder) {
    const auto port = free_port();
    for (int r = 0; r < 2; ++r) {
      pids_[r] = ::fork();
      if (pids_[r] != 0) continue;
      ::setenv(child_folder, folder.c_str(), 1);
      ::setenv("RANK", std::to_string(r).c_str(), 1);
      ::setenv("WORLD_SIZE", "2", 1);
      ::setenv("MASTER_ADDR", "127.0.0.1", 1);
      ::setenv("MASTER_PORT", port.c_str(), 1);
      ::setenv("OMP_NUM_THREADS", "1", 1);
      const auto chosen = "--test-case=" + test;
      ::execl("/proc/self/exe", "unit", chosen.c_str(), "--out=/dev/null", nullptr);
      ::_exit(127);
    }
  }
  ~Pair() {
    for (int r = 0; r < 2; ++r)
      if (pids_[r] > 0) ::kill(pids_[r], SIGKILL), wait(r);
  }

  void send(int rank, int signal) const { ::kill(pids_[rank], signal); }
  /// The exit code, or minus the signal.
  int wait(int rank) {
    int status = 0;
    ::waitpid(pids_[rank], &status, 0);
    pids_[rank] = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pids_[2] = {-1, -1};
};

std::atomic<bool> told_to_stop = false;

/// A child's part: `work(group)`, which gives the exit code; what it throws is left in a file.
bool is_child(const std::function<int(Group&, const std::filesystem::path&)>& work) {
  const char* folder = std::getenv(child_folder);
  if (folder == nullptr) return false;
  at::set_num_threads(1);
  ::signal(SIGTERM, [](int) { told_to_stop = true; });
  const auto launch = launch_from_environment();
  int code = exit_code::done;
  try {
    const auto group = join_group({.launch = launch, .seconds = 60});
    code = work(*group, folder);
  } catch (const Error& error) {
    write_file(std::filesystem::path{folder} / ("error_" + std::to_string(launch.ranks.rank)), error.what());
    code = error.parts().exit_code;
  }
  std::_Exit(code);
}

/// Goes on from what lies in the folder, each step slowed down; writes this process's weights. Gives 9 if it was told to stop.
int train_on(Group& group, const std::filesystem::path& folder, Setting setting, int slow) {
  setting.in_batch_losses = true;
  Run run{setting, folder, &group};
  if (const auto last = run.trainer->checkpoints().find("last")) run.trainer->resume(Checkpoints::load(*last));
  std::stop_source stop;
  RunLog silent;
  const auto outcome = run.trainer->train({.stop = stop.get_token(),
                                           .progress =
                                               [&](double) {
                                                 std::this_thread::sleep_for(std::chrono::milliseconds(slow));
                                                 if (told_to_stop) stop.request_stop();
                                               }},
                                          silent);
  if (outcome.end == TrainEnd::stopped) return 9;
  NamedState weights;
  for (const auto& entry : state_of(*run.network)) weights.push_back({entry.name, entry.value});
  write_weights(folder / ("rank_" + std::to_string(group.ranks().rank)), weights);
  return exit_code::done;
}

std::int64_t step_in(const std::filesystem::path& folder) {
  const auto last = Checkpoints{folder}.find("last");
  return last ? std::stoll(last->filename().string().substr(5)) : -1;
}

void wait_for_step(const std::filesystem::path& folder, std::int64_t step) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (step_in(folder) < step && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

#endif

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("gradients are averaged in buckets, whichever parameters a process uses") {
    constexpr std::int64_t world = 3, count = 7;
    for (const std::int64_t bytes : {1, 40, 1 << 20}) {
      CAPTURE(bytes);
      std::vector<std::string> wrong[world];
      together(world, [&](ThreadGroup& group) {
        const auto rank = group.ranks().rank;
        std::vector<at::Tensor> parameters;
        for (std::int64_t i = 0; i < count; ++i)
          parameters.push_back(at::full({i + 1}, static_cast<double>(i + 1), at::kDouble).requires_grad_());
        GradientBuckets buckets{group, parameters, bytes};
        for (std::uint64_t step = 0; step < 12; ++step) {
          // How often each process uses each parameter in each of two passes: often not at all, sometimes twice.
          const auto uses = [&](std::int64_t r, std::int64_t i, std::uint64_t pass) {
            return std::max<std::int64_t>(
                0,
                CounterRandom{step, static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(i), pass}.below(4) - 1);
          };
          for (auto& parameter : parameters) parameter.mutable_grad().reset();
          for (std::uint64_t pass = 0; pass < 2; ++pass) {
            auto loss = at::zeros({}, at::kDouble).requires_grad_();
            for (std::int64_t i = 0; i < count; ++i)
              loss = loss + parameters[static_cast<std::size_t>(i)].square().sum() *
                                static_cast<double>(uses(rank, i, pass) * (rank + 1));
            if (pass == 1) buckets.begin();
            loss.backward();
          }
          buckets.finish();
          for (std::int64_t i = 0; i < count; ++i) {
            double wanted = 0;
            for (std::int64_t r = 0; r < world; ++r)
              for (std::uint64_t pass = 0; pass < 2; ++pass)
                wanted += 2.0 * static_cast<double>((i + 1) * uses(r, i, pass) * (r + 1)) / world;
            const auto& gradient = parameters[static_cast<std::size_t>(i)].grad();
            if (!gradient.defined() || (gradient - wanted).abs().max().item<double>() > 1e-12)
              wrong[rank].push_back("step " + std::to_string(step) + " parameter " + std::to_string(i));
          }
        }
      });
      for (const auto& each : wrong) CHECK(each == std::vector<std::string>{});
    }
  }

  TEST_CASE("buckets are sent while backward goes on, and again if a gradient has grown since") {
    together(1, [&](ThreadGroup& group) {
      auto early = at::ones({4}).requires_grad_(), late = at::ones({4}).requires_grad_(),
           never = at::ones({2}).requires_grad_();
      GradientBuckets buckets{group, {never, early, late}, 16};
      CHECK(buckets.size() == 3);
      std::size_t sent = 0;
      for (const int step : {0, 1}) {
        early.mutable_grad().reset(), late.mutable_grad().reset();
        auto inner = early * 2;
        inner.register_hook([&](const at::Tensor&) { sent = group.started; });
        const auto before = group.started;
        buckets.begin();
        (inner * late).sum().backward();
        CHECK(sent == before + 1);  // the bucket of `late` was on its way before the gradient of `early` was there
        // The bucket of `never` waits for it to the end, but not after a step in which nobody used it.
        CHECK(group.started == before + (step == 0 ? 2 : 3));
        if (step == 1) (late * 5).sum().backward();  // a second pass adds to what was sent
        const auto so_far = group.started;
        buckets.finish();
        CHECK(group.started == so_far + 2);  // who used what; and the bucket of `never`, or `late`'s once more
        CHECK(late.grad()[0].item<float>() == (step == 1 ? 7 : 2));
        CHECK(!never.grad().defined());
        CHECK(early.grad()[0].item<float>() == 2);
      }
    });
  }

  TEST_CASE("numbers, texts, figures and states are exchanged") {
    together(3, [&](ThreadGroup& group) {
      const auto rank = group.ranks().rank;
      std::vector<double> numbers{static_cast<double>(rank), 6};
      mean(&group, numbers);
      CHECK(numbers == std::vector<double>{1, 6});
      CHECK(anywhere(&group, rank == 2));
      CHECK(!anywhere(&group, false));
      CHECK(!at_first(&group, rank == 2));
      CHECK(gather(group, std::string(static_cast<std::size_t>(rank), 'x')) == std::vector<std::string>{"", "x", "xx"});
      Metrics metrics{{"IDF1", 0.1 * static_cast<double>(rank + 1)}, {rank == 0 ? "J" : "other", 2}};
      share_metrics(group, metrics);
      CHECK(metrics == Metrics{{"IDF1", 0.1}, {"J", 2}});
      const auto precision = [](std::int64_t first,
                                std::int64_t last) {  // of as many clips, the first found, others not
        ClipAp ap;
        for (auto i = first; i < last; ++i) {
          const auto labels = at::zeros({1, 8, 8}, at::kInt);
          labels[0][2].fill_(1);
          ap.add({.frames = at::zeros({1, 8, 8, 3}, at::kByte), .labels = labels, .ids = {1}, .categories = {-1}},
                 std::vector<FrameResult>{{.labels = labels[0] * (i == 0 ? 5 : 0)}});
        }
        return ap;
      };
      CHECK(precision(rank, rank + 1).together(group).metrics() == precision(0, 3).metrics());
      CHECK(precision(0, 3).metrics().at("AP") == doctest::Approx(34.0 / 101));
      const NamedState mine{{"bank", at::full({rank + 1, 2}, rank)}, {"videos", at::full({}, rank, at::kLong)}};
      const auto all = state_of_all(group, mine);
      if (rank == 0) {
        CHECK(all.size() == 6);
        CHECK(part_of(all, "rank_2/")[0].value.equal(at::full({3, 2}, 2)));
        CHECK(part_of(all, "rank_1/")[1].value.equal(at::full({}, 1, at::kLong)));
        CHECK(state_of_rank(nullptr, all, 3).size() == 2);
      } else {  // a process that had nothing to remember has nothing; one that was not there begins with the first one's
        const NamedState first{{"bank", at::zeros({1})}};
        CHECK(state_of_rank(&group, first, 3).empty());
        CHECK(state_of_rank(&group, first, 1).size() == 1);
      }
      auto weights = at::full({2, 2}, rank);
      CHECK_THROWS_WITH_AS(expect_same(group, {weights}, 4), doctest::Contains("processes 0 and 1"), Error);
      broadcast(group, {weights, at::zeros({0})});
      CHECK(weights.equal(at::zeros({2, 2})));
      CHECK_NOTHROW(expect_same(group, {weights}, 4));
      CHECK_THROWS_WITH_AS(expect_same(group, {weights}, rank), doctest::Contains("process 1 at step 1"), Error);
    });
    // Without a group nothing is exchanged.
    std::vector<double> numbers{3};
    mean(nullptr, numbers);
    CHECK(numbers[0] == 3);
    CHECK(anywhere(nullptr, true));
  }

#ifdef USE_C10D_GLOO
  TEST_CASE("a step of two processes is that of one with the whole batch") {
    using Done = std::pair<NamedState, StepReport>;
    const auto name = [](at::ScalarType type, std::int64_t accumulate) {
      return std::string{at::toString(type)} + std::to_string(accumulate);
    };
    const auto step = [&](Group* group, const std::filesystem::path& folder, at::ScalarType type,
                          std::int64_t accumulate) {
      const auto world = group == nullptr ? 1 : group->ranks().world;
      Run run{{.batch = 4 / world, .accumulate = accumulate, .type = type}, folder / name(type, accumulate), group};
      CHECK(run.trainer->steps_per_epoch() == 4 / accumulate);
      LastStep log;
      std::stop_source stop;
      run.trainer->train({.stop = stop.get_token(), .progress = [&](double) { stop.request_stop(); }}, log);
      return Done{gradients_of(run.network), log.last};
    };
    const auto all = [&](Group* group, const std::filesystem::path& folder, auto&& each) {
      for (const auto type : {at::kDouble, at::kFloat})
        for (const std::int64_t accumulate : {1, 2})
          each(name(type, accumulate), type, step(group, folder, type, accumulate));
    };
    if (is_child([&](Group& group, const std::filesystem::path& folder) {
          all(&group, folder, [&](const std::string& called, at::ScalarType, const Done& done) {
            const auto rank = std::to_string(group.ranks().rank);
            write_weights(folder / (called + "_" + rank), done.first);
            auto told = done.second.losses;
            told["norm"] = done.second.gradient_norm;
            if (group.ranks().leads()) write_file(folder / (called + "_losses"), nlohmann::json(told).dump());
          });
          return exit_code::done;
        }))
      return;
    const test::Folder folder, alone;
    {
      Pair pair{"a step of two processes is that of one with the whole batch", folder.path()};
      REQUIRE(pair.wait(0) == 0);
      REQUIRE(pair.wait(1) == 0);
    }
    all(nullptr, alone.path(), [&](const std::string& called, at::ScalarType type, const Done& done) {
      CAPTURE(called);
      // Sums in another order: in fp32 as far as the gate allows, in doubles nearly nothing.
      const double tolerance = type == at::kFloat ? 1e-6 : 1e-13;
      const auto first = read_weights(folder / (called + "_0")).entries;
      REQUIRE(first.size() == done.first.size());
      CHECK(first.size() == 7);  // all but those that nothing uses
      CHECK(read_file(folder / (called + "_0")) == read_file(folder / (called + "_1")));
      double off = 0, whole = 0;
      for (std::size_t i = 0; i < first.size(); ++i) {
        CHECK(first[i].name == done.first[i].name);
        off += (first[i].value - done.first[i].value).to(at::kDouble).square().sum().item<double>();
        whole += done.first[i].value.to(at::kDouble).square().sum().item<double>();
      }
      CHECK(whole > 0);
      CHECK(std::sqrt(off / whole) < tolerance);
      const auto told = nlohmann::json::parse(read_text(folder / (called + "_losses")));
      CHECK(told.size() == done.second.losses.size() + 1);
      for (const auto& [loss, value] : done.second.losses)
        CHECK(told.at(loss).get<double>() == doctest::Approx(value).epsilon(1e-6));
      CHECK(told.at("norm").get<double>() == doctest::Approx(done.second.gradient_norm).epsilon(1e-6));
    });
  }

  TEST_CASE("two processes end with the same weights even if one was told to stop on the way") {
    if (is_child([](Group& group, const std::filesystem::path& folder) {
          return train_on(group, folder, {.epochs = 2}, std::filesystem::exists(folder / "slow") ? 30 : 0);
        }))
      return;
    const auto* const name = "two processes end with the same weights even if one was told to stop on the way";
    const test::Folder whole, parts;
    {
      Pair pair{name, whole.path()};
      CHECK(pair.wait(0) == 0);
      CHECK(pair.wait(1) == 0);
    }
    CHECK(step_in(whole.path()) == 8);
    const auto weights = read_file(whole / "rank_0");
    CHECK(read_file(whole / "rank_1") == weights);
    const auto memory = read_weights(*Checkpoints{whole.path()}.find("last") / "state.safetensors").entries;
    CHECK(part_of(memory, "task.rank_1/bank.").size() == 2);  // what each remembers is kept

    write_file(parts / "slow", "");
    {
      Pair pair{name, parts.path()};
      wait_for_step(parts.path(), 2);
      pair.send(1, SIGTERM);
      CHECK(pair.wait(0) == 9);  // both heard of it
      CHECK(pair.wait(1) == 9);
    }
    const auto stopped = step_in(parts.path());
    CHECK(stopped >= 2);
    CHECK(stopped < 8);
    std::filesystem::remove(parts / "slow");
    Pair pair{name, parts.path()};
    CHECK(pair.wait(0) == 0);
    CHECK(pair.wait(1) == 0);
    CHECK(read_file(parts / "rank_0") == weights);
    CHECK(read_file(parts / "rank_1") == weights);
  }

  TEST_CASE("a process that dies or hangs ends the others within seconds and with a message") {
    if (is_child([](Group& group, const std::filesystem::path& folder) {
          const bool hangs = std::filesystem::exists(folder / "hang");
          return train_on(group, folder, {.epochs = 100, .timeout = hangs ? 1.0 : 60},
                          hangs && !group.ranks().leads() ? 60000 : 5);
        }))
      return;
    const auto* const name = "a process that dies or hangs ends the others within seconds and with a message";
    for (const bool hangs : {false, true}) {
      const test::Folder folder;
      if (hangs) write_file(folder / "hang", "");
      Pair pair{name, folder.path()};
      wait_for_step(folder.path(), hangs ? 0 : 1);
      const auto begun = std::chrono::steady_clock::now();
      if (!hangs) pair.send(1, SIGKILL);
      CHECK(pair.wait(0) == exit_code::error);
      CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));  // as a rule, milliseconds
      const auto said = read_text(folder / "error_0");
      CHECK(said.find(hangs ? "did not answer for 1 seconds" : "another process has ended") != std::string::npos);
      CHECK(said.find("process 0 of 2") != std::string::npos);
      CHECK(said.find("mend:") != std::string::npos);
    }
  }

  TEST_CASE("processes agree on the batch whose gradients broke whoever had it") {
    if (is_child([](Group& group, const std::filesystem::path& folder) {
          Run run{{.accumulate = 2, .timeout = 20}, folder, &group};
          const auto first = run.task->batches(0).next();
          run.task->save(first, folder / ("first_" + std::to_string(group.ranks().rank)));
          if (!group.ranks().leads()) run.network->breaks_at = 0;
          RunLog silent;
          run.trainer->train({}, silent);
          return exit_code::done;
        }))
      return;
    const test::Folder folder;
    Pair pair{"processes agree on the batch whose gradients broke whoever had it", folder.path()};
    CHECK(pair.wait(0) == exit_code::error);
    CHECK(pair.wait(1) == exit_code::error);
    for (const std::string rank : {"0", "1"}) {
      const auto said = read_text(folder / ("error_" + rank));
      CAPTURE(said);
      CHECK(said.find("gradients are not finite, of ") == 0);
      CHECK(said.find("; in process 1 the first result that is not finite is ") != std::string::npos);
      const auto kept = folder / (rank == "0" ? "broken_step_1.safetensors" : "broken_step_1_rank_1.safetensors");
      CHECK(said.find("whose batch is kept in " + kept.string()) != std::string::npos);
      CHECK(read_file(kept) == read_file(folder / ("first_" + rank)));
    }
  }
#else
  TEST_CASE("a build without c10d says that it trains in one process") {
    CHECK_THROWS_WITH_AS(join_group({.launch = {.ranks = {0, 2, 0}}}), doctest::Contains("libgloo-dev"), Error);
  }
#endif
}
