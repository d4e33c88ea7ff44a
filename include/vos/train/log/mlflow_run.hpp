#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
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
#include <vos/train/log/remote_run.hpp>

namespace vos {

/// Where an MLflow server is, who asks it, and what a run is called there.
struct MlflowOptions {
  std::string server = {};         ///< its tracking URI
  std::string authorization = {};  ///< the header's value; empty: none
  std::string experiment = "vos", name = {};
};

/// A run on an MLflow server, by its REST interface (version 2.0).
///
/// Settings become parameters. Those never change there, so what a resumed run has changed becomes a tag resumed.NAME. Pictures
/// go where the server takes artifacts itself; it may keep them elsewhere, and then there are none.
class MlflowRun final : public RemoteRun {
  using Json = nlohmann::json;

 public:
  MlflowRun(Http http, MlflowOptions options)
      : http_(std::move(http)), options_(std::move(options)), url_(url_from(options_.server, "the address of MLflow")) {
    while (url_.path.ends_with('/')) url_.path.pop_back();
    if (options_.authorization.empty() && !url_.user.empty())
      options_.authorization = basic_authorization(url_.user, url_.password);
    url_.user.clear();
  }

  std::string kind() const override { return "mlflow"; }
  std::string server() const override { return url_.plain(); }
  std::string page() const override { return url_.plain() + "/#/experiments/" + experiment_ + "/runs/" + run_; }

  Opened open(const std::string& id, double time) override {
    if (!id.empty()) {
      const auto found = ask("GET", "runs/get?run_id=" + percent_encoded(id));
      if (!lacks(found)) {
        take(expect_json(found, where("runs/get")));
        return {.id = run_};
      }
    }
    const auto tags = Json::array(
        {{{"key", "mlflow.source.name"}, {"value", "vos-train"}}, {{"key", "mlflow.source.type"}, {"value", "LOCAL"}}});
    take(post("runs/create", {{"experiment_id", experiment()},
                              {"run_name", options_.name},
                              {"start_time", milliseconds(time)},
                              {"tags", tags}}));
    return {.id = run_, .fresh = true};
  }

  void settings(const std::map<std::string, std::string>& now,
                const std::map<std::string, std::string>& before) override {
    post("runs/update", {{"run_id", run_}, {"status", "RUNNING"}});
    Json parameters = Json::array(), tags = Json::array();
    for (const auto& [name, value] : now) {
      const auto was = before.find(name);
      if (was == before.end()) parameters.push_back({{"key", allowed(name)}, {"value", cut(value, 6000)}});
      else if (was->second != value) tags.push_back({{"key", "resumed." + allowed(name)}, {"value", cut(value, 5000)}});
    }
    constexpr std::size_t most = 100;
    for (std::size_t i = 0; i < parameters.size(); i += most) batch("params", slice(parameters, i, most));
    for (std::size_t i = 0; i < tags.size(); i += most) batch("tags", slice(tags, i, most));
  }

  void points(const std::vector<CurvePoint>& points) override {
    Json metrics = Json::array();
    for (const auto& point : points)
      metrics.push_back({{"key", metric_name(point.curve)},
                         {"value", point.value},
                         {"timestamp", milliseconds(point.time)},
                         {"step", point.step}});
    batch("metrics", std::move(metrics));
  }

  /// Named as the server's own page looks for pictures that have a step.
  void picture(const RemotePicture& picture) override {
    constexpr std::string_view proxied = "mlflow-artifacts:";
    if (!artifacts_.starts_with(proxied)) return;
    auto folder = artifacts_.substr(proxied.size());
    if (folder.starts_with("//")) folder.erase(0, std::min(folder.find('/', 2), folder.size()));  // //HOST/PATH
    folder.erase(0, folder.find_first_not_of('/'));
    auto name = allowed(picture.name);
    std::replace(name.begin(), name.end(), '/', '~');
    std::replace(name.begin(), name.end(), ':', '_');
    const auto stamp =
        "+step+" + std::to_string(picture.step) + "+timestamp+" + std::to_string(milliseconds(picture.time));
    // The page reads the picture from one file and its thumbnail from another, and tells them by the last part.
    for (const auto* end : {"+vos.png", "+vos+compressed.webp"})
      expect_done(http_({.method = "PUT",
                         .url = url_.plain() + "/api/2.0/mlflow-artifacts/artifacts/" + folder + "/images/" +
                                percent_encoded(name + stamp + end),
                         .headers = headers("image/png"),
                         .body = {picture.png.begin(), picture.png.end()}}),
                  where("a picture"));
    batch("tags", Json::array({{{"key", "mlflow.loggedImages"}, {"value", "True"}}}));
  }

