#pragma once

#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>

#include <vos/core/options.hpp>
#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

/// The place of `value` among the words that an option knows; an Error that lists them where it is none of these.
inline std::size_t choice(std::string_view option, std::string_view value,
                          std::initializer_list<std::string_view> known) {
  std::size_t place = 0;
  for (const auto word : known) {
    if (word == value) return place;
    ++place;
  }
  throw Error(
      {.what = "'" + std::string{value} + "' is no value of '" + std::string{option} + "'" + did_you_mean(value, known),
       .where = "option '" + std::string{option} + "'",
       .mend = "use one of " + join(known, ", "),
       .exit_code = exit_code::usage});
}

/// Throws unless a number is one that its option can have: `least` to `most`. NaN is none, nor is infinity.
inline void expect_within(std::string_view option, double value, double least,
                          double most = std::numeric_limits<double>::max()) {
  if (value >= least && value <= most) return;
  const bool bounded = most < std::numeric_limits<double>::max();
  throw Error({.what = "'" + std::string{option} + "' cannot be " + detail::option_text(value),
               .where = "option '" + std::string{option} + "'",
               .mend = "use " + detail::option_text(least) +
                       (bounded ? " to " + detail::option_text(most) : std::string{" or more"}),
               .exit_code = exit_code::usage});
}

}  // namespace vos
