#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/version.hpp>

#include "common/common_options.hpp"

namespace vos::tool {

/// The tool's command, if the words begin with one, taken off them; else empty.
inline std::string take_command(std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with("-")) return {};
  auto command = std::move(words.front());
  words.erase(words.begin());
  return command;
}

/// As many as --threads says; 0: one for each core.
inline std::size_t thread_count(std::int64_t given) {
  return given > 0 ? static_cast<std::size_t>(given) : std::max(1U, std::thread::hardware_concurrency());
}

/// A tool's command line: CLI11's parser, our messages. Options that must be given are checked by the tool after
/// `parse`, so that a misspelt one is reported as misspelt and not as missing.
class CommandLine {
 public:
  CommandLine(std::string name, std::string summary, CommonOptions& common)
      : name_(std::move(name)), summary_(std::move(summary)), common_(common) {
    app_.set_help_flag();
    app_.allow_extras();
  }

  /// An option with a value, in the group of the help text that was begun last. Several values: end `type` in "...".
  template <class Value>
  CLI::Option* option(const char* names, Value& value, const char* type, const char* meaning) {
    return app_.add_option(names, value, meaning)->group(group_)->type_name(type);
  }
  void flag(const char* names, bool& value, const char* meaning) {
    app_.add_flag(names, value, meaning)->group(group_)->type_name("");
  }
  void group(std::string title) { group_ = std::move(title); }
  /// Lets --json take a FILE. Not every tool's may: it would swallow a word that stands behind it on its own.
  void json_to_file() { json_to_file_ = true; }
  /// What stands at the top of the help text behind "usage: NAME", and at its end.
  void usage_line(std::string text) { usage_ = std::move(text); }
  void footer(std::string text) { footer_ = std::move(text); }

  /// Fills the options that were added. Gives the text to print instead of running: help or version, else nothing.
  std::string parse(std::vector<std::string> words) {
    bool wants_help = false, wants_version = false;
    group("General");
    if (json_to_file_) {
      option("--json", common_.json_file, "[FILE]", "write the report as JSON: to FILE, or alone on stdout")
          ->expected(0, 1)
          ->default_str(to_stdout);
    } else {
      flag("--json", common_.json, "print one JSON object on stdout, see docs/tools.md");
    }
    flag("-q,--quiet", common_.quiet, "say nothing but warnings and errors");
    flag("-v,--verbose", common_.verbose, "say more");
    flag("--version", wants_version, "print the version");
    flag("-h,--help", wants_help, "print this help");
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
      app_.parse(words);
    } catch (const CLI::ParseError& e) {
      throw usage(e.what());
    }
    if (common_.json_file == to_stdout) {
      common_.json = true;
      common_.json_file.clear();
    }
    if (wants_help) return help();
    if (wants_version) return name_ + " " + vos::version + "\n";
    refuse_unknown();
    return {};
  }

  Error usage(std::string what, std::string mend = {}) const {
    return Error({.what = std::move(what),
                  .where = "command line",
                  .mend = mend.empty() ? name_ + " --help lists the options" : std::move(mend),
                  .exit_code = exit_code::usage});
  }

 private:
  static constexpr const char* to_stdout = "-";

  /// A line or more for each option, by group, no line longer than 110 letters.
  std::string help() const {
    constexpr std::size_t column = 29, width = 110;
    std::string text = summary_ + "\n\nUsage: " + name_ + " " + usage_ + "\n", title;
    for (const auto* option : app_.get_options()) {
      if (option->get_group().empty()) continue;  // hidden, as CLI11 has it
      if (option->get_group() != title) text += "\n" + (title = option->get_group()) + ":\n";
      auto line = "  " + option->get_name(false, true) + " " + option->get_type_name();
      line.resize(std::max(line.size() + 1, column), ' ');
      for (const auto& word : split(option->get_description(), ' ')) {
        if (line.size() + word.size() > width) {
          text += line + '\n';
          line.assign(column - 1, ' ');
        }
        line += (line.ends_with(' ') && line.size() == column ? "" : " ") + word;
      }
      text += line + '\n';
    }
    return text + '\n' + footer_;
  }

  void refuse_unknown() const {
    const auto extras = app_.remaining();
    if (extras.empty()) return;
    const auto option =
        std::find_if(extras.begin(), extras.end(), [](const auto& word) { return word.starts_with("-"); });
    if (option == extras.end()) throw usage("'" + extras.front() + "' belongs to no option");
    std::vector<std::string> known;
    for (const auto* each : app_.get_options())
      for (const auto& name : each->get_lnames()) known.push_back("--" + name);
    const auto name = option->substr(0, option->find('='));
    throw usage("there is no option '" + name + "'" + did_you_mean(name, known));
  }

  CLI::App app_;
  std::string name_, summary_, group_, usage_ = "[OPTIONS]", footer_;
  bool json_to_file_ = false;
  CommonOptions& common_;
};

}  // namespace vos::tool
