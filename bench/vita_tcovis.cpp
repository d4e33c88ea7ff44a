/// The network of VITA-TCOVIS a frame at a time, for bench/vita_tcovis.py.
///
///   vita_tcovis make PRESET WEIGHTS FRAMES HEIGHT WIDTH   writes weights, filled by rule, and four pictures
///   vita_tcovis run PRESET WEIGHTS FRAMES fp32|bf16 ANSWER   reads lines:
///     frame NUMBER THREADS KEEP   runs one; says the milliseconds it took, and those of CPU; KEEP 1 writes ANSWER
///     reset                       forgets the video

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <vos/core/compute.hpp>
#include <vos/core/options.hpp>
#include <vos/core/random.hpp>
#include <vos/model/vita_tcovis/network.hpp>
#include <vos/model/vita_tcovis/presets.hpp>
#include <vos/nn/for_inference.hpp>
#include <vos/weights/fill_module.hpp>
#include <vos/weights/load.hpp>
#include <vos/weights/network_metadata.hpp>

namespace {

vos::VitaTcovisNetworkOptions preset(const std::string& name) {
  for (const auto& preset : vos::vita_tcovis_presets())
    if (preset.name == name) return preset.options.network;
  throw vos::Error({.what = "there is no preset '" + name + "'"});
}

void make(const std::string& name, const std::string& weights, const std::string& frames, std::int64_t height,
          std::int64_t width) {
  const auto options = preset(name);
  vos::VitaTcovis network(options);
  vos::fill_module(*network, vos::FillRule::vita);
  std::vector<vos::NamedTensor> entries;
  for (const auto& entry : vos::state_of(*network)) entries.push_back({entry.name, entry.value});
  vos::write_weights(weights, entries, vos::network_metadata(name, vos::describe_options(options)));
  entries.clear();
  for (std::uint64_t i = 0; i < 4; ++i) {
    vos::CounterRandom random{5, i};
    auto picture = at::empty({1, 3, height, width});
    for (auto& value : std::span(picture.mutable_data_ptr<float>(), static_cast<std::size_t>(picture.numel())))
      value = static_cast<float>(random.uniform(-2, 2));
    entries.push_back({"frame" + std::to_string(i), picture});
  }
  vos::write_weights(frames, entries);
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

void run(const std::string& name, const std::string& weights, const std::string& frames, const std::string& type,
         const std::string& answer) {
  const auto options = preset(name);
  vos::VitaTcovis network(options);
  static_cast<void>(vos::load_weights(*network, weights));
  const auto place = vos::place({.device = "cpu", .precision = vos::precision_from(type)});
  vos::prepare_for_inference(*network, place);
  std::vector<at::Tensor> pictures;
  for (const auto& entry : vos::read_weights(frames).entries)
    pictures.push_back(entry.value.to(place.dtype).contiguous(at::MemoryFormat::ChannelsLast));

  const c10::InferenceMode inference;
  vos::VitaTcovisImpl::State state;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string act;
    std::size_t number = 0;
    int threads = 1, keep = 0;
    words >> act >> number >> threads >> keep;
    if (act == "reset") {
      state = {};
      std::puts("0 0"), std::fflush(stdout);
      continue;
    }
    at::set_num_threads(threads);
    const auto start = std::chrono::steady_clock::now();
    const double cpu = cpu_ms();
    const auto& picture = pictures[number % pictures.size()];
    const auto said = options.propagate ? network->step(picture, state) : network->detect(picture);
    const double cpu_taken = cpu_ms() - cpu;
    const double taken = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (keep == 1) {
      std::vector<vos::NamedTensor> entries{{"logits", said.logits}, {"masks", said.masks}, {"tokens", said.tokens}};
      if (said.embeddings.defined()) entries.push_back({"embeddings", said.embeddings});
      vos::write_weights(answer, entries);
    }
    std::printf("%.3f %.3f\n", taken, cpu_taken), std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 6 && words[0] == "make")
    make(words[1], words[2], words[3], std::atoll(words[4].c_str()), std::atoll(words[5].c_str()));
  else if (words.size() == 6 && words[0] == "run") run(words[1], words[2], words[3], words[4], words[5]);
  else
    return std::fprintf(
               stderr,
               "usage: vita_tcovis make PRESET WEIGHTS FRAMES HEIGHT WIDTH | run PRESET WEIGHTS FRAMES TYPE ANSWER\n"),
           2;
} catch (const std::exception& e) {
  return std::fprintf(stderr, "vita_tcovis: %s\n", e.what()), 1;
}
