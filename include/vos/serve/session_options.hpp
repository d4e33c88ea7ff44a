#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <vos/project/project.hpp>

namespace vos::serve {

/// A model that sessions may choose.
struct ModelChoice {
  std::string name = {};
  bool detects = false, takes_prompts = true;
  std::string summary = {};
  std::vector<std::string> categories = {};
};

/// A clip that the server offers.
struct SampleChoice {
  std::string name = {}, title = {};
  std::string input = {};  ///< as ProjectSpec::input
};

struct SessionOptions {
  std::string version = {};
  std::string token = {};  ///< of the server, for a Hello that brings it; empty: none is wanted
  std::string input = {};  ///< of the server itself; empty: none
  std::string input_name = {};
  std::vector<ModelChoice> models = {};  ///< the first is used unless another is asked for
  std::vector<SampleChoice> samples = {};
  ProjectSpec project = {};  ///< model, weights, settings and limits that all sessions begin with

  /// What may take long before a project is made, such as unpacking; beside the device. Gives the spec to go on with.
  std::function<ProjectSpec(const ProjectSpec&)> prepare = {};

  std::size_t most_sessions = 8;
  std::size_t most_watchers = 1000;                 ///< of one session
  double idle_seconds = 1800;                       ///< without anybody connected; 0: for ever
  double hello_seconds = 10;                        ///< until a new connection has said Hello
  double drain_seconds = 10;                        ///< until what is going on is broken off
  std::uint64_t upload_bytes = 0;                   ///< told to clients; the network part enforces it
  std::size_t store_bytes = std::size_t{32} << 20;  ///< frames kept for a session
  std::size_t most_exports = 8;                     ///< files kept for a session
  std::filesystem::path record = {};                ///< results of each session are left here; empty: not
  std::function<void(const std::string&, const std::map<std::string, std::string>&)> log = {};
};

}  // namespace vos::serve
