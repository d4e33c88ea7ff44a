#pragma once

#include <filesystem>
#include <vector>

#include <vos/project/project.hpp>
#include <vos/serve/session_options.hpp>

namespace vos::serve {

/// The models that sessions may choose: those that need no weights, and the one that `spec` names.
std::vector<ModelChoice> model_choices(const ProjectSpec& spec);

/// The pictures in a zip, as a folder beside it; made once. An Error where it holds none, or more than is sane.
std::filesystem::path unpack_pictures(const std::filesystem::path& zip);

/// The spec, with the folder of pictures instead of a zip.
ProjectSpec with_pictures(const ProjectSpec& spec);

}  // namespace vos::serve
