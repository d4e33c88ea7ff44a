/// How fast the synthetic world is drawn: frames a second of one thread's CPU time, for each scene.
///
///   synth [WIDTHxHEIGHT] [OBJECTS] [FRAMES] [SEEDS]
///
/// Unless told: 854x480, 5 objects, 60 frames, and for the training distribution 20 scenes. What other processes do on the
/// machine does not count (CLOCK_THREAD_CPUTIME_ID); nothing is encoded. Medians over frames; for `train` also the slowest
/// scene's, and the time to set a scene up.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include <ATen/Parallel.h>

#include <vos/data/synthetic.hpp>

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Times {
  std::vector<double> setup, frames, scenes;  // seconds; scenes: each one's mean frame

  void add(const std::string& text) {
    const double begin = cpu_seconds();
    const vos::SceneRenderer renderer(vos::scene_from(text));
    const double ready = cpu_seconds();
    setup.push_back(ready - begin);
    for (std::int64_t i = 0; i < renderer.scene().frames; ++i) {
      const double before = cpu_seconds();
      renderer.render(i);
      frames.push_back(cpu_seconds() - before);
    }
    scenes.push_back((cpu_seconds() - ready) / static_cast<double>(renderer.scene().frames));
  }

  void print(const std::string& name) const {
    double sum = 0;
    for (const auto each : frames) sum += each;
    std::printf("%-10s %7.1f frames/s median  %7.1f mean  %7.1f slowest scene  %6.1f ms to set up\n", name.c_str(),
                1 / median(frames), static_cast<double>(frames.size()) / sum,
                1 / *std::max_element(scenes.begin(), scenes.end()), 1000 * median(setup));
    std::fflush(stdout);
  }
};

}  // namespace

int main(int argc, char** argv) try {
  at::set_num_threads(1);
  const auto word = [&](int i, const char* usual) { return std::string{argc > i ? argv[i] : usual}; };
  const auto settings = ",size=" + word(1, "854x480") + ",objects=" + word(2, "5") + ",frames=" + word(3, "60");
  for (const auto& name : vos::scene_names()) {
    Times times;
    times.add(name + settings);
    times.print(name);
  }
  Times train;
  for (int seed = 1; seed <= std::stoi(word(4, "20")); ++seed)
    train.add("train" + settings + ",seed=" + std::to_string(seed));
  train.print("train");
} catch (const std::exception& error) {
  std::fprintf(stderr, "synth: %s\n", error.what());
  return 1;
}
