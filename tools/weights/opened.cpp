#include "opened.hpp"

#include <string>
#include <utility>

#include <vos/error.hpp>
#include <vos/weights/open.hpp>

namespace vos::weights {

std::shared_ptr<const Checkpoint> opened(const Options& options, std::size_t place) {
  const auto& path = options.files[place];
  try {
    return open_checkpoint(path, options.reading);
  } catch (const Error& error) {
    auto reading = options.reading;
    if (std::exchange(reading.unknown, UnknownTypes::keep) == UnknownTypes::keep) throw;
    // Whether unknown types are all that is wrong with the file is for the reader to say.
    try {
      open_checkpoint(path, reading);
    } catch (const Error&) {
      throw error;
    }
    auto parts = error.parts();
    parts.mend += (parts.mend.empty() ? "" : "; or ") +
                  std::string{"pass --unknown keep: the weights are read, and such types become inert values"};
    throw Error(parts);
  }
}

}  // namespace vos::weights
