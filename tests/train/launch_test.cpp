#include <vos/train/parallel/launch.hpp>

#include <map>

#include "../test.hpp"

using namespace vos;

namespace {

using Variables = std::map<std::string, std::string>;

Launch launch(const Variables& variables) {
  return launch_from([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  });
}

Variables with(Variables base, const Variables& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}

const Variables torchrun{{"RANK", "5"},
                         {"WORLD_SIZE", "8"},
                         {"LOCAL_RANK", "1"},
                         {"LOCAL_WORLD_SIZE", "4"},
                         {"MASTER_ADDR", "10.0.0.7"},
                         {"MASTER_PORT", "1234"},
                         {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                         {"TORCHELASTIC_RESTART_COUNT", "2"}};
const Variables mpirun{{"OMPI_COMM_WORLD_RANK", "1"},
                       {"OMPI_COMM_WORLD_SIZE", "2"},
                       {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                       {"PMIX_NAMESPACE", "one"}};
const Variables srun{{"SLURM_PROCID", "3"},         {"SLURM_NTASKS", "16"},
                     {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "1"},
                     {"SLURM_JOB_ID", "77"},        {"SLURM_STEP_ID", "0"},
                     {"SLURM_STEP_NUM_NODES", "2"}, {"SLURM_STEP_NODELIST", "gpu[07-08]"}};

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("who a process is and where it meets the others is read from what its launcher left") {
    struct Row {
      const char* name;
      Variables variables;
      Ranks ranks;
      std::string address;
      bool hosted, one_machine;
    };
    const Ranks alone;
    for (const auto& [name, variables, ranks, address, hosted, one_machine] : std::vector<Row>{
             {"nothing", {}, alone, "", false, false},
             {"torchrun", torchrun, {5, 8, 1}, "10.0.0.7", true, false},
             {"torchrun with one process",
              with(torchrun, {{"RANK", "0"}, {"WORLD_SIZE", "1"}}),
              {0, 1, 1},
              "",
              false,
              false},
             {"torchrun on one machine",
              with(torchrun, {{"WORLD_SIZE", "6"}, {"LOCAL_WORLD_SIZE", "6"}}),
              {5, 6, 1},
              "10.0.0.7",
              true,
              true},
             {"by hand",
              {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "localhost"}},
              {1, 2, 0},
              "localhost",
              false,
              true},
             {"an empty variable is none",
              with(mpirun, {{"RANK", ""}, {"WORLD_SIZE", ""}}),
              {1, 2, 1},
              "127.0.0.1",
              false,
              true},
             {"mpirun on one machine", mpirun, {1, 2, 1}, "127.0.0.1", false, true},
             {"mpirun on two",
              with(mpirun, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}, {"MASTER_ADDR", "head"}}),
              {1, 2, 1},
              "head",
              false,
              false},
             {"torchrun within a Slurm job", with(srun, torchrun), {5, 8, 1}, "10.0.0.7", true, false},
             {"srun", srun, {3, 4, 1}, "gpu07", false, false},
             {"srun on one machine", with(srun, {{"SLURM_STEP_NUM_NODES", "1"}}), {3, 4, 1}, "127.0.0.1", false, true},
             {"a batch script is no task of its own",
              {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}},
              alone,
              "",
              false,
              false},
         }) {
      CAPTURE(name);
      const auto found = launch(variables);
      CHECK(found.ranks == ranks);
      CHECK(found.address == address);
      CHECK(found.hosted == hosted);
      CHECK(found.one_machine == one_machine);
    }
    CHECK(launch(torchrun).port == 1234);
    CHECK(launch(torchrun).attempt == "2");
    CHECK(launch({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}).port == 29500);
  }

  TEST_CASE("two jobs on one machine meet at different ports, all processes of a job at the same") {
    const auto port = [](const char* job) { return launch(with(srun, {{"SLURM_JOB_ID", job}})).port; };
    CHECK(port("77") != port("78"));
    CHECK(launch(with(srun, {{"SLURM_PROCID", "0"}})).port == port("77"));
    CHECK(port("77") >= 20000);
    CHECK(port("77") < 30000);
    CHECK(launch(mpirun).port != launch(with(mpirun, {{"PMIX_NAMESPACE", "two"}})).port);
  }

  TEST_CASE("the first machine of a list is found, however it is shortened") {
    for (const auto& [list, first] : Variables{{"a", "a"},
                                               {"a,b", "a"},
                                               {"gpu[07-08]", "gpu07"},
                                               {"gpu[3,5-9],cpu1", "gpu3"},
                                               {"one,gpu[1-2]", "one"},
                                               {"rack[2-4]-a.site,b", "rack2-a.site"},
                                               {"broken[1", ""},
                                               {"", ""}})
      CHECK(detail::first_host(list) == first);
  }

  TEST_CASE("a variable that is missing or makes no sense is named") {
    const auto refused = [](Variables variables, const char* name) {
      CAPTURE(name);
      CHECK_THROWS_WITH_AS(launch(variables), doctest::Contains(name), Error);
    };
    refused({{"RANK", "0"}}, "WORLD_SIZE");
    refused({{"WORLD_SIZE", "2"}}, "variable RANK");
    refused({{"RANK", "0"}, {"WORLD_SIZE", "2"}}, "MASTER_ADDR");
    refused(with(torchrun, {{"RANK", "8"}}), "process 8 of 8");
    refused(with(torchrun, {{"RANK", "-1"}}), "'-1'");
    refused(with(torchrun, {{"WORLD_SIZE", "two"}}), "'two'");
    refused(with(torchrun, {{"WORLD_SIZE", "0"}}), "RANK");
    refused(with(torchrun, {{"MASTER_PORT", "70000"}}), "MASTER_PORT");
    refused(with(mpirun, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}}), "MASTER_ADDR");
  }
}
