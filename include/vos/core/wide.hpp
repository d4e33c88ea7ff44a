#pragma once

#include <cstddef>  // says which C library this is

/// VOS_WIDE before an inline function with hot loops over whole numbers: compiled a second time for AVX2, and the better
/// one chosen when the program starts. A build for any x86-64 has no vector multiplication of 32-bit numbers otherwise,
/// and only an attribute can ask for one. Never on floating point: results must not depend on the processor.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
#define VOS_WIDE [[gnu::target_clones("avx2", "default")]]
#else
#define VOS_WIDE
#endif
