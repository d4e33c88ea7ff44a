#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos::detail {

/// Which of the splits that are there is meant by `wanted`: the one of that name; val for valid and the other way round;
/// the only one that begins so ("train" for "train2017"). Nothing wanted: the only one, or the one that train means.
inline std::string choose_split(const std::vector<std::string>& there, const std::string& wanted,
                                const std::string& where) {
  const auto has = [&](std::string_view name) { return std::find(there.begin(), there.end(), name) != there.end(); };
  const auto meant_by = [&](const std::string& name) -> std::string {
    if (has(name)) return name;
    for (const auto* other : {"val", "valid", "validation"})
      if ((name == "val" || name == "valid" || name == "validation") && has(other)) return other;
    std::vector<std::string> longer;
    for (const auto& each : there)
      if (each.starts_with(name)) longer.push_back(each);
    return longer.size() == 1 ? longer[0] : "";
  };
  if (wanted.empty() && there.size() == 1) return there[0];
  const auto split = meant_by(wanted.empty() ? "train" : wanted);
  if (!split.empty()) return split;
  if (wanted.empty())
    throw Error({.what = "there are several splits: " + join(there, ", "),
                 .where = where,
                 .mend = "pass --split NAME",
                 .exit_code = exit_code::usage});
  throw Error({.what = "there is no split '" + wanted + "'" + did_you_mean(wanted, there),
               .where = where,
               .mend = there.empty() ? "this dataset has no splits: leave --split out" : "splits: " + join(there, ", "),
               .exit_code = exit_code::usage});
}

}  // namespace vos::detail
