#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <vos/core/options.hpp>

namespace vos::train {

/// Settings by dotted key: "optim.lr" -> "1e-4".
using Settings = std::map<std::string, std::string>;

/// A TOML file as settings: [optim] lr = 1e-4 is optim.lr, a list of values is one text with commas.
Settings read_config(const std::filesystem::path& path);

/// "optim.lr=1e-4" taken apart.
std::pair<std::string, std::string> setting_of(const std::string& word);

/// All options of a run as TOML, each with its meaning above it.
std::string config_text(const std::string& model, const std::vector<OptionInfo>& options);

}  // namespace vos::train
