// AP over videos, decoded and matched: bench/video_ap GT.json RESULTS.json [threads]. bench/video_ap.py makes the files,
// runs this and its Python counterpart in turn, and prints the ratio.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <vos/data/annotations.hpp>
#include <vos/metric/video_ap.hpp>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const std::size_t threads = argc > 3 ? static_cast<std::size_t>(std::atoi(argv[3])) : 1;
  auto start = Clock::now();
  const auto truth = vos::read_annotations(argv[1]);
  const auto results = vos::read_results(argv[2], truth.videos);
  const double read = since(start);
  double best = 1e300;
  vos::ApSummary summary;
  for (int round = 0; round < 5; ++round) {
    start = Clock::now();
    summary = vos::VideoAp{truth, results.tracks, {.threads = threads}}.summary();
    best = std::min(best, since(start));
  }
  std::printf("%.6f %.6f %.12f %.12f\n", read, best, summary.ap, summary.ar10);
}
