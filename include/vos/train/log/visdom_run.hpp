#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/html.hpp>
#include <vos/net/http.hpp>
#include <vos/net/url.hpp>
#include <vos/train/log/remote_run.hpp>

namespace vos {

struct VisdomOptions {
  std::string server = "http://localhost:8097";
  std::string name = {};  ///< of the environment that the run's windows are in
};

/// A run on a Visdom server: an environment with a window for each group of curves, one for each picture, and two of text.
/// The server keeps environments in memory and is told to save this one at the end.
class VisdomRun final : public RemoteRun {
  using Json = nlohmann::json;

 public:
  VisdomRun(Http http, VisdomOptions options)
      : http_(std::move(http)), options_(std::move(options)), url_(url_from(options_.server, "the address of Visdom")) {
    while (url_.path.ends_with('/')) url_.path.pop_back();
    if (!url_.user.empty()) authorization_ = basic_authorization(url_.user, url_.password);
  }

  std::string kind() const override { return "visdom"; }
  std::string server() const override { return url_.plain(); }
  std::string page() const override { return url_.plain() + "/env/" + percent_encoded(environment_); }

  Opened open(const std::string& id, double time) override {
    const auto there = expect_json(post("env_state", Json::object()), where("env_state"));
    const auto has = [&](const std::string& name) {
      return std::find(there.begin(), there.end(), name) != there.end();
    };
    if (!id.empty() && has(id)) {
      environment_ = id;
      return {.id = id};
    }
    // Another run of that name keeps its windows.
    const auto name = plain(options_.name);
    environment_ = has(name) ? name + "_" + std::to_string(static_cast<std::int64_t>(time)) : name;
    text("about", "vos-train: " + html_escape(options_.name));
    return {.id = environment_, .fresh = true};
  }

  void settings(const std::map<std::string, std::string>& now,
                const std::map<std::string, std::string>& before) override {
    std::string rows;
    for (const auto& [name, value] : now) {
      const auto was = before.find(name);
      rows +=
          "<tr><td>" + html_escape(name) + "</td><td>" + html_escape(value) +
          (was != before.end() && was->second != value ? " (was " + html_escape(was->second) + ")" : std::string{}) +
          "</td></tr>";
    }
    text("settings", "<table>" + rows + "</table>");
  }

  /// One line at a time, since lines that an update does not name lose their points.
  void points(const std::vector<CurvePoint>& points) override {
    std::map<std::string, std::pair<Json, Json>> lines;
    for (const auto& point : points) {
      auto& [x, y] = lines[point.curve];
      x.push_back(point.step);
      y.push_back(point.value);
    }
    for (const auto& [curve, line] : lines) {
      const auto slash = curve.find('/');
      const auto window = curve.substr(0, slash), name = slash == std::string::npos ? "all" : curve.substr(slash + 1);
      const Json trace{{"x", line.first}, {"y", line.second}, {"name", name}, {"type", "scatter"}, {"mode", "lines"}};
      const Json layout{{"title", window}, {"xaxis", {{"title", "step"}}}, {"showlegend", true}};
      done("update", {{"win", window},
                      {"eid", environment_},
                      {"name", name},
                      {"append", true},
                      {"data", Json::array({trace})},
                      {"layout", layout},
                      {"opts", {{"title", window}}}});
    }
  }

  /// The newest takes the place of the one before it.
  void picture(const RemotePicture& picture) override {
    const Json content{{"src", data_url("png", picture.png)}, {"caption", "step " + std::to_string(picture.step)}};
    window("picture " + picture.name, picture.name, {{"content", content}, {"type", "image"}});
  }

  void message(double, const std::string& text) override {
    Json body = window_of("messages", "messages", {{"content", html_escape(text)}, {"type", "text"}});
    body["append"] = true;
    done("update", body);
  }

  void end(double, const std::string& how) override {
    text("about", "vos-train: " + html_escape(options_.name) + ", " + html_escape(how));
    done("save", {{"data", {environment_}}});
  }

 private:
  /// The server makes paths of names.
  static std::string plain(std::string name) {
    for (auto& c : name)
      if (std::string_view{"/\\ "}.find(c) != std::string_view::npos) c = '_';
    return name;
  }

  Json window_of(const std::string& id, const std::string& title, const Json& data) const {
    return {{"win", id},
            {"eid", environment_},
            {"data", Json::array({data})},
            {"layout", Json::object()},
            {"opts", {{"title", title}}}};
  }
  void window(const std::string& id, const std::string& title, const Json& data) const {
    done("events", window_of(id, title, data));
  }
  void text(const std::string& id, const std::string& html) const {
    window(id, id, {{"content", html}, {"type", "text"}});
  }

  HttpResponse post(const std::string& what, const Json& body) const {
    std::map<std::string, std::string> headers{{"Content-Type", "application/json"}};
    if (!authorization_.empty()) headers["Authorization"] = authorization_;
    return http_({.method = "POST",
                  .url = url_.plain() + "/" + what,
                  .headers = headers,
                  .body = body.dump(-1, ' ', false, Json::error_handler_t::replace)});
  }
  void done(const std::string& what, const Json& body) const { expect_done(post(what, body), where(what)); }
  std::string where(const std::string& what) const { return url_.plain() + ", " + what; }

  Http http_;
  VisdomOptions options_;
  Url url_;
  std::string authorization_, environment_;
};

}  // namespace vos
