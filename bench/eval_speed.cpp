/// J and F of decoded label maps, for bench/eval_speed.py: prints milliseconds a frame (a frame
/// at a time in cache, all frames from memory on one thread, and on THREADS) and the sums of J and F.
///
///   eval_speed FILE [THREADS]      int64 frames, height, width; then for each frame the truth and the guess, a byte a pixel

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include <vos/core/parallel.hpp>
#include <vos/metric/object_scores.hpp>

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: eval_speed FILE [THREADS]\n"), 2;
  const auto threads = static_cast<std::size_t>(argc > 2 ? std::max(1, std::atoi(argv[2])) : 1);
  std::ifstream file(argv[1], std::ios::binary);
  std::int64_t frames = 0, height = 0, width = 0;
  for (auto* number : {&frames, &height, &width}) file.read(reinterpret_cast<char*>(number), sizeof *number);
  const auto pixels = static_cast<std::size_t>(height * width);
  std::vector<std::vector<vos::ObjectId>> truth, guess;
  std::vector<char> bytes(pixels);
  for (std::int64_t t = 0; t < frames; ++t)
    for (auto* maps : {&truth, &guess}) {
      file.read(bytes.data(), static_cast<std::streamsize>(pixels));
      maps->emplace_back(bytes.begin(), bytes.end());  // ids as label maps are in memory: four bytes a pixel
    }
  if (!file) return std::fprintf(stderr, "eval_speed: the file is cut short\n"), 1;

  using Clock = std::chrono::steady_clock;
  const auto milliseconds = [](Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  std::vector<std::vector<vos::ObjectScore>> scores(truth.size());
  const auto score = [&](std::size_t t) {
    scores[t] = object_scores(vos::LabelPair({truth[t], height, width}, {guess[t], height, width}));
  };
  double alone = 0;  // each frame's best of many: what else the machine does leaves some of them alone
  for (std::size_t t = 0; t < truth.size(); ++t) {
    double best = 1e300;
    for (int round = 0; round < 25; ++round) {
      const auto start = Clock::now();
      score(t);
      best = std::min(best, milliseconds(start));
    }
    alone += best;
  }
  const auto pass = [&](std::size_t workers) {  // all frames, one after the other from memory
    double best = 1e300;
    for (int round = 0; round < 15; ++round) {
      const auto start = Clock::now();
      vos::for_each_parallel(truth.size(), workers, {}, score);
      best = std::min(best, milliseconds(start));
    }
    return best;
  };
  const auto one = pass(1), many = pass(threads);
  double j = 0, f = 0;
  for (const auto& frame : scores)
    for (const auto& score : frame) j += score.j, f += score.f;
  const auto count = static_cast<double>(frames);
  std::printf("%.17g %.17g %.17g %.17g %.17g\n", alone / count, one / count, many / count, j, f);
}
