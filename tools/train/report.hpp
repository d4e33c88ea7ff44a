#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace vos::train {

/// Whether the words begin with a command that looks at runs and trains nothing.
bool is_report_command(const std::vector<std::string>& words);

/// `vos-train report RUN` and `vos-train compare RUN RUN ...`. Gives the exit code.
int report_command(std::vector<std::string> words, std::ostream& out);

/// The last validation of a run as eval.json has it: `validated_step`, and of each clip name and figures.
nlohmann::ordered_json clips_of(const std::filesystem::path& run);

/// Writes RUN/report.html and gives its path.
std::filesystem::path write_report(const std::filesystem::path& run);

}  // namespace vos::train
