/// Opening a checkpoint, for bench/weights.py.
///
///   weights time FILE ROUNDS     medians in milliseconds, a line for each way to open it, the ways in turn
///   weights memory FILE WAY      MB by which the most memory in use exceeds that at the start of the process

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <vos/core/crc32.hpp>
#include <vos/weights/open.hpp>
#include <vos/weights/tensors.hpp>

namespace {

using Bytes = std::span<const std::uint8_t>;

/// The least that reading and checking can take: a part at a time into a buffer that stays in the cache.
void read_and_check(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY);
  std::vector<std::uint8_t> part(std::size_t{1} << 18);
  std::uint32_t crc = 0;
  for (ssize_t got = 0; (got = ::read(file, part.data(), part.size())) > 0;)
    crc = vos::crc32_of(Bytes{part}.first(static_cast<std::size_t>(got)), crc);
  ::close(file);
  if (crc == 1) std::puts("");  // the sum must be needed
}

/// The same, keeping what was read.
void read_whole_and_check(const std::string& path) {
  const auto bytes = vos::read_file(path);
  if (vos::crc32_of(bytes) == 1) std::puts("");
}

void touch(const vos::Checkpoint& checkpoint) {
  unsigned sum = 0;
  for (const auto& storage : checkpoint.storages)
    for (std::size_t i = 0; i < storage.bytes.size(); i += 4096) sum += storage.bytes[i];
  if (sum == 1) std::puts("");
}

const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> ways{
    {"read and CRC, in parts", read_and_check},
    {"read and CRC, whole", read_whole_and_check},
    {"open", [](const auto& path) { vos::open_checkpoint(path); }},
    {"open, no CRC", [](const auto& path) { vos::open_checkpoint(path, {.check_crc = false}); }},
    {"open and touch", [](const auto& path) { touch(*vos::open_checkpoint(path)); }},
    {"open in memory", [](const auto& path) { vos::open_checkpoint(path, {.map = false}); }},
    {"read_weights", [](const auto& path) { vos::read_weights(path); }},
};

double most_memory() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) return std::fprintf(stderr, "usage: weights time FILE ROUNDS | memory FILE WAY\n"), 2;
  const std::string path = argv[2];
  if (std::strcmp(argv[1], "memory") == 0) {
    const auto before = most_memory();
    for (const auto& [name, act] : ways)
      if (name == argv[3]) act(path);
    return std::printf("%.1f\n", most_memory() - before), 0;
  }
  std::vector<std::vector<double>> times(ways.size());
  for (int round = 0; round < std::atoi(argv[3]); ++round)
    for (std::size_t way = 0; way < ways.size(); ++way) {
      const auto start = std::chrono::steady_clock::now();
      ways[way].second(path);
      times[way].push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
  for (std::size_t way = 0; way < ways.size(); ++way) {
    std::sort(times[way].begin(), times[way].end());
    std::printf("%s\t%.2f\n", ways[way].first.c_str(), times[way][times[way].size() / 2]);
  }
} catch (const vos::Error& e) {
  return std::fprintf(stderr, "weights: %s\n", e.what()), 1;
}
