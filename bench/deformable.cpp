// What deformable sampling costs on the CPU beside the formulation over grid_sample, in one run: values and gradients, at the
// sizes of a 480p frame.
//
//   bench/deformable [--threads 2] [--seconds 3]
#include <vos/nn/deformable/attention.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

namespace {

using namespace vos;

/// Time of a call in milliseconds: the shortest, which other programs on the machine disturb least.
template <class Run>
double milliseconds(double seconds, const Run& run) {
  using Clock = std::chrono::steady_clock;
  run();
  double shortest = std::numeric_limits<double>::infinity();
  for (const auto begin = Clock::now(); std::chrono::duration<double>(Clock::now() - begin).count() < seconds;) {
    const auto start = Clock::now();
    run();
    shortest = std::min(shortest, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  return shortest;
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 2;
  double seconds = 3;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--threads") == 0) threads = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
  }
  at::set_num_threads(threads);
  at::manual_seed(0);
  const std::vector<GridSize> levels{{15, 27}, {30, 54}, {60, 108}};  // 480x864
  const auto tokens = tokens_of(levels);
  const auto given = at::rand({1, tokens, 8, 32});
  // A pixel or two around a token's own place, as trained heads look.
  const auto own = token_centres(levels, at::kCPU).view({1, tokens, 1, 1, 1, 2});
  const auto locations = (own + 0.05 * at::randn({1, tokens, 8, 3, 4, 2})).contiguous();
  const auto weights = at::rand({1, tokens, 8, 3, 4}).flatten(3).softmax(-1).view({1, tokens, 8, 3, 4});
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto values = given.to(type);
    const auto compare = [&](const char* what, const auto& run) {
      const auto aten = milliseconds(seconds, [&] { run(&deformable_sampling_aten); });
      const auto ours = milliseconds(seconds, [&] { run(&deformable_sampling); });
      std::printf("%-9s %-9s grid_sample %8.2f ms, ours %7.2f ms: %.1f times as fast\n", c10::toString(type), what,
                  aten, ours, aten / ours);
    };
    compare("forward", [&](const auto& form) {
      const at::NoGradGuard no_grad;
      form(values, levels, locations, weights);
    });
    compare("training", [&](const auto& form) {
      const std::vector<at::Tensor> leaves{values.detach().requires_grad_(), locations.detach().requires_grad_(),
                                           weights.detach().requires_grad_()};
      torch::autograd::grad({form(leaves[0], levels, leaves[1], leaves[2]).sum()}, leaves);
    });
  }
}
