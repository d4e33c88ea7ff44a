#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/text.hpp>
#include <vos/net/http.hpp>
#include <vos/net/url.hpp>
#include <vos/train/log/clearml_config.hpp>
#include <vos/train/log/remote_run.hpp>
#include <vos/train/step_name.hpp>

namespace vos {

struct ClearmlOptions {
  ClearmlAccess access = {};
  std::string project = "vos", name = {};
};

/// A run as a task of a ClearML server, by the interface (version 2.13) that its own client uses. Settings are the task's
/// hyperparameters, pictures its debug samples, on the server's file store.
class ClearmlRun final : public RemoteRun {
  using Json = nlohmann::json;

 public:
  ClearmlRun(Http http, ClearmlOptions options)
      : http_(std::move(http)), options_(std::move(options)), api_(plain_address(options_.access.api)) {}

  std::string kind() const override { return "clearml"; }
  std::string server() const override { return api_; }
  std::string page() const override {
    const auto& web = options_.access.web;
    return (web.empty() ? api_ : plain_address(web)) + "/projects/" + (project_.empty() ? "*" : project_) +
           "/experiments/" + task_ + "/output/execution";
  }

  Opened open(const std::string& id, double) override {
    if (!id.empty()) {
      const auto found = call("tasks.get_by_id", {{"task", id}});
      if (found.status != 400) {
        const auto data = data_of(found, "tasks.get_by_id");
        task_ = id;
        project_ = text_at(data, "/task/project", {});
        return {.id = id};
      }
    }
    project_ = project();
    task_ = text_at(ask("tasks.create", {{"name", options_.name}, {"type", "training"}, {"project", project_}}), "/id",
                    "tasks.create");
    return {.id = task_, .fresh = true};
  }

  void settings(const std::map<std::string, std::string>& now,
                const std::map<std::string, std::string>& before) override {
    ask("tasks.started", {{"task", task_}, {"force", true}});
    Json list = Json::array();
    for (const auto& [name, value] : now) {
      const auto was = before.find(name);
      if (was == before.end() || was->second != value)
        list.push_back({{"section", "General"}, {"name", name}, {"value", value}});
    }
    if (!list.empty()) ask("tasks.edit_hyper_params", {{"task", task_}, {"hyperparams", list}, {"force", true}});
  }

  void points(const std::vector<CurvePoint>& points) override {
    std::vector<Json> events;
    for (const auto& point : points) {
      const auto slash = point.curve.find('/');
      auto event = this->event("training_stats_scalar", point.time);
      event["iter"] = point.step;
      event["metric"] = point.curve.substr(0, slash);
      event["variant"] = slash == std::string::npos ? "all" : point.curve.substr(slash + 1);
      event["value"] = point.value;
      events.push_back(std::move(event));
    }
    add(events);
  }

