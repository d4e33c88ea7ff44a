#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <vos/error.hpp>
#include <vos/nn/kernel/cache.hpp>
#include <vos/nn/kernel/driver.hpp>
#include <vos/nn/kernel/nvrtc.hpp>
#include <vos/nn/kernel/prelude.hpp>

namespace vos {

/// A CUDA kernel as text: compiled for the GPU at hand when it is first launched there, and kept on disk from then on. A
/// value, as cheap as its strings; what was compiled is found by content, so that equal kernels share it.
struct Kernel {
  std::string name = {};         ///< of the `extern "C" __global__` function
  std::string_view source = {};  ///< lives as long as the program: a constant in a header; the prelude goes before it
  std::string options = {};      ///< NVRTC's, separated by blanks: "-DCHANNELS=32 -DVALUE=float"
};

/// How many blocks a launch has, or a block threads.
struct Extent {
  std::uint32_t x = 1, y = 1, z = 1;
};

/// Where a launch goes: a device and one of its streams (a cudaStream_t; null is the default one).
struct KernelStream {
  int device = 0;
  void* handle = nullptr;
};

/// The kernel as a program for one architecture, from the cache or from NVRTC. Needs no GPU.
inline Cubin compile_kernel(const Kernel& kernel, const std::string& architecture,
                            const KernelCache& cache = KernelCache{}) {
  const auto& nvrtc = Nvrtc::get();
  const auto source = std::string{kernel_prelude} + std::string{kernel.source};
  const auto key = nvrtc.version() + "\n" + architecture + "\n" + kernel.options + "\n" + source;
  if (auto bytes = cache.load(kernel.name, key)) return {.bytes = std::move(*bytes)};
  auto compiled = nvrtc.compile(kernel.name, source, kernel.options, architecture);
  cache.store(kernel.name, key, compiled.bytes);
  return compiled;
}

/// Kernels loaded into the devices of this process. Any number of threads may launch; one that needs a kernel while another
/// is compiled waits. Loading is no part of a CUDA graph: launch once before capturing.
class KernelLibrary {
 public:
  explicit KernelLibrary(const CudaDriver& driver, KernelCache cache = KernelCache{})
      : driver_(driver), cache_(std::move(cache)) {}

  /// Of this machine's driver.
  static KernelLibrary& get() {
    static KernelLibrary library{CudaDriver::get()};
    return library;
  }

  /// Puts a launch into the stream and returns. The arguments are copied; each has the very type that the kernel declares for
  /// it, as no compiler looks at both. `shared_bytes` is what the kernel has declared as `extern __shared__`.
  template <class... Arguments>
  void launch(const Kernel& kernel, const KernelStream& stream, const Extent& grid, const Extent& block,
              std::uint32_t shared_bytes, const Arguments&... arguments) {
    static_assert((std::is_trivially_copyable_v<Arguments> && ...),
                  "a kernel takes plain numbers, pointers and structs");
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;  // nothing to do, which the driver holds for an error
    void* const function = loaded(kernel, stream.device);
    constexpr std::uint32_t always_there = 48 * 1024;  // larger ones must be asked for
    if (shared_bytes > always_there)
      check(driver_.function_set_attribute(function, CudaDriver::max_dynamic_shared_bytes,
                                           static_cast<int>(shared_bytes)),
            "asking for " + std::to_string(shared_bytes) + " bytes of shared memory", kernel);
    void* addresses[] = {const_cast<void*>(static_cast<const void*>(&arguments))..., nullptr};
    check(driver_.launch_kernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared_bytes,
                                stream.handle, addresses, nullptr),
          "the launch", kernel);
  }

 private:
  using Key = std::tuple<int, std::string, std::string, std::string_view>;  // device, name, options, source

  struct Device {
    void* context = nullptr;
    std::string architecture = {};
  };

  void check(int code, const std::string& doing, const Kernel& kernel) const {
    driver_.check(code, doing, "kernel " + kernel.name);
  }

  void* loaded(const Kernel& kernel, int ordinal) {
    const std::lock_guard lock{mutex_};
    const auto& device = known(kernel, ordinal);
    // A thread's first act on a GPU may be a launch of ours: the context is LibTorch's, the device's primary one.
    check(driver_.context_set_current(device.context), "entering the GPU's context", kernel);
    const Key key{ordinal, kernel.name, kernel.options, kernel.source};
    if (const auto found = functions_.find(key); found != functions_.end()) return found->second;
    const auto cubin = compile_kernel(kernel, device.architecture, cache_);
    void *module = nullptr, *function = nullptr;
    check(driver_.module_load_data(&module, cubin.bytes.data()), "loading it for " + device.architecture, kernel);
    check(driver_.module_get_function(&function, module, kernel.name.c_str()), "finding it in what was compiled",
          kernel);
    functions_.emplace(key, function);
    return function;
  }

  const Device& known(const Kernel& kernel, int ordinal) {
    if (const auto found = devices_.find(ordinal); found != devices_.end()) return found->second;
    int device = 0, major = 0, minor = 0;
    Device fresh;
    check(driver_.device_get(&device, ordinal), "looking up GPU " + std::to_string(ordinal), kernel);
    check(driver_.device_get_attribute(&major, CudaDriver::compute_capability_major, device), "asking for its kind",
          kernel);
    check(driver_.device_get_attribute(&minor, CudaDriver::compute_capability_minor, device), "asking for its kind",
          kernel);
    check(driver_.primary_context_retain(&fresh.context, device), "joining the GPU's context", kernel);
    fresh.architecture = "sm_" + std::to_string(major) + std::to_string(minor);
    return devices_.emplace(ordinal, std::move(fresh)).first->second;
  }

  const CudaDriver driver_;
  const KernelCache cache_;
  std::mutex mutex_;
  std::map<int, Device> devices_;
  std::map<Key, void*> functions_;
};

}  // namespace vos
