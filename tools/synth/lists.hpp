#pragma once

#include <filesystem>
#include <vector>

#include "options.hpp"
#include "video.hpp"

namespace vos::synth {

/// Writes what lists the videos, as the layout has it, below `root`.
void write_list(const Options& options, const std::vector<WrittenVideo>& videos, const std::filesystem::path& root);

/// Writes synth.json: the settings, and for each object and frame how much of it is to be seen.
void write_facts(const Options& options, const std::vector<WrittenVideo>& videos, const std::filesystem::path& root);

}  // namespace vos::synth
