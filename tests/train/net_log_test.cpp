#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <vos/train/log/clearml_run.hpp>
#include <vos/train/log/file_log.hpp>
#include <vos/train/log/mlflow_run.hpp>
#include <vos/train/log/remote_log.hpp>
#include <vos/train/log/run_sender.hpp>
#include <vos/train/log/visdom_run.hpp>

#include "../net/http_server.hpp"
#include "../test.hpp"

using namespace vos;
using Json = nlohmann::json;
using test::HttpServer;

namespace {

/// A server that remembers what it was asked, and answers as it is told.
class Recorder {
 public:
  using Answers = std::function<HttpResponse(const HttpRequest&)>;
  explicit Recorder(Answers answers)
      : server_([this, answers = std::move(answers)](const HttpRequest& request) {
          const std::lock_guard lock{mutex_};
          const auto answer = answers(request);
          if (answer.status == 200) requests_.push_back(request);
          return HttpServer::Answer{.response = answer};
        }) {}

  std::string url() const { return server_.url(); }
  /// The bodies of what was asked at addresses that end so, and was answered well.
  std::vector<Json> bodies(const std::string& end) const {
    const std::lock_guard lock{mutex_};
    std::vector<Json> found;
    for (const auto& request : requests_)
      if (request.url.ends_with(end)) found.push_back(Json::parse(request.body));
    return found;
  }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock{mutex_};
    return requests_;
  }
  void forget() {
    const std::lock_guard lock{mutex_};
    requests_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  HttpServer server_;
};

HttpResponse ok(const Json& json) { return {.status = 200, .body = json.dump()}; }

/// What an MLflow server says, as long as it is asked as its documentation of the interface has it.
HttpResponse mlflow_answer(const HttpRequest& request) {
  const auto what = request.url.substr(request.url.find("mlflow/") + 7);
  const Json run{
      {"run",
       {{"info", {{"run_id", "r1"}, {"experiment_id", "7"}, {"artifact_uri", "mlflow-artifacts:/7/r1/artifacts"}}}}}};
  if (what.starts_with("experiments/get-by-name?experiment_name="))
    return {.status = 404, .body = R"({"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such"})"};
  if (what == "experiments/create") return ok({{"experiment_id", "7"}});
  if (what == "runs/create" || what == "runs/get?run_id=r1") return ok(run);
  if (what == "runs/update" || what == "runs/log-batch" || request.method == "PUT") return ok(Json::object());
  return {.status = 404, .body = R"({"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such"})"};
}

HttpResponse clearml_answer(const HttpRequest& request) {
  const auto data = [](const Json& json) { return ok({{"meta", {{"result_code", 200}}}, {"data", json}}); };
  const auto what = request.url.substr(request.url.rfind('/') + 1);
  if (what == "auth.login") return data({{"token", "t0k3n"}});
  if (what == "projects.get_all") return data({{"projects", Json::array()}});
  if (what == "projects.create") return data({{"id", "p1"}});
  if (what == "tasks.create") return data({{"id", "0123456789abcdef0123456789abcdef"}});
  if (what == "tasks.get_by_id") return data({{"task", {{"project", "p1"}}}});
  if (what == "events.add_batch") return data({{"added", 1}, {"errors", 0}});
  return data(Json::object());
}

StepReport report_of(std::int64_t step) {
  return {.step = step,
          .total = 30,
          .epoch = 0,
          .loss = 1.0 / static_cast<double>(step),
          .losses = {{"loss_mask", 0.5}},
          .lr = {{"all, no decay", 1e-4}},
          .gradient_norm = 3,
          .seconds = 0.25,
          .waited = 0.01};
}

std::map<std::string, std::string> settings_of(double lr = 1e-4) {
  return {{"optim.lr", std::to_string(lr)}, {"data.root", "a/b"}};
}

/// A run that began, made some steps, a validation with a picture, and perhaps came to its end.
void write_run(const std::filesystem::path& run, std::int64_t steps, bool ended = true) {
  FileLog log{run};
  log.configuration(settings_of());
  for (std::int64_t step = 1; step <= steps; ++step) log.step(report_of(step));
  make_folder(run / "pictures" / step_name(steps));
  write_file(run / "pictures" / step_name(steps) / "clip 1.png", std::string_view{"\x89PNG\r\n\x1a\n!"});
  log.validation({.step = steps, .metrics = {{"J&F", 0.5}}, .main = "J&F", .best = true});
  std::ofstream{run / "log.jsonl", std::ios::app}  // as FileLog does, which would want a tensor
      << Json{{"kind", "picture"}, {"time", 1.7e9}, {"step", steps}, {"name", "clip 1"}} << '\n';
  log.message("a <word> for \xC3\xA9 user");
  if (ended) log.finished({.end = TrainEnd::finished, .step = steps});
}

std::unique_ptr<RemoteRun> mlflow_of(const std::string& url, std::int64_t timeout_ms = 5000) {
  return std::make_unique<MlflowRun>(test::http_client(timeout_ms),
                                     MlflowOptions{.server = url, .experiment = "moving things", .name = "a run"});
}

/// The points that a server was told: how often each.
std::map<std::pair<std::string, std::int64_t>, int> points_at(const Recorder& server) {
  std::map<std::pair<std::string, std::int64_t>, int> points;
  for (const auto& body : server.bodies("runs/log-batch"))
    if (body.contains("metrics"))
      for (const auto& metric : body["metrics"]) ++points[{metric["key"], metric["step"]}];
  return points;
}

std::set<std::int64_t> steps_at(const Recorder& server) {
  std::set<std::int64_t> steps;
  for (const auto& [point, count] : points_at(server))
    if (point.first == "loss/all") steps.insert(point.second);
  return steps;
}

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("MLflow is told a run in its own words") {
    const test::Folder folder;
    write_run(folder.path(), 12);
    const Recorder server{mlflow_answer};
    RunSender sender{folder.path(), mlflow_of(server.url()), 5};
    CHECK(sender.send());
    CHECK(sender.page() == server.url() + "/#/experiments/7/runs/r1");

    CHECK(server.bodies("experiments/create").at(0) == Json{{"name", "moving things"}});
    const auto made = server.bodies("runs/create").at(0);
    CHECK(made["experiment_id"] == "7");
    CHECK(made["run_name"] == "a run");
    const auto now = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds{1};
    CHECK(std::abs(made["start_time"].get<std::int64_t>() - now) < 60000);

    CHECK(steps_at(server) == std::set<std::int64_t>{1, 5, 10});
    CHECK(points_at(server).count({"lr/all_ no decay", 5}) == 1);  // names have no commas there
    CHECK(points_at(server).count({"validation/J_F", 12}) == 1);
    Json parameters, metric;
    const auto is_score = [](const Json& each) { return each["key"] == "validation/J_F"; };
    for (const auto& body : server.bodies("runs/log-batch")) {
      CHECK(body["run_id"] == "r1");
      if (body.contains("params")) parameters = body["params"];
      if (body.contains("metrics")) metric = *std::find_if(body["metrics"].begin(), body["metrics"].end(), is_score);
    }
    CHECK(parameters == Json{{{"key", "data.root"}, {"value", "a/b"}}, {{"key", "optim.lr"}, {"value", "0.000100"}}});
    CHECK(metric["value"] == 0.5);
    CHECK(metric["timestamp"].is_number_integer());

    const auto requests = server.requests();
    std::string picture, thumbnail;
    for (const auto& request : requests)
      if (request.method == "PUT") (request.url.ends_with(".png") ? picture : thumbnail) = request.url;
    CHECK(picture.starts_with(
        "/api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/images/clip%201%2Bstep%2B12%2Btimestamp%2B"));
    CHECK(thumbnail.ends_with("compressed.webp"));
    const auto updates = server.bodies("runs/update");
    REQUIRE(updates.size() == 2);
    CHECK(updates[0]["status"] == "RUNNING");
    CHECK(updates[1]["status"] == "FINISHED");
  }

