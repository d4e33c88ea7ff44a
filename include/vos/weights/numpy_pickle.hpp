#pragma once

#include <vos/error.hpp>
#include <vos/weights/check.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/pickle.hpp>

namespace vos {

/// Reads a pickle of numpy arrays, as detectron2's model zoo has them: any protocol, from Python 2 or 3. `into.where` and
/// `into.file` are set. Arrays in Fortran's order become strides; big-endian numbers are swapped.
inline void read_pickle(Checkpoint& into, const CheckpointOptions& options) {
  into.format = CheckpointFormat::pickle;
  into.root = unpickle(into, into.file->all(), options);
  for (const auto& storage : into.storages)
    if (!storage.in_pickle && storage.elements != 0)
      throw Error(
          {.what = "its tensors' numbers are not in this file",
           .where = into.where,
           .mend = "it looks like the 'data.pkl' of an unpacked checkpoint: read the checkpoint as it was, packed"});
  check_tensors(into);
}

}  // namespace vos
