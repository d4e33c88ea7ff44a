#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "options.hpp"

namespace vos::eval {

/// Names and values, in the order in which people read them.
using Columns = std::vector<std::pair<std::string, nlohmann::json>>;

/// The numbers of a report's object: the headlines of each command first, then by name. "J" that has statistics is three
/// columns, "J-mean", "J-recall" and "J-decay".
Columns columns(const nlohmann::json& object);

/// The names of all columns that any of `rows` has, in that order.
std::vector<std::string> column_names(const nlohmann::json& rows);

/// What every report begins with; docs/evaluation.md documents the schema. NaN becomes null when it is written.
nlohmann::json new_report(const Options& options);

/// Notes a warning in the report, and tells it.
void warn(nlohmann::json& report, const std::string& text, std::ostream& err);

/// For people: the global numbers first, then a line for each sequence; with `verbose` one for each object.
void print(std::ostream& out, const nlohmann::json& report, bool verbose);

/// Writes --csv.
void write_csv(const Options& options, const nlohmann::json& report);

}  // namespace vos::eval
