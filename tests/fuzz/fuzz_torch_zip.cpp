// A checkpoint file of any kind, or the tree in one: refused with an Error, or every number of every tensor can be read.
#include <vos/weights/open.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../weights/zip_maker.hpp"
#include "checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const vos::CheckpointOptions options{
      .check_crc = (data[0] & 1) == 0,
      .unknown = (data[0] & 4) != 0 ? vos::UnknownTypes::keep : vos::UnknownTypes::refuse,
      .max_nodes = 1 << 12};
  std::vector<std::uint8_t> file(data + 1, data + size);
  if ((data[0] & 2) != 0)
    file = vos::test::MadeZip{.entries = {{.name = "x/data.pkl", .bytes = {file.begin(), file.end()}},
                                          {.name = "x/data/0", .bytes = std::string(24, 'n')},
                                          {.name = "x/data/1", .bytes = std::string(8, 'm')}}}
               .bytes();
  try {
    look_at(*vos::open_checkpoint(vos::FileBytes::of(std::move(file)), "input", options));
  } catch (const vos::Error&) {
  }
  return 0;
}
