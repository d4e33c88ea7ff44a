#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include <vos/serve/session.hpp>
#include <vos/serve/state_folder.hpp>

namespace vos::serve {

/// A session that there is, at work or asleep in its folder.
struct SessionEntry {
  SessionRecord record;
  SessionFolder folder;
  std::shared_ptr<Session> session = {};                              // null: asleep
  std::vector<std::function<void(std::exception_ptr)>> waiting = {};  // for it to open
  bool opening = false;
  std::chrono::steady_clock::time_point used = std::chrono::steady_clock::now();

  /// Whether it can be made anew from its folder. What a live source brought is gone.
  bool sleeps() const { return !(session && session->info().live) && record.source != "camera"; }
};

}  // namespace vos::serve
