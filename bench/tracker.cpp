/// What a tracker costs a frame, on one thread.
///
///   tracker [OBJECTS] [FRAMES]
///
/// OBJECTS (100) drift over a 480x854 picture as large, overlapping ellipses; each frame brings a detection for each of them,
/// with noise, in another order. Median and 99th percentile of the milliseconds of CPU time of a step, after the first tenth;
/// what else runs on the machine does not count:
///   sightings   masks on the grid already: the tracker alone
///   stride 16   tensors of a detector whose masks have stride 16
///   stride 4    the same with stride 4

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <vos/core/random.hpp>
#include <vos/track/global_tracker.hpp>

namespace {

struct World {
  std::int64_t objects, width, stride;

  vos::FrameDetections frame(std::int64_t t) const {
    const auto h = 480 / stride, w = 854 / stride;
    vos::FrameDetections d{.logits = at::empty({1, objects, 2}, at::kFloat),
                           .masks = at::empty({1, objects, h, w}, at::kFloat),
                           .embeddings = at::empty({1, objects, width}, at::kFloat)};
    auto* logit = d.logits.mutable_data_ptr<float>();
    auto* mask = d.masks.mutable_data_ptr<float>();
    auto* embedding = d.embeddings.mutable_data_ptr<float>();
    vos::CounterRandom random{7, static_cast<std::uint64_t>(t)};
    const auto turn = random.below(objects);
    for (std::int64_t q = 0; q < objects; ++q) {
      const auto i = (q + turn) % objects;
      vos::CounterRandom self{1, static_cast<std::uint64_t>(i)};
      const double x = self.uniform(0.1, 0.9) + 0.05 * std::sin(0.05 * static_cast<double>(t + 9 * i)),
                   y = self.uniform(0.1, 0.9) + 0.05 * std::cos(0.04 * static_cast<double>(t + 5 * i)),
                   rx = self.uniform(0.04, 0.15), ry = self.uniform(0.06, 0.25);
      *logit++ = static_cast<float>(random.uniform(1, 4)), *logit++ = 0;
      for (std::int64_t r = 0; r < h; ++r)
        for (std::int64_t c = 0; c < w; ++c) {
          const double dx = ((static_cast<double>(c) + 0.5) / static_cast<double>(w) - x) / rx,
                       dy = ((static_cast<double>(r) + 0.5) / static_cast<double>(h) - y) / ry;
          *mask++ = static_cast<float>(std::clamp(8 * (1 - dx * dx - dy * dy), -8.0, 8.0));
        }
      for (std::int64_t k = 0; k < width; ++k)
        *embedding++ = static_cast<float>(self.uniform(-1, 1) + random.uniform(-0.5, 0.5));
    }
    return d;
  }
};

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

template <class Frame>
void measure(const char* name, std::int64_t width, std::int64_t stride, const std::vector<Frame>& frames,
             const char* similarity) {
  vos::GlobalTracker tracker{{.similarity = similarity}};
  std::vector<double> ms;
  std::size_t tracks = 0;
  for (const auto& frame : frames) {
    auto given = frame;  // outside of the clock: a detector hands over what it made
    const double start = cpu_ms();
    tracks = tracker.step(given).size();
    ms.push_back(cpu_ms() - start);
  }
  ms.erase(ms.begin(), ms.begin() + static_cast<std::ptrdiff_t>(ms.size() / 10));
  std::sort(ms.begin(), ms.end());
  std::printf("%-10s %4lld-d masks at stride %2lld  %-9s  %3zu tracks  median %.3f ms  p99 %.3f ms\n", name,
              static_cast<long long>(width), static_cast<long long>(stride), similarity, tracks, ms[ms.size() / 2],
              ms[ms.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  const std::int64_t objects = argc > 1 ? std::atoll(argv[1]) : 100, count = argc > 2 ? std::atoll(argv[2]) : 300;
  for (const std::int64_t width : {128, 256})
    for (const std::int64_t stride : {16, 4}) {
      std::vector<vos::FrameDetections> frames;
      std::vector<std::vector<vos::Sighting>> sightings;
      for (std::int64_t t = 0; t < count; ++t) {
        frames.push_back(World{objects, width, stride}.frame(t % (stride == 4 ? 20 : count)));
        sightings.push_back(vos::observe(frames.back()));
      }
      for (const char* similarity : {"cosine", "bisoftmax"}) {
        if (stride == 16) measure("sightings", width, stride, sightings, similarity);
        measure("tensors", width, stride, frames, similarity);
      }
    }
}
