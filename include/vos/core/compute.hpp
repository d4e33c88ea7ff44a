#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>

namespace vos {

enum class Precision : std::uint8_t { automatic, fp32, bf16, fp16 };

/// Where and how a model computes. `auto` takes a GPU when there is one; fp32 on the CPU is what all else is compared with.
struct Compute {
  std::string device = "auto";                 ///< auto, cpu, cuda, cuda:1
  Precision precision = Precision::automatic;  ///< automatic: fp32 on the CPU, bf16 on a GPU
  bool channels_last = true;                   ///< lay convolutions out as [N,H,W,C], faster nearly everywhere
  bool graphs = true;                          ///< replay captured CUDA graphs where shapes repeat
  int threads = 0;  ///< CPU threads of one operation, for the whole process; 0 leaves them alone
};

/// `Compute` once the machine has been asked.
struct Place {
  c10::Device device{c10::kCPU};
  c10::ScalarType dtype = c10::kFloat;
};

/// "fp32" and the like from a flag.
inline Precision precision_from(std::string_view text) {
  if (text == "auto") return Precision::automatic;
  if (text == "fp32") return Precision::fp32;
  if (text == "bf16") return Precision::bf16;
  if (text == "fp16") return Precision::fp16;
  throw Error({.what = "'" + std::string{text} + "' is not a precision",
               .where = "precision",
               .mend = "use auto, fp32, bf16 or fp16",
               .exit_code = exit_code::usage});
}

/// The device and number type that `compute` means on this machine. Sets the thread count where one is asked for.
inline Place place(const Compute& compute) {
  if (compute.threads < 0)
    throw Error({.what = "a thread count of " + std::to_string(compute.threads),
                 .where = "threads",
                 .mend = "use 1 or more, or 0 to leave it to LibTorch",
                 .exit_code = exit_code::usage});
  if (compute.threads > 0) at::set_num_threads(compute.threads);

  Place here;
  const auto name = lower_case(compute.device);
  const bool gpu = at::hasCUDA();
  if (name == "auto") {
    if (gpu) here.device = c10::Device(c10::kCUDA, 0);
  } else if (name == "cuda" || name.starts_with("cuda:")) {
    const auto number = name == "cuda" ? std::optional<int>{0} : number_from<int>(std::string_view{name}.substr(5));
    if (!number || *number < 0 || *number > 127)
      throw Error({.what = "'" + compute.device + "' is not a device",
                   .where = "device",
                   .mend = "use auto, cpu, cuda or cuda:N",
                   .exit_code = exit_code::usage});
    if (!gpu)
      throw Error(
          {.what = "device '" + compute.device + "' was asked for, but LibTorch sees no CUDA GPU",
           .where = "device",
           .mend = "use --device cpu, or check the driver and that LibTorch was built with CUDA (./vos doctor)"});
    here.device = c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(*number));
  } else if (name != "cpu") {
    throw Error({.what = "'" + compute.device + "' is not a device" +
                         did_you_mean(name, std::vector<std::string>{"auto", "cpu", "cuda", "cuda:0"}),
                 .where = "device",
                 .mend = "use auto, cpu, cuda or cuda:N",
                 .exit_code = exit_code::usage});
  }

  switch (compute.precision) {
    case Precision::automatic: here.dtype = here.device.is_cuda() ? c10::kBFloat16 : c10::kFloat; break;
    case Precision::fp32: here.dtype = c10::kFloat; break;
    case Precision::bf16: here.dtype = c10::kBFloat16; break;
    case Precision::fp16: here.dtype = c10::kHalf; break;
  }
  if (here.dtype == c10::kHalf && here.device.is_cpu())
    throw Error({.what = "fp16 on the CPU is slower than fp32 and loses range",
                 .where = "precision",
                 .mend = "use fp32 or bf16 on the CPU, or a GPU"});
  return here;
}

}  // namespace vos