  TEST_CASE("what a server has is not sent again, whoever goes on, and a resumed run stays the same run") {
    const test::Folder folder;
    write_run(folder.path(), 12, /*ended=*/false);
    Recorder server{mlflow_answer};
    CHECK(RunSender{folder.path(), mlflow_of(server.url()), 1}.send());
    server.forget();
    {
      RunSender again{folder.path(), mlflow_of(server.url()), 1};
      CHECK(again.send());
      CHECK(again.requests() == 0);
    }
    CHECK(server.requests().size() == 1);  // is the run still there?
    server.forget();

    RunSender sender{folder.path(), mlflow_of(server.url()), 1};
    {
      FileLog log{folder.path()};  // the last checkpoint was that of step 9
      log.resumed(9);
      log.configuration(settings_of(1e-5));
      for (std::int64_t step = 10; step <= 14; ++step) log.step(report_of(step));
      CHECK(sender.send());
      log.step(report_of(15));
      log.failed("a reason");
    }
    CHECK(sender.send());
    CHECK(server.bodies("runs/create").empty());
    CHECK(steps_at(server) == std::set<std::int64_t>{13, 14, 15});
    CHECK(points_at(server).count({"validation/J_F", 12}) == 0);
    bool changed = false;
    for (const auto& body : server.bodies("runs/log-batch")) {
      CHECK_FALSE(body.contains("params"));
      changed = changed ||
                (body.contains("tags") && body["tags"][0] == Json{{"key", "resumed.optim.lr"}, {"value", "0.000010"}});
    }
    CHECK(changed);
    CHECK(server.bodies("runs/update").back()["status"] == "FAILED");
  }

