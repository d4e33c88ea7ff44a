#pragma once

#include <cstdlib>  // says which C library this is

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace vos {

/// For programs that do the same over and over, as training does: memory that is given back stays with the process. Otherwise
/// pages go to the system and come back, zeroed, thousands of times a step. Numbers of 32 MB and more still come and go.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace vos
