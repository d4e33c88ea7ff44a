#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <link.h>

#include <vos/error.hpp>
#include <vos/nn/kernel/shared_library.hpp>

namespace vos {

/// What a kernel's source became: a program for one architecture of GPU.
struct Cubin {
  std::vector<std::uint8_t> bytes = {};
  std::string log = {};  ///< what the compiler had to say: warnings, and with --ptxas-options=-v registers and spills
};

/// NVIDIA's compiler as a library. It needs neither a GPU nor a driver nor CUDA's headers: the few functions in use are
/// declared here and looked up in the library, wherever that is. Any number of threads may compile at a time.
class Nvrtc {
 public:
  /// The library of this machine: VOS_NVRTC (the file, or its folder) where that is set, else what lies beside LibTorch or in
  /// the wheels that came with it, else the system's. Null where there is none. Looked for once.
  static const Nvrtc* find() {
    static const auto found = search();
    return found ? &*found : nullptr;
  }

  /// The same, for who cannot do without.
  static const Nvrtc& get() {
    if (const auto* found = find()) return *found;
    const char* given = std::getenv("VOS_NVRTC");
    throw Error({.what = "CUDA kernels need NVRTC, and no libnvrtc.so.12 or .13 was found",
                 .where = given != nullptr ? "VOS_NVRTC=" + std::string{given} : "",
                 .mend = "set VOS_NVRTC to the folder of libnvrtc.so, or pip install nvidia-cuda-nvrtc beside torch"});
  }

  /// "13.0"
  const std::string& version() const { return version_; }

  /// Compiles CUDA C++ for one architecture, "sm_90". `name` stands for the file in messages; options are those of NVRTC,
  /// separated by blanks.
  Cubin compile(const std::string& name, std::string_view source, std::string_view options,
                std::string_view architecture) const {
    std::vector<std::string> words{"--gpu-architecture=" + std::string{architecture}, "--std=c++17"};
    for (std::size_t begin = 0; (begin = options.find_first_not_of(' ', begin)) != options.npos;) {
      const auto end = std::min(options.find(' ', begin), options.size());
      words.emplace_back(options.substr(begin, end - begin));
      begin = end;
    }
    std::vector<const char*> arguments;
    for (const auto& word : words) arguments.push_back(word.c_str());

    void* program = nullptr;
    const auto check = [&](int code, const char* step) {
      if (code != 0)
        throw Error({.what = std::string{step} + " failed: " + error_string_(code), .where = "kernel " + name});
    };
    check(create_(&program, std::string{source}.c_str(), name.c_str(), 0, nullptr, nullptr), "nvrtcCreateProgram");
    const std::unique_ptr<void*, int (*)(void**)> owner{&program, destroy_};
    const int compiled = compile_(program, static_cast<int>(arguments.size()), arguments.data());
    Cubin cubin;
    std::size_t size = 0;
    if (log_size_(program, &size) == 0 && size > 1) {
      cubin.log.resize(size);
      if (log_(program, cubin.log.data()) != 0) cubin.log.clear();
      cubin.log.resize(std::min(cubin.log.find('\0'), cubin.log.size()));
    }
    if (compiled != 0)
      throw Error({.what = "the kernel does not compile for " + std::string{architecture} + ": " +
                           error_string_(compiled) + (cubin.log.empty() ? "" : "\n" + cubin.log),
                   .where = "kernel " + name + ", NVRTC " + version_,
                   .mend = "let VOS_NVRTC name one that knows this GPU, or compute on the CPU (--device cpu)"});
    check(cubin_size_(program, &size), "nvrtcGetCUBINSize");
    cubin.bytes.resize(size);
    check(cubin_(program, reinterpret_cast<char*>(cubin.bytes.data())), "nvrtcGetCUBIN");
    return cubin;
  }

 private:
  /// What `name` stands for if it is there and complete.
  static std::optional<Nvrtc> open(const std::string& name) {
    const detail::SharedLibrary library{name};
    if (!library) return std::nullopt;
    Nvrtc nvrtc;
    int (*version)(int*, int*) = nullptr;
    if (!library.get(version, "nvrtcVersion") || !library.get(nvrtc.error_string_, "nvrtcGetErrorString") ||
        !library.get(nvrtc.create_, "nvrtcCreateProgram") || !library.get(nvrtc.destroy_, "nvrtcDestroyProgram") ||
        !library.get(nvrtc.compile_, "nvrtcCompileProgram") || !library.get(nvrtc.log_, "nvrtcGetProgramLog") ||
        !library.get(nvrtc.log_size_, "nvrtcGetProgramLogSize") || !library.get(nvrtc.cubin_, "nvrtcGetCUBIN") ||
        !library.get(nvrtc.cubin_size_, "nvrtcGetCUBINSize"))
      return std::nullopt;
    int major = 0, minor = 0;
    if (version(&major, &minor) != 0) return std::nullopt;
    nvrtc.version_ = std::to_string(major) + "." + std::to_string(minor);
    // Half of the compiler is a second library, which the first looks for by its bare name: the loader finds it wherever it
    // is once it is open.
    const auto folder = detail::folder_of_library(reinterpret_cast<const void*>(version));
    detail::SharedLibrary{(folder / ("libnvrtc-builtins.so." + nvrtc.version_)).string()};
    return nvrtc;
  }

  static std::optional<Nvrtc> search() {
    // In wheels and toolkits "libnvrtc.so.13", in an unpacked LibTorch "libnvrtc-b51b459d.so.12".
    const auto in = [](const std::filesystem::path& folder) -> std::optional<Nvrtc> {
      std::set<std::string, std::greater<>> files;  // the newest first
      std::error_code code;
      for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
        const auto name = entry.path().filename().string();
        const auto has = [&](std::string_view part) { return name.find(part) != name.npos; };
        if (name.starts_with("libnvrtc") && has(".so") && !has("builtins") && !has(".alt.")) files.insert(entry.path());
      }
      for (const auto& file : files)
        if (auto found = open(file)) return found;
      return std::nullopt;
    };
    if (const char* given = std::getenv("VOS_NVRTC")) {
      std::error_code code;
      return std::filesystem::is_directory(given, code) ? in(given) : open(given);
    }
    if (const auto torch = folder_of_libtorch(); !torch.empty()) {
      // Its own version first: that is the one whose programs the driver is known to take.
      const auto wheels = torch / "../../nvidia";
      for (const auto& folder : {torch, wheels / "cu13/lib", wheels / "cuda_nvrtc/lib"})
        if (auto found = in(folder)) return found;
    }
    for (const auto* name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"})
      if (auto found = open(name)) return found;
    return in("/usr/local/cuda/lib64");
  }

  /// Where the LibTorch of this process lies; empty where it has none.
  static std::filesystem::path folder_of_libtorch() {
    std::filesystem::path folder;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* result) {
          const std::filesystem::path file{info->dlpi_name};
          if (!file.filename().string().starts_with("libtorch_cpu.")) return 0;
          *static_cast<std::filesystem::path*>(result) = file.parent_path();
          return 1;
        },
        &folder);
    return folder;
  }

  std::string version_;
  const char* (*error_string_)(int) = nullptr;
  int (*create_)(void**, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy_)(void**) = nullptr;
  int (*compile_)(void*, int, const char* const*) = nullptr;
  int (*log_size_)(void*, std::size_t*) = nullptr;
  int (*log_)(void*, char*) = nullptr;
  int (*cubin_size_)(void*, std::size_t*) = nullptr;
  int (*cubin_)(void*, char*) = nullptr;
};

}  // namespace vos
