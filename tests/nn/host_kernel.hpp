#pragma once

/// Runs a CUDA kernel without a GPU: the same text goes to the compiler of this machine, behind definitions of CUDA's words by
/// which the threads of a block take turns. Each runs to where it has to wait for others (a shuffle, __syncthreads) and
/// goes on when they have come, so that what depends on several threads is put to the test as well: a group that not all of
/// its threads reach, or a thread that another waits for in vain, is an error.

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include <dlfcn.h>

#include <vos/nn/kernel/kernel.hpp>

#include "../test.hpp"

namespace vos::test {

/// What stands before a kernel's source there. Wrong reads and sums end the test: the compiler checks alignment, bounds and
/// overflow.
inline constexpr const char* host_prelude = R"cpp(
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define VOS_ON_HOST 1
#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)

  namespace {  // nothing is shared with the next kernel
  namespace host {
  struct Three {
    unsigned x, y, z;
  };
  enum class Wait { none, shuffle, block };
  struct Thread {
    ucontext_t start;  // with a stack of its own; from then on jumps, which ask nothing of the system, go to and fro
    jmp_buf place;
    void* stack;
    Three index;
    Wait wait;
    bool started, done;
    unsigned shuffles;
    alignas(8) char given[2][8];  // to this shuffle and the one before: a neighbour may be one ahead
  };
  Thread threads[1024];
  unsigned count;
  jmp_buf scheduler;
  unsigned now;  // the thread whose turn it is
  const char* error;
  void (*body)();
  inline void stop(const char* why) {
    if (!error) error = why;
  }
  inline void wait(Wait why) {
    threads[now].wait = why;
    if (!_setjmp(threads[now].place)) _longjmp(scheduler, 1);
  }
  }  // namespace host

  host::Three threadIdx, blockIdx, blockDim, gridDim;

  inline void __syncthreads() { host::wait(host::Wait::block); }

  template <class T>
  T __shfl_xor_sync(unsigned mask, T value, int other_bits) {
    using namespace host;
    const unsigned self = now, other = self ^ (unsigned)other_bits;
    Thread& thread = threads[self];
    const unsigned turn = thread.shuffles++;
    if (!(mask >> (self % 32) & 1) || !(mask >> (other % 32) & 1))
      stop("a shuffle with a thread that is not in its mask");
    memcpy(thread.given[turn % 2], &value, sizeof value);
    wait(Wait::shuffle);
    if (other >= count || threads[other].shuffles <= turn) {
      stop("a shuffle waits for a thread that does not come");
      return value;
    }
    memcpy(&value, threads[other].given[turn % 2], sizeof value);
    return value;
  }

  template <class T>
  void atomicAdd(T* to, T value) {
    *to += value;
  }

  inline float float_of_half_bits(unsigned short bits) {
    _Float16 half;
    memcpy(&half, &bits, 2);
    return (float)half;
  }
  inline unsigned short half_bits_of_float(float value) {
    const _Float16 half = (_Float16)value;
    unsigned short bits;
    memcpy(&bits, &half, 2);
    return bits;
  }
  inline float float_of_bits(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
  }
  inline unsigned bits_of_float(float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
  }

  namespace host {
  inline void thread_main() {
    body();
    threads[now].done = true;
    _longjmp(scheduler, 1);
  }

  __attribute__((noinline)) void resume(Thread& thread) {
    if (_setjmp(scheduler)) return;
    if (thread.started) _longjmp(thread.place, 1);
    thread.started = true;
    setcontext(&thread.start);
  }

