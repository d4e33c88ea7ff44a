#pragma once

#include <string>

#include <vos/error.hpp>

#include "../test.hpp"

namespace vos::test {

/// What an Error says about "FILE"; empty where `act` throws none. Every one says what to do.
std::string refusal(const auto& act) {
  try {
    act();
    return "";
  } catch (const Error& e) {
    CHECK(e.parts().where.starts_with("FILE"));
    CHECK(!e.parts().mend.empty());
    return e.what();
  }
}

/// Whether a message has these words in it; shows it where it has not.
inline bool says(const std::string& message, const std::string& words) {
  const bool found = message.find(words) != std::string::npos;
  if (!found) MESSAGE(message);
  return found;
}

}  // namespace vos::test
