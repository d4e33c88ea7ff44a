#pragma once

#include <filesystem>
#include <stop_token>

#include "check.hpp"
#include "options.hpp"

namespace vos::data {

/// Makes the output folder, or refuses one that is not empty.
void prepare(const Options& options);

/// Draws the dataset into `options.output`: index.html, and a contact sheet VIDEO/contact.png for each video that is
/// shown, or one for all where they are single pictures. Gives the page.
std::filesystem::path preview(const Options& options, const Checked& checked, std::stop_token stop);

}  // namespace vos::data