  void picture(const RemotePicture& picture) override {
    if (options_.access.files.empty()) return;
    const auto path = "vos/" + task_ + "/" + step_name(picture.step) + "/" + percent_encoded(picture.name) + ".png";
    // A boundary that PNG files cannot hold by chance: 16 letters of this task's own id are in it.
    const auto boundary = "vos-" + task_ + "-picture";
    std::string body = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + path + "\"; filename=\"" +
                       path + "\"\r\nContent-Type: image/png\r\n\r\n";
    body.append(picture.png.begin(), picture.png.end());
    body += "\r\n--" + boundary + "--\r\n";
    expect_done(http_({.method = "POST",
                       .url = options_.access.files + "/",
                       .headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary},
                                   {"Authorization", bearer_authorization(token())}},
                       .body = std::move(body)}),
                plain_address(options_.access.files) + ", a picture");
    auto event = this->event("training_debug_image", picture.time);
    event["iter"] = picture.step;
    event["metric"] = "pictures";
    event["variant"] = picture.name;
    event["key"] = path;
    event["url"] = plain_address(options_.access.files) + "/" + path;
    add({event});
  }

  void message(double time, const std::string& text) override {
    auto event = this->event("log", time);
    event["level"] = "info";
    event["worker"] = "vos-train";
    event["msg"] = text;
    add({event});
  }

  void end(double, const std::string& how) override {
    const auto* call = how == "failed"                            ? "tasks.failed"
                       : how == "stopped" || how == "out of time" ? "tasks.stopped"
                                                                  : "tasks.completed";
    ask(call, {{"task", task_}, {"force", true}, {"status_reason", how}});
  }

 private:
  static std::string plain_address(const std::string& address) {
    auto plain = url_from(address, "the address of ClearML").plain();
    while (plain.ends_with('/')) plain.pop_back();
    return plain;
  }

  Json event(const char* type, double time) const {
    return {{"type", type}, {"task", task_}, {"timestamp", std::llround(time * 1000)}};
  }

  /// An object a line.
  void add(const std::vector<Json>& events) {
    std::string lines;
    for (const auto& event : events) lines += text_of(event) + "\n";
    const auto data = data_of(call("events.add_batch", lines, "application/json-lines"), "events.add_batch");
    const auto errors = data.find("errors");
    if (errors == data.end() || !errors->is_number() || *errors == 0) return;
    throw Error({.what = "the server refuses " + errors->dump() + " of " + std::to_string(events.size()) +
                         " events: " + printable(text_of(data), 300),
                 .where = where("events.add_batch")});
  }

  std::string project() {
    std::string pattern = "^";
    for (const char c : options_.project) {
      if (std::string_view{R"(\^$.|?*+()[]{})"}.find(c) != std::string_view::npos) pattern += '\\';
      pattern += c;
    }
    const auto found = ask("projects.get_all", {{"name", pattern + "$"}, {"only_fields", {"id", "name"}}});
    if (const auto list = found.find("projects"); list != found.end() && list->is_array())
      for (const auto& each : *list)
        if (each.value("name", std::string{}) == options_.project) return text_at(each, "/id", "projects.get_all");
    return text_at(ask("projects.create", {{"name", options_.project}, {"description", ""}}), "/id", "projects.create");
  }

  std::string where(const std::string& what) const { return api_ + ", " + what; }
  std::string address(const std::string& what) const { return options_.access.api + "/v2.13/" + what; }
  static std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

  Json ask(const std::string& what, const Json& body) { return data_of(call(what, body), what); }
  HttpResponse call(const std::string& what, const Json& body) { return call(what, text_of(body), "application/json"); }
  HttpResponse call(const std::string& what, const std::string& body, const char* type) {
    const auto once = [&] {
      return http_({.method = "POST",
                    .url = address(what),
                    .headers = {{"Content-Type", type}, {"Authorization", bearer_authorization(token())}},
                    .body = body});
    };
    auto response = once();
    if (response.status != 401) return response;
    token_.clear();  // it has run out
    return once();
  }

  const std::string& token() {
    if (!token_.empty()) return token_;
    const auto& access = options_.access;
    const auto answer = http_({.method = "POST",
                               .url = address("auth.login"),
                               .headers = {{"Content-Type", "application/json"},
                                           {"Authorization", basic_authorization(access.key, access.secret)}},
                               .body = "{}"});
    if (answer.status == 401)
      throw Error({.what = "ClearML knows no such access key and secret",
                   .where = where("auth.login"),
                   .mend = "check CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or ~/clearml.conf"});
    return token_ = text_at(data_of(answer, "auth.login"), "/token", "auth.login");
  }

  Json data_of(const HttpResponse& response, const std::string& what) const {
    const auto json = expect_json(response, where(what));
    const auto data = json.find("data");
    return data != json.end() && data->is_object() ? *data : Json::object();
  }

  /// The text there; without `what`, none will do.
  std::string text_at(const Json& json, const char* path, const std::string& what) const {
    const Json::json_pointer pointer{path};
    if (json.contains(pointer) && json[pointer].is_string()) return json[pointer];
    if (what.empty()) return {};
    throw Error({.what = "the server's answer has no " + std::string{path}, .where = where(what)});
  }

  Http http_;
  ClearmlOptions options_;
  std::string api_, token_, task_, project_;
};

}  // namespace vos
