#pragma once

#include <string>

namespace vos::tool {

/// What every tool understands.
struct CommonOptions {
  bool quiet = false, verbose = false, json = false;
  std::string json_file = {};  ///< of a tool with `json_to_file`: --json FILE; `json` is --json alone
};

}  // namespace vos::tool
