#pragma once

#include <vector>

#include <vos/serve/page.hpp>

namespace vos::serve {

/// The viewer's page, as built into the program; a page that says why where Emscripten was not there.
const std::vector<PageFile>& page_files();

}  // namespace vos::serve
