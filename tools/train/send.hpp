#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <vos/core/options.hpp>
#include <vos/train/log/log_options.hpp>
#include <vos/train/log/remote_run.hpp>

#include "config.hpp"

namespace vos::train {

/// The servers' settings among those of a run: the keys that begin with "log.". They are taken out of `settings`.
LogOptions take_log_options(Settings& settings);

/// All of them, as --keys and config.toml list them.
std::vector<OptionInfo> describe_log_options(const LogOptions& options = {});

/// The servers that the options name, of which none is asked yet. `run` need not exist.
std::vector<std::unique_ptr<RemoteRun>> remotes_of(const LogOptions& options, const std::filesystem::path& run);

/// Whether the words begin with `send`.
bool is_send_command(const std::vector<std::string>& words);

/// `vos-train send RUN [--to NAME]`. Gives the exit code.
int send_command(std::vector<std::string> words, std::ostream& out);

}  // namespace vos::train