  inline void run_block() {
    constexpr size_t stack_bytes = 1 << 16;
    for (unsigned t = 0; t < count; ++t) {
      auto& thread = threads[t];
      if (!thread.stack) thread.stack = malloc(stack_bytes);
      thread.wait = Wait::none, thread.started = thread.done = false, thread.shuffles = 0;
      getcontext(&thread.start);
      thread.start.uc_stack.ss_sp = thread.stack;
      thread.start.uc_stack.ss_size = stack_bytes;
      makecontext(&thread.start, thread_main, 0);
    }
    for (bool alive = true; alive && !error;) {
      bool all_at_barrier = true;
      alive = false;
      for (unsigned t = 0; t < count; ++t) all_at_barrier &= threads[t].done || threads[t].wait == Wait::block;
      for (unsigned t = 0; t < count && !error; ++t) {
        auto& thread = threads[t];
        if (thread.done) continue;
        alive = true;
        if (thread.wait == Wait::block && !all_at_barrier) continue;
        thread.wait = Wait::none;
        now = t, threadIdx = thread.index;
        resume(thread);
      }
    }
  }

  // The arguments one by one, from their addresses.
  template <class... Left>
  struct Call {
    template <class... A, class... Read>
    static void go(void (*kernel)(A...), void**, Read... read) {
      kernel(read...);
    }
  };
  template <class First, class... Left>
  struct Call<First, Left...> {
    template <class... A, class... Read>
    static void go(void (*kernel)(A...), void** arguments, Read... read) {
      Call<Left...>::go(kernel, arguments + 1, read..., *(const First*)*arguments);
    }
  };

  template <class... A>
  const char* run(void (*kernel)(A...), Three grid, Three block, void** arguments) {
    static void (*function)(A...);
    static void** given;
    function = kernel, given = arguments, error = nullptr;
    body = [] { Call<A...>::go(function, given); };
    gridDim = grid, blockDim = block, count = block.x * block.y * block.z;
    for (unsigned t = 0; t < count; ++t) threads[t].index = {t % block.x, t / block.x % block.y, t / block.x / block.y};
    for (blockIdx.z = 0; blockIdx.z < grid.z && !error; ++blockIdx.z)
      for (blockIdx.y = 0; blockIdx.y < grid.y && !error; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < grid.x && !error; ++blockIdx.x) run_block();
    for (unsigned t = 0; t < count; ++t) free(threads[t].stack), threads[t].stack = nullptr;
    return error;
  }
  }  // namespace host
  }  // namespace
)cpp";

/// A kernel compiled for this machine's processor.
class HostKernel {
 public:
  /// Nothing where no compiler is at hand: CXX, or c++.
  static std::optional<HostKernel> compile(const Kernel& kernel) {
    static int number = 0;
    const Folder folder;
    const auto source = (folder / "kernel.cpp").string();
    // A name of its own each time: the loader knows libraries by theirs.
    const auto library = (folder / ("kernel" + std::to_string(number++) + ".so")).string();
    std::ofstream{source}
        << host_prelude << kernel_prelude << kernel.source
        << "\nextern \"C\" const char* host_run(host::Three grid, host::Three block, void** arguments) {\n"
        << "  return host::run(" << kernel.name << ", grid, block, arguments);\n}\n";
    const char* given = std::getenv("CXX");
    const auto command =
        std::string{given != nullptr ? given : "c++"} +
        " -std=c++17 -O1 -w -shared -fPIC -Wl,-Bsymbolic -fsanitize=alignment,bounds,signed-integer-overflow" +
        " -fsanitize-undefined-trap-on-error " + kernel.options + " '" + source + "' -o '" + library + "'";
    if (std::system(command.c_str()) != 0) return std::nullopt;
    HostKernel compiled;
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return std::nullopt;
    compiled.handle_ = {handle, [](void* open) { ::dlclose(open); }};
    compiled.run_ = reinterpret_cast<Run>(::dlsym(handle, "host_run"));
    return compiled;
  }

  /// What went wrong between threads; nothing if all is well. The arguments are addresses, as the driver takes them.
  std::string run(const Extent& grid, const Extent& block, void** arguments) const {
    const char* error = run_({grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, arguments);
    return error != nullptr ? error : "";
  }

 private:
  struct Three {
    unsigned x, y, z;
  };
  using Run = const char* (*)(Three, Three, void**);
  std::shared_ptr<void> handle_;
  Run run_ = nullptr;
};

}  // namespace vos::test
