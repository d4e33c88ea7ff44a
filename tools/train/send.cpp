#include "send.hpp"

#include <cstdlib>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include <vos/core/choice.hpp>
#include <vos/core/text.hpp>
#include <vos/net/url.hpp>
#include <vos/train/log/clearml_run.hpp>
#include <vos/train/log/mlflow_run.hpp>
#include <vos/train/log/run_sender.hpp>
#include <vos/train/log/visdom_run.hpp>

#if VOS_NET
#include <vos/net/http_client.hpp>
#endif

#include "common/command_line.hpp"

namespace vos::train {
namespace {

constexpr const char* footer =
    R"(Sends what the run's folder holds and the server was not told yet, as a training with these settings would have. Without --to
it goes where the run was to be sent: its settings log.mlflow, log.clearml and log.visdom. Addresses and passwords come from
MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN, CLEARML_API_HOST,
CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY and ~/clearml.conf.

Examples:
  vos-train send runs/a
  vos-train send runs/a --to mlflow --server http://localhost:5000
  vos-train send runs/a --to visdom
)";

Http real_http() {
#if VOS_NET
  return HttpClient{};
#else
  throw Error({.what = "this build knows no network",
               .where = "the settings log.mlflow, log.clearml and log.visdom",
               .mend = "build it with Boost 1.81 or newer and OpenSSL; the run's files can be sent later, by any build "
                       "that has them",
               .exit_code = exit_code::usage});
#endif
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::string{value} : std::string{};
}

/// A password in a setting would be written to config.toml and told to servers.
const std::string& without_password(const std::string& address, const char* key) {
  if (url_from(address, key).user.empty()) return address;
  throw Error({.what = "the address holds a name, and settings are written down",
               .where = key,
               .mend = std::string{"set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD for MLflow; the address "
                                   "in MLFLOW_TRACKING_URI may hold both"},
               .exit_code = exit_code::usage});
}

std::unique_ptr<RemoteRun> mlflow_run(const LogOptions& options, const std::string& name) {
  MlflowOptions mlflow{.experiment = options.project, .name = name};
  if (options.mlflow != "env") {
    mlflow.server = without_password(options.mlflow, "log.mlflow");
  } else if (mlflow.server = variable("MLFLOW_TRACKING_URI"); mlflow.server.empty()) {
    throw Error({.what = "MLFLOW_TRACKING_URI is not set",
                 .where = "log.mlflow",
                 .mend = "set it, or name the server: log.mlflow=http://localhost:5000",
                 .exit_code = exit_code::usage});
  }
  if (const auto user = variable("MLFLOW_TRACKING_USERNAME"); !user.empty())
    mlflow.authorization = basic_authorization(user, variable("MLFLOW_TRACKING_PASSWORD"));
  else if (const auto token = variable("MLFLOW_TRACKING_TOKEN"); !token.empty())
    mlflow.authorization = bearer_authorization(token);
  return std::make_unique<MlflowRun>(real_http(), std::move(mlflow));
}

/// What a run is called where nobody gave it a name.
std::string name_of(const std::filesystem::path& run) {
  return (std::filesystem::absolute(run) / "").lexically_normal().parent_path().filename().string();
}

}  // namespace

LogOptions take_log_options(Settings& settings) {
  LogOptions options;
  for (auto each = settings.begin(); each != settings.end();) {
    if (!each->first.starts_with("log.")) {
      ++each;
      continue;
    }
    set_option(options, each->first.substr(4), each->second, "section log");
    each = settings.erase(each);
  }
  expect_within("log.every", static_cast<double>(options.every), 1);
  return options;
}

std::vector<OptionInfo> describe_log_options(const LogOptions& options) {
  auto list = describe_options(options);
  for (auto& option : list) option.key.insert(0, "log.");
  return list;
}

std::vector<std::unique_ptr<RemoteRun>> remotes_of(const LogOptions& options, const std::filesystem::path& run) {
  const auto name = options.name.empty() ? name_of(run) : options.name;
  std::vector<std::unique_ptr<RemoteRun>> remotes;
  if (!options.mlflow.empty()) remotes.push_back(mlflow_run(options, name));
  if (options.clearml)
    remotes.push_back(std::make_unique<ClearmlRun>(
        real_http(), ClearmlOptions{.access = clearml_access(), .project = options.project, .name = name}));
  if (!options.visdom.empty())
    remotes.push_back(std::make_unique<VisdomRun>(
        real_http(), VisdomOptions{.server = without_password(options.visdom, "log.visdom"), .name = name}));
  return remotes;
}

bool is_send_command(const std::vector<std::string>& words) { return !words.empty() && words[0] == "send"; }

int send_command(std::vector<std::string> words, std::ostream& out) {
  words.erase(words.begin());
  tool::CommonOptions common;
  tool::CommandLine line("vos-train send", "Sends a run to an experiment server, or what of it the server lacks.",
                         common);
  line.usage_line("RUN [--to mlflow|clearml|visdom] [--server ADDRESS]");
  line.footer(footer);
  std::string run, to, server;
  line.option("run", run, "RUN", "the folder of the run");
  line.option("--to", to, "NAME", "mlflow, clearml or visdom (default: those of the run's settings)");
  line.option("--server", server, "ADDRESS", "of MLflow or Visdom, where the run's settings name none");
  if (const auto text = line.parse(words); !text.empty()) {
    out << text;
    return exit_code::done;
  }
  if (run.empty()) throw line.usage("which run shall be sent?", "name its folder");
  std::error_code code;
  const std::filesystem::path folder = run;
  if (!std::filesystem::exists(folder / "log.jsonl", code))
    throw line.usage("'" + run + "' holds no run: it has no log.jsonl", "name the folder that --run_dir made");
  auto settings =
      std::filesystem::exists(folder / "config.toml", code) ? read_config(folder / "config.toml") : Settings{};
  auto options = take_log_options(settings);
  if (!to.empty()) {
    choice("--to", to, {"mlflow", "clearml", "visdom"});
    const auto one = [&](const std::string& name, std::string& address, const std::string& usual) {
      if (to != name) address.clear();
      else if (!server.empty()) address = server;
      else if (address.empty()) address = usual;
    };
    one("mlflow", options.mlflow, "env");
    one("visdom", options.visdom, VisdomOptions{}.server);
    options.clearml = to == "clearml";
  } else if (!server.empty()) {
    throw line.usage("--server without --to: what kind of server is that?", "add --to mlflow or --to visdom");
  }
  auto remotes = remotes_of(options, folder);
  if (remotes.empty()) throw line.usage("the run's settings name no server", "add --to mlflow, clearml or visdom");
  for (auto& remote : remotes) {
    RunSender sender(folder, std::move(remote), options.every);
    sender.send();
    if (common.json) {
      const nlohmann::ordered_json json{
          {"to", sender.kind()}, {"requests", sender.requests()}, {"page", sender.page()}};
      out << json.dump() << '\n';
      continue;
    }
    for (const auto& text : sender.told()) out << text << '\n';
    out << sender.kind() << (sender.requests() == 0 ? " has it all: " : " was told the run: ") << sender.page() << '\n';
  }
  return exit_code::done;
}

}  // namespace vos::train