  void end(double time, const std::string& how) override {
    const auto* status = how == "failed" ? "FAILED" : how == "stopped" ? "KILLED" : "FINISHED";
    post("runs/update", {{"run_id", run_}, {"status", status}, {"end_time", milliseconds(time)}});
    batch("tags", Json::array({{{"key", "vos.end"}, {"value", how}}}));
  }

 private:
  static std::int64_t milliseconds(double time) { return std::llround(time * 1000); }

  /// A name with what MLflow has no place for replaced: J&F is J_F there.
  static std::string allowed(std::string_view name) {
    std::string text{name.substr(0, 250)};
    for (auto& c : text) {
      const auto letter =
          (static_cast<unsigned char>(c) | 0x20U) >= 'a' && (static_cast<unsigned char>(c) | 0x20U) <= 'z';
      if (!letter && !(c >= '0' && c <= '9') && std::string_view{"_-. :/"}.find(c) == std::string_view::npos) c = '_';
    }
    return text;
  }
  /// A server that keeps metrics in files cannot have both loss and loss/NAME.
  static std::string metric_name(const std::string& curve) { return curve == "loss" ? "loss/all" : allowed(curve); }
  static std::string cut(const std::string& text, std::size_t most) { return text.substr(0, most); }
  static Json slice(const Json& list, std::size_t from, std::size_t most) {
    const auto begin = list.begin() + static_cast<std::ptrdiff_t>(from);
    return Json(std::vector<Json>(begin, begin + static_cast<std::ptrdiff_t>(std::min(most, list.size() - from))));
  }

  std::string where(const std::string& what) const { return url_.plain() + ", " + what; }

  std::map<std::string, std::string> headers(const std::string& type) const {
    std::map<std::string, std::string> headers{{"Content-Type", type}};
    if (!options_.authorization.empty()) headers["Authorization"] = options_.authorization;
    return headers;
  }

  HttpResponse ask(const std::string& method, const std::string& what, const Json& body = {}) const {
    return http_({.method = method,
                  .url = url_.plain() + "/api/2.0/mlflow/" + what,
                  .headers = headers("application/json"),
                  .body = body.is_null() ? std::string{} : text_of(body)});
  }
  Json post(const std::string& what, const Json& body) const {
    return expect_json(ask("POST", what, body), where(what));
  }
  void batch(const char* kind, Json list) const { post("runs/log-batch", {{"run_id", run_}, {kind, std::move(list)}}); }

  static std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

  /// The server says that there is no such thing.
  static bool lacks(const HttpResponse& response) { return code_of(response) == "RESOURCE_DOES_NOT_EXIST"; }
  static std::string code_of(const HttpResponse& response) {
    const auto json = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
    return json.is_object() ? json.value("error_code", std::string{}) : std::string{};
  }

  std::string experiment() const {
    const auto by_name = "experiments/get-by-name?experiment_name=" + percent_encoded(options_.experiment);
    auto found = ask("GET", by_name);
    if (lacks(found)) {
      const auto made = ask("POST", "experiments/create", {{"name", options_.experiment}});
      if (code_of(made) != "RESOURCE_ALREADY_EXISTS")  // somebody else made it in this moment
        return text_at(expect_json(made, where("experiments/create")), "/experiment_id");
      found = ask("GET", by_name);
    }
    return text_at(expect_json(found, where("experiments/get-by-name")), "/experiment/experiment_id");
  }

  void take(const Json& answer) {
    run_ = text_at(answer, "/run/info/run_id");
    experiment_ = text_at(answer, "/run/info/experiment_id");
    artifacts_ = text_at(answer, "/run/info/artifact_uri");
  }

  std::string text_at(const Json& json, const char* path) const {
    const Json::json_pointer pointer{path};
    if (json.contains(pointer) && json[pointer].is_string()) return json[pointer];
    throw Error({.what = "the server's answer has no " + std::string{path}, .where = where("MLflow")});
  }

  Http http_;
  MlflowOptions options_;
  Url url_;
  std::string run_, experiment_, artifacts_;
};

}  // namespace vos
