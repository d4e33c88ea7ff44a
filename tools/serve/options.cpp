#include "options.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <vos/serve/state_folder.hpp>
#include <vos/version.hpp>

#include "layers.hpp"

namespace vos::serve {
namespace {

constexpr const char* footer = R"(Examples:
  vos-serve --open
  vos-serve --input clip.mp4
  vos-serve --input camera:0 --max-sessions 1
  vos-serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --origin https://lab.example

It prints a link with a token: whoever has it may use the server. Each option may also stand in the environment, as
VOS_SERVE_PORT=8765, or in the file of --config, as port = 8765. Ctrl-C or SIGTERM: no new sessions, what was asked for is
finished, exit code 0; a second one ends it at once. docs/server.md tells all.
)";

const std::vector<LayeredOption>& layered() {
  using enum LayeredOption::Kind;
  static const std::vector<LayeredOption> options{{"model"},
                                                  {"weights"},
                                                  {"set", list},
                                                  {"input"},
                                                  {"max-size"},
                                                  {"record"},
                                                  {"host"},
                                                  {"port"},
                                                  {"token"},
                                                  {"origin", list},
                                                  {"allow-host", list},
                                                  {"public-without-token", flag},
                                                  {"tls-cert"},
                                                  {"tls-key"},
                                                  {"web-root"},
                                                  {"max-sessions"},
                                                  {"max-upload"},
                                                  {"max-pixels"},
                                                  {"max-connections"},
                                                  {"memory"},
                                                  {"idle-timeout"},
                                                  {"drain-timeout"},
                                                  {"state"},
                                                  {"config"},
                                                  {"log"},
                                                  {"open", flag},
                                                  {"quiet", flag},
                                                  {"verbose", flag}};
  return options;
}

}  // namespace

std::uint64_t bytes_from(const std::string& text, const std::string& where) {
  auto digits = text;
  int shift = 0;
  if (!digits.empty()) {
    const auto unit =
        std::string_view{"KMGT"}.find(static_cast<char>(std::toupper(static_cast<unsigned char>(digits.back()))));
    if (unit != std::string_view::npos) {
      shift = 10 * static_cast<int>(unit + 1);
      digits.pop_back();
    }
  }
  const auto number = number_from<std::uint64_t>(digits);
  if (!number || *number == 0 || *number > (std::uint64_t{1} << 60) >> shift)
    throw Error({.what = "'" + printable(text) + "' is no size",
                 .where = where,
                 .mend = "write bytes, or 512M, 2G",
                 .exit_code = exit_code::usage});
  return *number << shift;
}

