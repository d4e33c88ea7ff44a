// A file of torch.save before 1.6: refused with an Error, or a tree that is sound, whose tensors lie inside their storages.
#include <vos/weights/torch_legacy.hpp>

#include <cstddef>
#include <cstdint>

#include "checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_checkpoint(vos::read_torch_legacy, {data, data + size});
  return 0;
}
