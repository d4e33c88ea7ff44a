#pragma once

#include <algorithm>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include <vos/serve/service.hpp>
#include <vos/serve/session_table.hpp>

namespace vos::serve {

/// What /api/ answers: docs/openapi.yaml says it in full.
class SessionApi {
 public:
  using Entry = SessionEntry;

  SessionApi(SessionTable& table, const SessionOptions& options) : table_(table), options_(options) {}

  /// `open`: new sessions are taken.
  void request(ApiRequest& request, const std::function<void(ApiReply)>& answer, bool open) {
    try {
      if (!open && request.method == "POST") throw server_stops();
      route(request, answer);
    } catch (const Error& error) {
      answer(refusal(error));
    } catch (const std::exception& e) {
      if (options_.log) options_.log("a request failed", {{"path", printable(request.path)}, {"reason", e.what()}});
      answer(refusal(Refused("failed", {.what = "the server could not do this", .mend = "its log says more"})));
    }
    if (std::error_code ignored; !request.upload.empty()) std::filesystem::remove(request.upload, ignored);
  }

  /// An error as JSON, with the status that says most of it.
  static ApiReply refusal(const Error& error) {
    static const std::map<std::string, int> statuses{{"no_session", 404},  {"no_file", 404},   {"no_path", 404},
                                                     {"method", 405},      {"full", 503},      {"stopping", 503},
                                                     {"bad_request", 400}, {"no_source", 400}, {"session_failed", 422},
                                                     {"no_model", 400},    {"failed", 500}};
    const auto code = code_of(error);
    const auto found = statuses.find(code);
    const auto notice = notice_of(error);
    return {.status = found != statuses.end() ? found->second : 422,
            .body = {{"error", {{"code", code}, {"what", notice.what}, {"mend", notice.mend}}}}};
  }

 private:
  void route(ApiRequest& request, const std::function<void(ApiReply)>& answer) {
    const auto parts = split(request.path, '/');
    const auto method = [&](std::initializer_list<const char*> allowed) {
      if (std::none_of(allowed.begin(), allowed.end(), [&](const char* one) { return request.method == one; }))
        refuse(request.method + " is not for this address", "the request", "see docs/server.md", "method");
    };
    if (parts.size() == 1 && parts[0] == "server") {
      method({"GET"});
      return answer({.body = about()});
    }
    if (parts[0] != "sessions" || parts.size() == 3 || parts.size() > 4 || (parts.size() == 4 && parts[2] != "exports"))
      refuse("there is nothing at this address", "the request", "see docs/server.md", "no_path");
    if (parts.size() == 1) {
      method({"GET", "POST"});
      if (request.method == "POST") return create_by(request, answer);
      auto all = nlohmann::ordered_json::array();
      for (const auto& [id, entry] : table_.all()) all.push_back(about(*entry));
      return answer({.body = {{"sessions", std::move(all)}}});
    }
    const auto entry = table_.find(parts[1]);
    if (!entry) throw no_session();
    if (parts.size() == 4) {
      method({"GET"});
      return answer(exported(*entry, parts[3]));
    }
    method({"GET", "DELETE"});
    if (request.method == "GET") {
      auto body = about(*entry);
      body["watch"] = entry->record.watch;
      return answer({.body = std::move(body)});
    }
    table_.forget(entry, Refused("ended", {.what = "the session was ended by its owner"}),
                  [answer] { answer({.status = 200, .body = {{"ended", true}}}); });
  }