Options parse(const std::vector<std::string>& words) {
  Options options;
  auto& server = options.server;
  auto& sessions = options.sessions;
  tool::CommandLine line(
      "vos-serve", "Serves video object segmentation: people at browsers, and programs, mark objects and get masks.",
      options.common);
  line.usage_line("[OPTIONS]");
  std::string weights, record, certificate, key, web_root, state, config, log = "text", upload = "2G", memory = "512M";
  std::vector<std::string> settings;
  std::int64_t port = server.port, most_sessions = static_cast<std::int64_t>(sessions.most_sessions),
               connections = static_cast<std::int64_t>(server.connections);

  line.group("What is served");
  line.option("--model", sessions.project.model, "NAME", "the model that sessions begin with (default: flow)");
  line.option("--weights", weights, "FILE", "its weights");
  line.option("--set", settings, "KEY=VALUE...", "its options; vos-infer --list-models --verbose tells them");
  line.option("-i,--input", sessions.input, "INPUT",
              "a video of the server's own: clip.mp4, a folder, camera:0, rtsp://..., synthetic:crowd. A live one is "
              "shared by all who come");
  line.option("--max-size", sessions.project.max_size, "PIXELS", "shrink frames to this longer side");
  line.option("--record", record, "DIR",
              "leave the results of each session here when it ends: PNG zip, RLE JSON, session file");
  line.flag("--open", options.open_page, "open the page in a browser");

  line.group("Who may come in");
  line.option("--host", server.host, "ADDRESS", "where to listen (default: 127.0.0.1, this machine alone)");
  line.option("--port", port, "N", "at which port; 0: any that is free (default: 8765)");
  line.option("--token", server.token, "auto|none|TEXT",
              "what people must know (default: auto, made once and kept in the state folder)");
  line.option("--origin", server.origins, "URL...", "pages from elsewhere that may use this server");
  line.option("--allow-host", server.hosts, "NAME...", "further names by which browsers may ask for it");
  line.flag("--public-without-token", server.public_without_token,
            "said besides --token none where other machines can reach it");
  line.option("--tls-cert", certificate, "FILE", "certificate chain (PEM): HTTPS alone");
  line.option("--tls-key", key, "FILE", "its key (PEM)");

  line.group("Limits");
  line.option("--max-sessions", most_sessions, "N",
              "sessions at work at one time (default: 8); those left alone sleep on disk");
  line.option("--max-upload", upload, "BYTES", "of a file, as in 2G (the default)");
  line.option("--max-pixels", sessions.project.max_pixels, "N", "of a frame (default: 16777216)");
  line.option("--max-connections", connections, "N", "at one time (default: 1024)");
  line.option("--memory", memory, "BYTES",
              "of each session, for pictures, results and what the model goes back to (default: 512M)");
  line.option(
      "--idle-timeout", sessions.idle_seconds, "SECONDS",
      "a session that nobody is connected to for so long is deleted, with its upload; 0: never (default: 1800)");
  line.option("--drain-timeout", sessions.drain_seconds, "SECONDS",
              "what is going on when the server is stopped may take so long (default: 10)");

  line.group("Where things lie");
  line.option("--state", state, "DIR",
              "token, uploads and sessions, which outlive a restart (default: $XDG_STATE_HOME/vos-serve or "
              "~/.local/state/vos-serve)");
  line.option("--web-root", web_root, "DIR", "the page's files from here instead of those built in");
  line.option("--config", config, "FILE", "options as TOML");
  line.option("--log", log, "text|json", "how to report on the error stream (default: text)");
  line.footer(footer);

  if (options.text = line.parse(with_layers(words, layered())); !options.text.empty()) {
    options.action = Options::Action::print;
    return options;
  }
  const auto refuse = [&](const std::string& what, const std::string& mend = {}) { throw line.usage(what, mend); };
  if (port < 0 || port > 65535) refuse("--port " + std::to_string(port) + " is no port", "0 to 65535");
  if (most_sessions < 1 || most_sessions > 10'000)
    refuse("--max-sessions " + std::to_string(most_sessions), "1 to 10000");
  if (connections < 1 || connections > 1'000'000)
    refuse("--max-connections " + std::to_string(connections), "1 to 1000000");
  if (sessions.project.max_size < 0) refuse("--max-size " + std::to_string(sessions.project.max_size) + " is negative");
  if (sessions.project.max_pixels < 1)
    refuse("--max-pixels " + std::to_string(sessions.project.max_pixels) + " is no size of a frame");
  for (const auto seconds : {sessions.idle_seconds, sessions.drain_seconds})
    if (!(seconds >= 0 && seconds < 1e9)) refuse("a timeout of " + std::to_string(seconds) + " seconds");
  if (log != "text" && log != "json") refuse("--log " + printable(log), "text or json");
  if (certificate.empty() != key.empty()) refuse("TLS needs both --tls-cert and --tls-key");
  for (const auto& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) refuse("'" + printable(setting) + "' is not KEY=VALUE");
    sessions.project.settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  server.port = static_cast<std::uint16_t>(port);
  server.connections = static_cast<std::size_t>(connections);
  server.http.upload = bytes_from(upload, "--max-upload");
  server.tls_certificate = certificate;
  server.tls_key = key;
  server.web_root = web_root;
  server.state = std::filesystem::absolute(state.empty() ? StateFolder::usual() : std::filesystem::path{state});
  server.uploads = server.state / "uploads";
  const auto share = bytes_from(memory, "--memory") / 8;
  sessions.project.weights = weights;
  sessions.project.picture_bytes = 2 * share;
  sessions.project.result_bytes = 2 * share;
  sessions.project.moment_bytes = 3 * share;
  sessions.store_bytes = share;
  sessions.most_sessions = static_cast<std::size_t>(most_sessions);
  sessions.upload_bytes = server.http.upload;
  sessions.record = record;
  sessions.version = version;
  if (!sessions.input.empty()) {
    // A name that people may see: of a path the last part, of an address no more than its kind.
    const auto scheme = sessions.input.find("://");
    sessions.input_name = scheme != std::string::npos ? sessions.input.substr(0, scheme)
                          : sessions.input.starts_with("synthetic:") || sessions.input.starts_with("camera:")
                              ? sessions.input
                              : std::filesystem::path{sessions.input}.filename().string();
    if (sessions.input_name.empty()) sessions.input_name = "input";
  }
  options.json_log = log == "json";
  return options;
}

}  // namespace vos::serve
