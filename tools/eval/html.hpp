#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include <vos/io/png_labels.hpp>

namespace vos::eval {

/// Where the pictures of the worst frames come from, by sequence and stem. An empty label image or path: there is none.
struct Pictures {
  std::function<LabelImage(const std::string& sequence, const std::string& stem)> truth = {}, guess = {};
  std::function<std::filesystem::path(const std::string& sequence, const std::string& stem)> frame = {};
  bool any_object = false;  ///< every id is the object (DAVIS 2016)
};

/// A report as a page of its own: numbers, bars for each sequence, J and F over time, the worst frames with both masks.
std::string html_report(const nlohmann::json& report, const Pictures& pictures);

}  // namespace vos::eval