  TEST_CASE("a server that fails at any request is told everything once, in the end") {
    for (int fails_at = 0;; ++fails_at) {
      CAPTURE(fails_at);
      const test::Folder folder;
      write_run(folder.path(), 300);  // of five curves each: more than a batch
      int asked = 0;
      const Recorder server{[&](const HttpRequest& request) {
        return asked++ == fails_at ? HttpResponse{.status = 503, .body = "later"} : mlflow_answer(request);
      }};
      std::optional<RunSender> sender;
      sender.emplace(folder.path(), mlflow_of(server.url()), 1);
      try {
        sender->send();
        CHECK(fails_at >= 10);  // there were so many requests to fail at
        break;
      } catch (const NoAnswer&) {
      }
      if (fails_at % 2 == 0) {  // the same goes on, or another process
        sender.reset();
        sender.emplace(folder.path(), mlflow_of(server.url()), 1);
      }
      CHECK(sender->send());
      const auto points = points_at(server);
      CHECK(points.size() == 300 * 6 + 1);
      for (const auto& [point, count] : points) CHECK(count == 1);
      int pictures = 0, ends = 0;
      for (const auto& request : server.requests())
        pictures += request.method == "PUT" && request.url.ends_with("vos.png");
      for (const auto& body : server.bodies("runs/update")) ends += body["status"] == "FINISHED";
      // A picture takes three requests, the end two: where a later one failed, the first are made again.
      CHECK(pictures >= 1);
      CHECK(pictures <= 2);
      CHECK(ends >= 1);
      CHECK(ends <= 2);
    }
  }

  TEST_CASE("a run that the server has lost is told anew, and another server is told all") {
    const test::Folder folder;
    write_run(folder.path(), 6);
    {
      const Recorder first{mlflow_answer};
      CHECK(RunSender{folder.path(), mlflow_of(first.url()), 1}.send());
    }
    int made = 0;
    const Recorder second{[&](const HttpRequest& request) {
      if (request.url.find("runs/get") != std::string::npos && made == 1)
        return HttpResponse{.status = 404, .body = R"({"error_code":"RESOURCE_DOES_NOT_EXIST"})"};
      made += request.url.ends_with("runs/create");
      return mlflow_answer(request);
    }};
    CHECK(RunSender{folder.path(), mlflow_of(second.url()), 1}.send());
    CHECK(steps_at(second).size() == 6);
    CHECK(RunSender{folder.path(), mlflow_of(second.url()), 1}.send());
    CHECK(made == 2);
    CHECK(points_at(second)[{"loss/all", 3}] == 2);
  }

  TEST_CASE("two processes do not send one run at once") {
    const test::Folder folder;
    write_run(folder.path(), 2);
    const Recorder server{mlflow_answer};
    const RunSender sender{folder.path(), mlflow_of(server.url()), 1};
    CHECK_THROWS_WITH_AS((RunSender{folder.path(), mlflow_of(server.url()), 1}), doctest::Contains("another process"),
                         Error);
  }

