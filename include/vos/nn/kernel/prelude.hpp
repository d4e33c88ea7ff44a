#pragma once

#include <string_view>

namespace vos {

/// What stands before the source of every kernel: numbers of 16 bits, wide indices, sums over the threads of a group. NVRTC
/// brings no headers, so the half types are ours: kept as bits, computed with as float.
///
/// A kernel includes nothing and keeps to this prelude, plain C++17 and CUDA's own words: then any C++ compiler takes it too,
/// behind a few definitions that run a block's threads in turn, which is how tests run it where there is no GPU.
inline constexpr std::string_view kernel_prelude = R"cuda(
typedef long long Index;  // of elements: tensors of more than 2^31 are no rarity

#ifndef VOS_ON_HOST
__device__ inline float float_of_half_bits(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
__device__ inline unsigned short half_bits_of_float(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
__device__ inline float float_of_bits(unsigned bits) { return __uint_as_float(bits); }
__device__ inline unsigned bits_of_float(float value) { return __float_as_uint(value); }
#endif

struct float16 {
  unsigned short bits;
  __device__ operator float() const { return float_of_half_bits(bits); }
  __device__ float16& operator=(float value) { bits = half_bits_of_float(value); return *this; }
};

struct bfloat16 {
  unsigned short bits;
  __device__ operator float() const { return float_of_bits((unsigned)bits << 16); }
  __device__ bfloat16& operator=(float value) {
    const unsigned all = bits_of_float(value);
    // To the nearest, ties to even; a NaN stays one.
    bits = value == value ? (unsigned short)((all + 0x7FFFu + (all >> 16 & 1u)) >> 16) : (unsigned short)0x7FC0;
    return *this;
  }
};

// COUNT numbers that lie together, read and written at once where they are aligned so.
template <class T, int COUNT>
struct alignas(sizeof(T) * COUNT) Pack { T at[COUNT]; };

// The sum over the SIZE threads (a power of two, at most 32) of the group that this thread is in, in each of them. All threads
// of the group must get here.
template <int SIZE, class T>
__device__ inline T group_sum(T value) {
  if (SIZE == 1) return value;
  const unsigned all = SIZE == 32 ? 0xFFFFFFFFu : (1u << (SIZE & 31)) - 1;
  const unsigned mask = all << (threadIdx.x % 32 / SIZE * SIZE);
  for (int step = SIZE / 2; step > 0; step /= 2) value += __shfl_xor_sync(mask, value, step);
  return value;
}
)cuda";

}  // namespace vos
