#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "check.hpp"

namespace vos::data {

/// A video as the page shows it.
struct Exhibit {
  std::string name = {};
  std::size_t frames = 0;
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> jpeg = {};  ///< some frames with their masks; empty if none could be read
  std::string sheet = {};               ///< the contact sheet, from the page's folder; may be empty
};

/// The page: one file that needs nothing else but for the links to contact sheets.
std::string page_of(const Checked& checked, const std::vector<Exhibit>& exhibits);

}  // namespace vos::data
