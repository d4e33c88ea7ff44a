#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <vos/error.hpp>
#include <vos/nn/kernel/shared_library.hpp>

namespace vos {

/// The part of NVIDIA's driver that runs kernels, looked up where it is: on machines with a GPU. Its types are declared here
/// as what they are in C: results as int, handles as void*.
struct CudaDriver {
  int (*device_get)(int* device, int ordinal) = nullptr;
  int (*device_get_attribute)(int* value, int attribute, int device) = nullptr;
  int (*primary_context_retain)(void** context, int device) = nullptr;
  int (*context_set_current)(void* context) = nullptr;
  int (*module_load_data)(void** module, const void* image) = nullptr;
  int (*module_get_function)(void** function, void* module, const char* name) = nullptr;
  int (*function_set_attribute)(void* function, int attribute, int value) = nullptr;
  int (*launch_kernel)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                       unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** arguments,
                       void** extra) = nullptr;
  int (*get_error_string)(int code, const char** text) = nullptr;

  /// Of cuda.h, whose numbers do not change.
  static constexpr int compute_capability_major = 75, compute_capability_minor = 76, max_dynamic_shared_bytes = 8;

  /// This machine's; null where it has none.
  static const CudaDriver* find() {
    static const auto found = []() -> std::optional<CudaDriver> {
      const detail::SharedLibrary library{"libcuda.so.1"};
      CudaDriver driver;
      if (!library || !library.get(driver.device_get, "cuDeviceGet") ||
          !library.get(driver.device_get_attribute, "cuDeviceGetAttribute") ||
          !library.get(driver.primary_context_retain, "cuDevicePrimaryCtxRetain") ||
          !library.get(driver.context_set_current, "cuCtxSetCurrent") ||
          !library.get(driver.module_load_data, "cuModuleLoadData") ||
          !library.get(driver.module_get_function, "cuModuleGetFunction") ||
          !library.get(driver.function_set_attribute, "cuFuncSetAttribute") ||
          !library.get(driver.launch_kernel, "cuLaunchKernel") ||
          !library.get(driver.get_error_string, "cuGetErrorString"))
        return std::nullopt;
      return driver;
    }();
    return found ? &*found : nullptr;
  }

  static const CudaDriver& get() {
    if (const auto* found = find()) return *found;
    throw Error({.what = "CUDA kernels need NVIDIA's driver, and there is no libcuda.so.1",
                 .where = "",
                 .mend = "install the driver, or compute on the CPU (--device cpu)"});
  }

  /// Throws unless `code` is success; `doing` is what was tried.
  void check(int code, const std::string& doing, const std::string& where) const {
    if (code == 0) return;
    const char* text = nullptr;
    if (get_error_string(code, &text) != 0 || text == nullptr) text = "unknown error";
    throw Error({.what = doing + " failed: " + text + " (" + std::to_string(code) + ")", .where = where});
  }
};

}  // namespace vos
