#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace vos::web {

/// Writes JSON for the page's script, field by field. What is written once a frame goes as bytes instead.
class JsonText {
 public:
  JsonText& open(char bracket, std::string_view name = {}) {
    begin(name);
    text_ += bracket;
    first_ = true;
    return *this;
  }
  JsonText& close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  JsonText& add(std::string_view name, std::string_view value) {
    begin(name);
    quote(value);
    return *this;
  }
  JsonText& add(std::string_view name, const char* value) { return add(name, std::string_view{value}); }
  JsonText& add(std::string_view name, std::same_as<bool> auto value) { return raw(name, value ? "true" : "false"); }
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  JsonText& add(std::string_view name, Number value) {
    return raw(name, std::to_string(value));
  }
  JsonText& add(std::string_view name, double value) {
    if (!std::isfinite(value)) return raw(name, "null");  // JSON knows neither
    char digits[32];
    const auto end = std::snprintf(digits, sizeof digits, "%.9g", value);
    return raw(name, {digits, static_cast<std::size_t>(end)});
  }

  const std::string& text() const { return text_; }

 private:
  void begin(std::string_view name) {
    if (!first_) text_ += ',';
    first_ = false;
    if (name.empty()) return;
    quote(name);
    text_ += ':';
  }
  JsonText& raw(std::string_view name, std::string_view value) {
    begin(name);
    text_ += value;
    return *this;
  }
  void quote(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') (text_ += '\\') += c;
      else if (static_cast<unsigned char>(c) < 32) {
        constexpr std::string_view hex = "0123456789abcdef";
        ((text_ += "\\u00") += hex[static_cast<unsigned char>(c) >> 4]) += hex[c & 15];
      } else text_ += c;
    }
    text_ += '"';
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace vos::web
