#pragma once

#include <ostream>

namespace vos::infer {

/// The models of this build as a table; their options as well with `verbose`.
void list_models(std::ostream& out, bool verbose);

/// The same as one JSON object: {"models": [{name, family, summary, needs_weights, needs_masks, options: [...]}]}.
void list_models_json(std::ostream& out);

}  // namespace vos::infer
