#include "serve/options.hpp"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "../refusal.hpp"
#include "../test.hpp"

namespace {

using vos::serve::parse;
using vos::test::Folder;

/// A variable of the environment for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

vos::Error::Parts refusal(const std::vector<std::string>& words) {
  return vos::test::refused([&] { parse(words); }).parts();
}

}  // namespace

TEST_SUITE("tools") {
  TEST_CASE("vos-serve: options come from the command line, then the environment, then a file") {
    const Folder folder;
    const auto config = (folder / "serve.toml").string();
    std::ofstream{config} << "port = 9001\nmax-sessions = 3\nmax_upload = \"5M\"\norigin = [\"https://a.example\", "
                             "\"https://b.example\"]\nopen = true\n";
    const Variable state{"VOS_SERVE_STATE", folder.path().string()}, file{"VOS_SERVE_CONFIG", config},
        port{"VOS_SERVE_PORT", "9002"}, sessions{"VOS_SERVE_MAX_SESSIONS", "4"}, open{"VOS_SERVE_OPEN", "no"};
    const auto options = parse({"--port", "9003"});
    CHECK(options.server.port == 9003);
    CHECK(options.sessions.most_sessions == 4);
    CHECK(options.server.http.upload == 5 << 20);
    CHECK(options.sessions.upload_bytes == 5 << 20);
    CHECK(options.server.origins == std::vector<std::string>{"https://a.example", "https://b.example"});
    CHECK_FALSE(options.open_page);
    CHECK(options.server.state == folder.path());
    CHECK(options.server.uploads == folder.path() / "uploads");
  }

  TEST_CASE("vos-serve: what cannot be right is refused with words that help") {
    const Folder folder;
    const auto config = (folder / "serve.toml").string();
    std::ofstream{config} << "prot = 9001\n";
    CHECK(refusal({"--config", config}).what == "there is no option 'prot'; did you mean 'port'?");
    std::ofstream{config} << "port = = 3\n";
    CHECK(refusal({"--config", config}).where.ends_with("serve.toml, line 1"));
    for (const auto& words : std::vector<std::vector<std::string>>{{"--port", "70000"},
                                                                   {"--max-sessions", "0"},
                                                                   {"--max-upload", "much"},
                                                                   {"--max-upload", "99999999T"},
                                                                   {"--tls-cert", "x.pem"},
                                                                   {"--log", "xml"},
                                                                   {"--idle-timeout", "-1"},
                                                                   {"--set", "novalue"},
                                                                   {"--max-pixels", "0"},
                                                                   {"--prot", "1"}})
      CHECK(refusal(words).what != "not refused");
    const Variable open{"VOS_SERVE_OPEN", "perhaps"};
    CHECK(refusal({}).where == "VOS_SERVE_OPEN");
  }

  TEST_CASE("vos-serve: people see no path of the input") {
    CHECK(parse({"--input", "/home/me/secret/clip.mp4"}).sessions.input_name == "clip.mp4");
    CHECK(parse({"--input", "rtsp://user:word@camera/1"}).sessions.input_name == "rtsp");
    CHECK(parse({"--input", "synthetic:crowd"}).sessions.input_name == "synthetic:crowd");
  }
}