  TEST_CASE("a line that is only half written waits for its other half") {
    const test::Folder folder;
    const auto path = folder / "log.jsonl";
    LogReader reader{path};
    CHECK_FALSE(reader.next());
    std::ofstream out{path, std::ios::app};
    out << R"({"kind":"step","st)" << std::flush;
    CHECK_FALSE(reader.next());
    out << "ep\":3}\nnonsense\n{\"kind\":\"message\"}\n" << std::flush;
    const auto step = reader.next();
    REQUIRE(step);
    CHECK(step->place.step == 3);
    CHECK(reader.next()->kind == "message");
    CHECK_FALSE(reader.next());
  }

  TEST_CASE("training goes on without its server, says so once, and the server is told later") {
    const test::Folder folder;
    std::atomic<bool> up = false;
    const Recorder server{[&](const HttpRequest& request) {
      return up ? mlflow_answer(request) : HttpResponse{.status = 503, .body = "not yet"};
    }};
    std::vector<std::string> told;
    const auto count = [&](const std::string& word) {
      return std::count_if(told.begin(), told.end(),
                           [&](const auto& text) { return text.find(word) != std::string::npos; });
    };
    const RemotePace quick{.every = std::chrono::milliseconds{5}, .longest = std::chrono::milliseconds{20}};
    std::int64_t step = 0;
    const auto train = [&](bool until_told, const std::string& word) {
      RunLogs log;
      log.add(std::make_unique<FileLog>(folder.path()));
      log.add(std::make_unique<RemoteLog>(
          std::make_unique<RunSender>(folder.path(), mlflow_of(server.url()), 1),
          [&](const std::string& text) { told.push_back(text); }, quick));
      log.configuration(settings_of());
      for (int i = 0; until_told ? count(word) == 0 && i < 2000 : i < 20; ++i) {
        log.step(report_of(++step));
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
      }
      log.finished({.end = TrainEnd::stopped, .step = step});
    };
    train(false, "");
    CHECK(count("is not there") == 1);
    CHECK(count("`vos-train send`") == 1);
    CHECK(server.requests().empty());

    told.clear();
    std::thread later{[&] {
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
      up = true;
    }};
    train(true, "answers again");
    later.join();
    CHECK(count("is not there") == 1);
    CHECK(count("answers again") == 1);
    CHECK(count("`vos-train send`") == 0);
    CHECK(steps_at(server).size() == static_cast<std::size_t>(step));
    for (const auto& [point, times] : points_at(server)) CHECK(times == 1);
    CHECK(server.bodies("runs/update").back()["status"] == "KILLED");
  }

  TEST_CASE("a server that hangs holds up neither a step nor the end") {
    const test::Folder folder;
    const HttpServer server{
        [](const HttpRequest&) { return HttpServer::Answer{.manner = HttpServer::Answer::Manner::waiting}; }};
    std::vector<std::string> told;
    const auto begun = std::chrono::steady_clock::now();
    {
      RunLogs log;
      log.add(std::make_unique<FileLog>(folder.path()));
      log.add(std::make_unique<RemoteLog>(std::make_unique<RunSender>(folder.path(), mlflow_of(server.url(), 1000), 1),
                                          [&](const std::string& text) { told.push_back(text); }));
      log.configuration(settings_of());
      const auto first = std::chrono::steady_clock::now();
      for (std::int64_t step = 1; step <= 50; ++step) log.step(report_of(step));
      CHECK(std::chrono::steady_clock::now() - first <
            std::chrono::milliseconds{900});  // a step that waited takes 1000
      log.finished({.step = 50});
    }
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});  // two requests of a second each
    REQUIRE_FALSE(told.empty());
    CHECK(told.back().find("`vos-train send`") != std::string::npos);
  }

  TEST_CASE("a server that takes no pictures is told the figures") {
    const test::Folder folder;
    write_run(folder.path(), 3);
    const Recorder server{[](const HttpRequest& request) {
      return request.method == "PUT" ? HttpResponse{.status = 413, .body = "too large"} : mlflow_answer(request);
    }};
    RunSender sender{folder.path(), mlflow_of(server.url()), 1};
    CHECK(sender.send());
    CHECK(server.bodies("runs/update").back()["status"] == "FINISHED");
    const auto told = sender.told();
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("no pictures") != std::string::npos);
  }

  TEST_CASE("ClearML is told a run as its own client does") {
    const test::Folder folder;
    write_run(folder.path(), 4);
    int logins = 0;
    const Recorder server{[&](const HttpRequest& request) {
      // The first token runs out.
      logins += request.url.ends_with("auth.login");
      if (request.url.ends_with("tasks.create") && logins == 1) return HttpResponse{.status = 401, .body = "{}"};
      return clearml_answer(request);
    }};
    const ClearmlAccess access{
        .api = server.url(), .files = server.url() + "/files", .web = "http://web", .key = "K", .secret = "S"};
    RunSender sender{folder.path(),
                     std::make_unique<ClearmlRun>(test::http_client(),
                                                  ClearmlOptions{.access = access, .project = "a.b", .name = "a run"}),
                     1};
    CHECK(sender.send());
    CHECK(logins == 2);
    const std::string task = "0123456789abcdef0123456789abcdef";
    CHECK(sender.page() == "http://web/projects/p1/experiments/" + task + "/output/execution");
    CHECK(server.bodies("projects.get_all").at(0)["name"] == "^a\\.b$");
    CHECK(server.bodies("tasks.create").at(0) == Json{{"name", "a run"}, {"type", "training"}, {"project", "p1"}});
    CHECK(server.bodies("tasks.started").size() == 1);
    CHECK(server.bodies("tasks.edit_hyper_params").at(0)["hyperparams"][1] ==
          Json{{"section", "General"}, {"name", "optim.lr"}, {"value", "0.000100"}});
    CHECK(server.bodies("tasks.completed").at(0)["task"] == task);
    std::map<std::string, int> kinds;
    for (const auto& request : server.requests()) {
      if (request.url.ends_with("auth.login")) CHECK(request.headers.at("authorization") == "Basic SzpT");  // K:S
      if (request.url.ends_with("/files/")) {
        CHECK(request.body.find("\x89PNG\r\n\x1a\n!") != std::string::npos);
        CHECK(request.body.find("name=\"vos/" + task + "/step_00000004/clip%201.png\"") != std::string::npos);
      }
      if (!request.url.ends_with("events.add_batch")) continue;
      CHECK(request.headers.at("content-type") == "application/json-lines");
      CHECK(request.headers.at("authorization") == "Bearer t0k3n");
      auto lines = split(request.body, '\n');
      CHECK(lines.back().empty());
      lines.pop_back();
      for (const auto& line : lines) {
        const auto event = Json::parse(line);
        CHECK(event["task"] == task);
        ++kinds[event["type"].get<std::string>()];
        if (event["type"] == "training_debug_image")
          CHECK(event["url"] == server.url() + "/files/vos/" + task + "/step_00000004/clip%201.png");
      }
    }
    CHECK(kinds ==
          std::map<std::string, int>{{"log", 1}, {"training_debug_image", 1}, {"training_stats_scalar", 4 * 6 + 1}});
  }

  TEST_CASE("a clearml.conf is read as people write it") {
    const auto values = clearml_values(R"(
# a comment with { braces
api {
    // another: one
    web_server: https://app.clear.ml/
    api_server: "https://api.clear.ml"   # behind
    files_server = https://files.clear.ml
    credentials { "access_key" = "AB#C", secret_key: 'x y' }
    verify_certificate: true
    list: [ { a: b }, "c" ]
}
sdk.storage.cache { default_base_dir: "~/.clearml/cache" }
agent: { worker: ${HOST} }
)");
    CHECK(values.at("api.web_server") == "https://app.clear.ml/");
    CHECK(values.at("api.api_server") == "https://api.clear.ml");
    CHECK(values.at("api.files_server") == "https://files.clear.ml");
    CHECK(values.at("api.credentials.access_key") == "AB#C");
    CHECK(values.at("api.credentials.secret_key") == "x y");
    CHECK(values.at("api.verify_certificate") == "true");
    CHECK(values.at("sdk.storage.cache.default_base_dir") == "~/.clearml/cache");
    for (const auto* torn : {"api {", "api { a: \"", "}}} a", "[", ": = :", "a: [ { b"})
      CHECK(clearml_values(torn).size() <= 1);  // and it ends
  }

  TEST_CASE("Visdom is told a run as windows of one environment") {
    const test::Folder folder;
    write_run(folder.path(), 4);
    const Recorder server{[](const HttpRequest& request) {
      return request.url == "/env_state" ? ok({"main", "another"}) : HttpResponse{.status = 200, .body = "win"};
    }};
    RunSender sender{
        folder.path(),
        std::make_unique<VisdomRun>(test::http_client(), VisdomOptions{.server = server.url(), .name = "a run"}), 1};
    CHECK(sender.send());
    CHECK(sender.page() == server.url() + "/env/a_run");
    std::map<std::string, Json> lines;
    for (const auto& body : server.bodies("/update")) {
      CHECK(body["eid"] == "a_run");
      CHECK(body["append"] == true);
      lines[body["win"].get<std::string>() + "/" + body.value("name", "")] = body["data"][0];
    }
    CHECK(lines.at("loss/all")["x"] == Json{1, 2, 3, 4});
    CHECK(lines.at("loss/loss_mask")["y"] == Json{0.5, 0.5, 0.5, 0.5});
    CHECK(lines.at("validation/J&F")["y"] == Json{0.5});
    CHECK(lines.at("messages/")["content"] == "a &lt;word&gt; for \xC3\xA9 user");
    std::map<std::string, Json> windows;
    for (const auto& body : server.bodies("/events")) windows[body["win"]] = body;
    CHECK(windows.at("settings")["data"][0]["content"].get<std::string>().find("<td>optim.lr</td><td>0.000100</td>") !=
          std::string::npos);
    CHECK(windows.at("picture clip 1")["data"][0]["content"]["src"] == "data:image/png;base64,iVBORw0KGgoh");
    CHECK(windows.at("about")["data"][0]["content"] == "vos-train: a run, finished");
    CHECK(server.bodies("/save").at(0) == Json{{"data", {"a_run"}}});
  }
}
