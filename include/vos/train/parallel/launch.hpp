#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/crc32.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

/// One of several processes that do the same work on different data.
struct Ranks {
  std::int64_t rank = 0, world = 1;  ///< this process, counted from 0, of so many
  std::int64_t local_rank = 0;       ///< counted on its own machine: which of its GPUs is whose

  bool leads() const { return rank == 0; }  ///< writes files, logs and prints
  bool operator==(const Ranks&) const = default;
};

/// How this process was started, and where it finds the others.
struct Launch {
  Ranks ranks = {};
  std::string address = {};  ///< of the machine of rank 0
  std::uint16_t port = 0;
  bool hosted = false;       ///< a launcher listens there, else rank 0 has to
  bool one_machine = false;  ///< all of them run here
  std::string attempt = {};  ///< tells a restart from the start before it, where a launcher listens on
};

/// The value of an environment variable, if it has one.
using Environment = std::function<std::optional<std::string>(const char*)>;

namespace detail {

/// What launchers leave in the environment.
class LaunchReader {
 public:
  explicit LaunchReader(const Environment& environment) : environment_(environment) {}

  bool has(const char* name) const { return text(name).has_value(); }
  std::optional<std::string> text(const char* name) const {
    auto value = environment_(name);
    if (value && value->empty()) value.reset();
    return value;
  }
  std::int64_t number(const char* name, std::int64_t most) const {
    const auto value = text(name);
    if (!value)
      refuse(std::string{name} + " is not set", name,
             "set " + std::string{name} + ", or start all processes with torchrun");
    const auto parsed = number_from<std::int64_t>(*value);
    if (!parsed || *parsed < 0 || *parsed > most)
      refuse("'" + *value + "' is no number from 0 to " + std::to_string(most), name,
             "correct " + std::string{name} + ", or unset it");
    return *parsed;
  }
  std::int64_t number_or(const char* name, std::int64_t otherwise, std::int64_t most) const {
    return has(name) ? number(name, most) : otherwise;
  }

  [[noreturn]] static void refuse(std::string what, const std::string& name, std::string mend) {
    throw Error({.what = std::move(what),
                 .where = "environment variable " + name,
                 .mend = std::move(mend),
                 .exit_code = exit_code::usage});
  }

 private:
  const Environment& environment_;
};

/// "node[03-06,9],other" -> "node03"; a list without brackets -> its first.
inline std::string first_host(std::string_view list) {
  const auto open = list.find('['), comma = list.find(',');
  if (open == std::string_view::npos || comma < open) return std::string{list.substr(0, comma)};
  const auto close = list.find(']', open);
  if (close == std::string_view::npos) return {};
  const auto number = list.substr(open + 1, close - open - 1);
  auto rest = list.substr(close + 1);
  return std::string{list.substr(0, open)} + std::string{number.substr(0, number.find_first_of("-,"))} +
         std::string{rest.substr(0, rest.find(','))};
}

}  // namespace detail

/// What the environment says: torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), else those of Open MPI's
/// mpirun, else those of Slurm's srun; without any of them, a process on its own. An Error names the variable that is missing
/// or makes no sense.
///
/// A batch script of Slurm sees the job's variables without being started as one of its tasks: only what `srun` itself
/// starts counts, which has a step's number.
inline Launch launch_from(const Environment& environment) {
  constexpr std::int64_t most = 1 << 20;
  const detail::LaunchReader read{environment};
  struct Names {
    const char *rank, *world, *local_rank, *local_world;
  };
  std::optional<Names> names;
  // A number of the job: two jobs on one machine then meet at different ports.
  std::optional<std::string> job;
  if (read.has("RANK") || read.has("WORLD_SIZE")) {
    names = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"};
  } else if (read.has("OMPI_COMM_WORLD_SIZE")) {
    names = {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
             "OMPI_COMM_WORLD_LOCAL_SIZE"};
    job = read.text("PMIX_NAMESPACE") ? read.text("PMIX_NAMESPACE") : read.text("OMPI_MCA_ess_base_jobid");
  } else if (read.has("SLURM_STEP_ID") && read.has("SLURM_PROCID")) {
    names = {"SLURM_PROCID", read.has("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS",
             "SLURM_LOCALID", ""};
    job = read.text("SLURM_JOB_ID").value_or("") + "." + *read.text("SLURM_STEP_ID");
  }
  Launch launch;
  if (!names) return launch;
  auto& [rank, world, local_rank] = launch.ranks;
  world = read.number(names->world, most);
  rank = read.number(names->rank, most);
  local_rank = read.number_or(names->local_rank, 0, most);
  if (world < 1 || rank >= world)
    read.refuse("process " + std::to_string(rank) + " of " + std::to_string(world), names->rank,
                "processes count from 0 to " + std::string{names->world} + " - 1");
  if (world == 1) return launch;

  const bool slurm = *names->local_world == '\0';
  launch.one_machine = slurm ? read.number_or("SLURM_STEP_NUM_NODES", 0, most) == 1
                             : read.number_or(names->local_world, 0, most) == world;
  launch.address = read.text("MASTER_ADDR").value_or("");
  if (launch.address.empty() && launch.one_machine) launch.address = "127.0.0.1";
  if (launch.address.empty() && slurm)
    launch.address =
        detail::first_host(read.text("SLURM_STEP_NODELIST").value_or(read.text("SLURM_JOB_NODELIST").value_or("")));
  if (launch.address.empty())
    read.refuse(
        "nothing says where the " + std::to_string(world) + " processes meet", "MASTER_ADDR",
        "set it to the address of process 0's machine (127.0.0.1 if all run on this one), or start them with torchrun");
  if (launch.address == "localhost" || launch.address.starts_with("127.")) launch.one_machine = true;
  // Below the ports that systems hand out themselves.
  const auto by_job = [&] {
    return 20000 + static_cast<std::int64_t>(crc32_of(std::vector<std::uint8_t>(job->begin(), job->end())) % 10000);
  };
  launch.port = static_cast<std::uint16_t>(read.number_or("MASTER_PORT", job ? by_job() : 29500, 65535));
  launch.hosted = lower_case(read.text("TORCHELASTIC_USE_AGENT_STORE").value_or("")) == "true";
  launch.attempt = read.text("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return launch;
}

/// The same, of this process's environment.
inline Launch launch_from_environment() {
  return launch_from([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets one
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
  });
}

}  // namespace vos