  void create_by(ApiRequest& request, const std::function<void(ApiReply)>& answer) {
    SessionRecord record;
    const auto text = [](const nlohmann::json& from, const char* key) -> std::string {
      const auto found = from.find(key);
      if (found == from.end()) return {};
      if (!found->is_string() || found->get_ref<const std::string&>().size() > longest_name)
        refuse("a value that is no short text", key, "send text");
      return *found;
    };
    if (!request.upload.empty()) {
      record.source = "upload";
      record.name = printable(std::filesystem::path{request.upload_name}.filename().string(), longest_name);
      if (record.name.empty()) record.name = "clip";
      if (const auto model = request.query.find("model"); model != request.query.end()) record.model = model->second;
    } else {
      if (!request.body.is_object())
        refuse("a request without a JSON object", "the body", R"(send {"source": "input"}, or a file)");
      record.source = text(request.body, "source");
      record.model = text(request.body, "model");
      if (record.source.empty())
        refuse("a request without a source", "source", R"("input", "sample:NAME" or "camera")");
      if (record.source == "upload") refuse("an upload without a file", "source", "send the file as the body");
      if (const auto settings = request.body.find("settings"); settings != request.body.end()) {
        if (!settings->is_object() || settings->size() > most_settings)
          refuse("settings that are no object of at most " + std::to_string(most_settings), "settings",
                 "send {\"key\": \"value\"}");
        for (const auto& [key, value] : settings->items()) {
          if (value.is_structured())
            refuse("a setting that is no text, number or truth value", "settings", "send {\"key\": \"value\"}");
          auto shown = value.is_string() ? value.get<std::string>() : value.dump();
          if (key.size() > longest_name || shown.size() > longest_name)
            refuse("a setting that is too long", "settings", "at most " + std::to_string(longest_name) + " bytes");
          record.settings[key] = std::move(shown);
        }
      }
    }
    const auto entry = table_.create(std::move(record), request.upload);
    request.upload.clear();
    table_.open(entry, [entry, answer](const std::exception_ptr& thrown) {
      if (thrown) return answer(refusal(*error_of(thrown)));
      answer(
          {.status = 201,
           .body = {{"session", entry->record.id}, {"resume", entry->record.resume}, {"watch", entry->record.watch}}});
    });
  }

  ApiReply exported(const Entry& entry, const std::string& name) const {
    const auto file = entry.folder.exports() / name;
    std::error_code code;
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos ||
        !std::filesystem::is_regular_file(file, code) || std::filesystem::is_symlink(file, code))
      throw Refused("no_file", {.what = "there is no such export", .mend = "export again; only the last few are kept"});
    static const std::map<std::string, std::string> types{
        {".zip", "application/zip"}, {".json", "application/json"}, {".mp4", "video/mp4"}};
    const auto type = types.find(file.extension().string());
    return {.file = file,
            .file_name = name,
            .content_type = type != types.end() ? type->second : "application/octet-stream"};
  }

  nlohmann::ordered_json about() const {
    auto models = nlohmann::ordered_json::array(), samples = nlohmann::ordered_json::array();
    for (const auto& model : options_.models)
      models.push_back({{"name", model.name},
                        {"detects", model.detects},
                        {"takes_prompts", model.takes_prompts},
                        {"summary", model.summary}});
    for (const auto& sample : options_.samples) samples.push_back({{"name", sample.name}, {"title", sample.title}});
    return {{"version", options_.version},
            {"models", std::move(models)},
            {"model", options_.project.model},
            {"samples", std::move(samples)},
            {"input", options_.input.empty() ? nlohmann::ordered_json{} : nlohmann::ordered_json(options_.input_name)},
            {"limits",
             {{"upload", options_.upload_bytes},
              {"pixels", options_.project.max_pixels},
              {"sessions", options_.most_sessions},
              {"message", wire::largest_message}}}};
  }

  static nlohmann::ordered_json about(const Entry& entry) {
    nlohmann::ordered_json body{
        {"session", entry.record.id}, {"source", entry.record.source}, {"awake", static_cast<bool>(entry.session)}};
    if (!entry.session || !entry.session->is_open()) {
      body["name"] = entry.record.name;
      return body;
    }
    const auto& info = entry.session->info();
    body["name"] = info.name;
    body["model"] = info.model;
    body["width"] = info.width;
    body["height"] = info.height;
    body["frames"] = info.frames;
    body["live"] = info.live;
    body["viewers"] = entry.session->audience().guests().size();
    body["owned"] = static_cast<bool>(entry.session->audience().owner());
    body["bytes"] = entry.session->memory();
    return body;
  }

  SessionTable& table_;
  const SessionOptions& options_;
};

}  // namespace vos::serve
