#include <vos/weights/safetensors.hpp>
#include <vos/weights/write_safetensors.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vos/io/files.hpp>

#include "../test.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

/// One of two contents, of different lengths and without a common part of any size.
struct Content {
  std::vector<Bytes> bytes{Bytes(3 << 20), Bytes(10'007), Bytes(1 << 20)};

  explicit Content(std::uint32_t seed) {
    std::minstd_rand random{seed};
    bytes[0].resize(bytes[0].size() + seed * 1000);
    for (auto& run : bytes)
      for (auto& byte : run) byte = static_cast<std::uint8_t>(random() >> 8);
  }

  void write(const fs::path& path) const {
    std::vector<vos::TensorBytes> tensors;
    for (const auto& run : bytes)
      tensors.push_back({std::to_string(tensors.size()), vos::DType::u8, {static_cast<std::int64_t>(run.size())}, run});
    vos::write_safetensors(path, tensors, {{"tensors", std::to_string(tensors.size())}});
  }
};

/// Starts a process that writes the contents in turn until it is killed.
pid_t start_writer(const fs::path& path, const std::array<Content, 2>& contents) {
  const auto writer = ::fork();
  if (writer != 0) return writer;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    for (std::size_t i = 0;; ++i) contents[i % 2].write(path);
  } catch (...) {
    ::_exit(1);  // which the other side sees: this one should have been killed
  }
}

bool kill_writer(pid_t writer) {
  int status = 0;
  ::kill(writer, SIGKILL);
  ::waitpid(writer, &status, 0);
  return WIFSIGNALED(status);
}

std::vector<std::uintmax_t> sizes_of_leftovers(const fs::path& folder) {
  std::vector<std::uintmax_t> sizes;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(".part.")) sizes.push_back(entry.file_size());
  return sizes;
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("whenever its writers are killed, a file is wholly the old one or wholly the new one") {
    const char* given = std::getenv("VOS_KILLS");
    const int kills = given != nullptr ? std::atoi(given) : 20;
    const vos::test::Folder folder;
    const auto path = folder / "a.safetensors";
    const std::array<Content, 2> contents{Content{1}, Content{2}};
    std::array<Bytes, 2> whole;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < 2; ++i) {
      contents[i].write(path);
      whole[i] = vos::read_file(path);
    }
    const std::chrono::duration<double> once = (std::chrono::steady_clock::now() - start) / 2;

    std::mt19937 random{7};
    std::uniform_real_distribution<double> moment{0, 5 * once.count()};
    int damaged = 0, failed = 0, first = 0, second = 0, half_written = 0, before_renaming = 0, between = 0;
    std::size_t most_leftovers = 0;
    for (int i = 0; i < kills; ++i) {
      std::vector<pid_t> writers{start_writer(path, contents)};
      if (i % 2 == 1) writers.push_back(start_writer(path, contents));  // two that write the same file
      std::this_thread::sleep_for(std::chrono::duration<double>{moment(random)});
      for (const auto writer : writers) failed += !kill_writer(writer);

      const auto left = sizes_of_leftovers(folder.path());
      most_leftovers = std::max(most_leftovers, left.size());
      const auto half = std::any_of(left.begin(), left.end(),
                                    [&](auto size) { return size != whole[0].size() && size != whole[1].size(); });
      (left.empty() ? between : half ? half_written : before_renaming) += 1;
      const auto found = vos::read_file(path);
      first += found == whole[0];
      second += found == whole[1];
      damaged += found != whole[0] && found != whole[1];
      vos::Checkpoint checkpoint;
      checkpoint.file = vos::FileBytes::map(path);
      CHECK_NOTHROW(vos::read_safetensors(checkpoint, {}));
    }
    MESSAGE(kills << " kills: " << half_written << " within writing, " << before_renaming
                  << " between that and renaming, " << between << " with nothing unfinished; found " << first
                  << " times the one content, " << second << " times the other, damaged " << damaged << " times");
    CHECK(damaged == 0);
    CHECK(failed == 0);
    CHECK(first > 0);
    CHECK(second > 0);
    CHECK(half_written + before_renaming > kills / 4);  // what the test is for did happen
    CHECK(most_leftovers <= 2);                         // they do not add up: as many as were writing
    contents[1].write(path);                            // and whoever writes next takes them away
    CHECK(vos::read_file(path) == whole[1]);
    CHECK(sizes_of_leftovers(folder.path()).empty());
  }
}
