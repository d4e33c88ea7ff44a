// An archive: refused with an Error, or every file in it unpacks within the limits, or is refused itself.
#include <vos/io/zip.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const vos::ZipLimits limits{.entries = 32, .entry_bytes = 1 << 16};
  try {
    const vos::ZipReader zip{std::vector<std::uint8_t>(data, data + size), "input", limits};
    if (zip.names().size() > static_cast<std::size_t>(limits.entries)) std::abort();
    for (const auto& name : zip.names()) {
      try {
        if (zip.read(name).size() > static_cast<std::size_t>(limits.entry_bytes)) std::abort();
      } catch (const vos::Error&) {
      }
    }
  } catch (const vos::Error&) {
  }
  return 0;
}
