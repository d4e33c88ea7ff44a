#include "config.hpp"

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string_view>
#include <utility>

#include <toml++/toml.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos::train {
namespace {

std::string place_of(const std::filesystem::path& path, const toml::source_region& at) {
  return path.string() + ", line " + std::to_string(at.begin.line);
}

std::string text_of(const toml::node& node, const std::filesystem::path& path) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return std::to_string(whole->get());
  if (const auto* number = node.as_floating_point()) return detail::option_text(number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* list = node.as_array()) {
    std::vector<std::string> parts;
    for (const auto& each : *list) parts.push_back(text_of(each, path));
    return join(parts, ",");
  }
  throw Error({.what = "a value that is neither text nor number, truth or list of these",
               .where = place_of(path, node.source()),
               .mend = "write dates as text, in quotes",
               .exit_code = exit_code::usage});
}

void take(const toml::table& table, const std::string& prefix, const std::filesystem::path& path, Settings& settings) {
  for (const auto& [key, node] : table) {
    const auto name = prefix + std::string{key.str()};
    if (const auto* section = node.as_table()) take(*section, name + ".", path, settings);
    else settings[name] = text_of(node, path);
  }
}

/// Whether a value may stand without quotes and is read back as the same text.
bool is_plain(const std::string& text) {
  if (text == "true" || text == "false") return true;
  if (const auto whole = number_from<std::int64_t>(text)) return std::to_string(*whole) == text;
  const auto number = number_from<double>(text);  // a whole one beyond 63 bits is none of TOML's
  return number && std::isfinite(*number) && text.find_first_of(".e") != std::string::npos &&
         detail::option_text(*number) == text;
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>{text};
  return out.str();
}

}  // namespace

Settings read_config(const std::filesystem::path& path) {
  const auto text = read_text(path);
  Settings settings;
  try {
    take(toml::parse(text, path.string()), "", path, settings);
  } catch (const toml::parse_error& error) {
    throw Error({.what = "this is not TOML: " + std::string{error.description()},
                 .where = place_of(path, error.source()),
                 .mend = "a line is key = value, and texts stand in quotes",
                 .exit_code = exit_code::usage});
  }
  return settings;
}

std::pair<std::string, std::string> setting_of(const std::string& word) {
  const auto equals = word.find('=');
  return {word.substr(0, equals), word.substr(equals + 1)};
}

std::string config_text(const std::string& model, const std::vector<OptionInfo>& options) {
  std::string text =
      "# Everything that this run was told, and what it took for granted.\n\npreset = " + quoted(model) + "\n";
  std::string section;
  for (const auto& option : options) {
    const auto dot = option.key.find('.');  // one level: criterion.assign is a value and has others below it
    const auto in = dot == std::string::npos ? std::string{} : option.key.substr(0, dot);
    if (in != section) text += "\n[" + (section = in) + "]\n";
    const auto name = option.key.substr(dot + 1);  // npos + 1 is 0
    text += "# " + option.meaning + "\n" + (name.find('.') == std::string::npos ? name : quoted(name)) + " = " +
            (is_plain(option.value) ? option.value : quoted(option.value)) + "\n";
  }
  return text;
}

}  // namespace vos::train
