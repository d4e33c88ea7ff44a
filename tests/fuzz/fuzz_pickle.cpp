// A pickle: refused with an Error, or a tree that is sound, whose tensors lie inside their storages. Storages that it names
// are lent bytes, as the container that has them would give them.
#include <vos/weights/numpy_pickle.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

#include "checkpoint.hpp"

namespace {

void read_with_storages(vos::Checkpoint& into, const vos::CheckpointOptions& options) {
  constexpr std::int64_t most = 1 << 12;
  into.root = vos::unpickle(into, into.file->all(), options);
  std::int64_t left = std::int64_t{1} << 16;
  for (auto& storage : into.storages) {
    if (storage.in_pickle || storage.elements < 0 || storage.elements > most) continue;
    const auto bytes = storage.elements * vos::bytes_of(storage.dtype);
    if ((left -= bytes) < 0) break;
    const auto& lent = into.made.emplace_back(static_cast<std::size_t>(bytes), 'n');
    storage.bytes = {reinterpret_cast<const std::uint8_t*>(lent.data()), lent.size()};
  }
  vos::check_tensors(into);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_checkpoint(vos::read_pickle, {data, data + size});
  read_checkpoint(read_with_storages, {data, data + size});
  return 0;
}
