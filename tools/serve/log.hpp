#pragma once

#include <chrono>
#include <ctime>
#include <map>
#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include <vos/core/text.hpp>

namespace vos::serve {

/// What happens, a line each: for people, or as JSON for programs.
class Log {
 public:
  using Fields = std::map<std::string, std::string>;

  Log(std::ostream& out, bool json, bool quiet) : out_(out), json_(json), quiet_(quiet) {}

  void operator()(const std::string& what, const Fields& fields = {}) const {
    if (quiet_) return;
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    gmtime_r(&now, &parts);
    char time[32];
    std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (json_) {
      nlohmann::ordered_json line{{"time", time}, {"event", what}};
      for (const auto& [key, value] : fields) line[key] = value;
      out_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
      return;
    }
    out_ << time << "  " << what;
    for (const auto& [key, value] : fields)
      if (!value.empty()) out_ << "  " << key << ": " << printable(value);
    out_ << std::endl;
  }

 private:
  std::ostream& out_;
  bool json_, quiet_;
};

}  // namespace vos::serve
