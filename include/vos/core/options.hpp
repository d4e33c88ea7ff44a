#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

/// An options struct that can name its fields. Help texts, `key=value` and configuration files are made from this list,
/// so that they cannot disagree with the struct:
///
///   struct FlowOptions {
///     double band = 10;
///     void visit(auto&& field) { field("band", band, "half width of the repair band, pixels"); }
///   };
template <class Options>
concept DescribedOptions =
    requires(Options& options) { options.visit([](std::string_view, auto&, std::string_view) {}); };

struct OptionInfo {
  std::string key, value, meaning;
};

namespace detail {

template <class Value>
std::string option_text(const Value& value) {
  if constexpr (std::same_as<Value, bool>) return value ? "true" : "false";
  else if constexpr (std::convertible_to<Value, std::string_view>) return std::string{std::string_view{value}};
  else if constexpr (std::floating_point<Value>) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    return {buffer, end};
  } else return std::to_string(value);
}

template <class Value>
bool assign_text(Value& value, std::string_view text) {
  if constexpr (std::same_as<Value, bool>) {
    const auto word = lower_case(text);
    const bool yes = word == "true" || word == "1" || word == "yes" || word == "on";
    const bool no = word == "false" || word == "0" || word == "no" || word == "off";
    if (yes || no) value = yes;
    return yes || no;
  } else if constexpr (std::same_as<Value, std::string>) {
    value = text;
    return true;
  } else {
    const auto number = number_from<Value>(text);
    if constexpr (std::floating_point<Value>)
      if (number && !std::isfinite(*number)) return false;
    if (number) value = *number;
    return number.has_value();
  }
}

template <class Value>
constexpr std::string_view kind_of() {
  if constexpr (std::same_as<Value, bool>) return "true or false";
  else if constexpr (std::integral<Value>) return "a whole number";
  else if constexpr (std::floating_point<Value>) return "a number";
  else return "text";
}

}  // namespace detail

/// Every option with its present value and its meaning, in the struct's order.
template <DescribedOptions Options>
std::vector<OptionInfo> describe_options(Options options = {}) {
  std::vector<OptionInfo> list;
  options.visit([&](std::string_view key, auto& value, std::string_view meaning) {
    list.push_back({std::string{key}, detail::option_text(value), std::string{meaning}});
  });
  return list;
}

/// Sets one option from text. An unknown key or a value of the wrong kind is an Error that says what would be right.
template <DescribedOptions Options>
void set_option(Options& options, std::string_view key, std::string_view text, const std::string& where = {}) {
  bool found = false;
  std::vector<std::string> keys;
  options.visit([&](std::string_view name, auto& value, std::string_view) {
    using Value = std::remove_cvref_t<decltype(value)>;
    keys.emplace_back(name);
    if (name != key) return;
    found = true;
    if (!detail::assign_text(value, text))
      throw Error({.what = "'" + std::string{text} + "' is not " + std::string{detail::kind_of<Value>()},
                   .where = where + (where.empty() ? "" : ", ") + "option '" + std::string{key} + "'",
                   .mend = "it is now " + detail::option_text(value)});
  });
  if (!found)
    throw Error({.what = "there is no option '" + std::string{key} + "'" + did_you_mean(key, keys),
                 .where = where,
                 .mend = "known options: " + join(keys, ", ")});
}

}  // namespace vos
