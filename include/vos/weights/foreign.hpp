#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/weights/little_endian.hpp>

namespace vos {

/// What a file is that is no checkpoint, or none that can be read as it is, and what its owner can do.
struct ForeignFile {
  std::string what, mend;
};

namespace detail {

struct ForeignSign {
  std::string_view bytes, what, mend;
  std::size_t at = 0;
};

inline constexpr std::string_view convert_it =
    "convert it where its framework is installed, to safetensors or with torch.save";
inline constexpr std::string_view name_its_origin = "name the checkpoint that it was made from";

/// Signs of what people have lying beside their checkpoints.
inline constexpr auto foreign_signs = [] {
  using namespace std::string_view_literals;
  constexpr auto name = "name the checkpoint, not what lies beside it"sv;
  return std::to_array<ForeignSign>({
      {"version https://git-lfs"sv, "a pointer of Git LFS"sv,
       "the file itself was not downloaded; in its repository: git lfs install && git lfs pull"sv},
      {"\x1F\x8B"sv, "a gzip archive"sv, "unpack it: gunzip FILE.gz, or tar -xzf FILE"sv},
      {"\xFD\x37zXZ\0"sv, "an xz archive"sv, "unpack it: unxz FILE.xz, or tar -xJf FILE"sv},
      {"\x28\xB5\x2F\xFD"sv, "a zstd archive"sv, "unpack it: unzstd FILE.zst, or tar --zstd -xf FILE"sv},
      {"BZh"sv, "a bzip2 archive"sv, "unpack it: bunzip2 FILE.bz2, or tar -xjf FILE"sv},
      {"7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive"sv, "unpack it: 7z x FILE"sv},
      {"Rar!\x1A\x07"sv, "a RAR archive"sv, "unpack it: unrar x FILE"sv},
      {"ustar"sv, "a tar archive"sv, "unpack it: tar -xf FILE"sv, 257},
      {"\x89HDF\r\n\x1A\n"sv, "an HDF5 file, as Keras and MATLAB write them"sv, convert_it},
      {"MATLAB 5.0 MAT-file"sv, "a MATLAB file"sv, convert_it},
      {"\x93NUMPY"sv, "a numpy array"sv,
       "in Python: import numpy, torch; torch.save({'NAME': torch.from_numpy(numpy.load('FILE'))}, 'OUT.pth')"sv},
      {"GGUF"sv, "a GGUF file, as llama.cpp has them"sv, name_its_origin},
      {"ptrt"sv, "a TensorRT engine"sv, name_its_origin},
      {"ftrt"sv, "a TensorRT engine"sv, name_its_origin},
      {"TFL3"sv, "a TensorFlow Lite model"sv, name_its_origin, 4},
      {"%PDF-"sv, "a PDF document"sv, name},
      {"\x7F\x45LF"sv, "a program"sv, name},
      {"\x89PNG"sv, "an image"sv, name},
      {"\xFF\xD8\xFF"sv, "an image"sv, name},
      {"GIF8"sv, "an image"sv, name},
      {"WEBP"sv, "an image"sv, name, 8},
      {"ftyp"sv, "a video"sv, name, 4},
  });
}();

/// What text files are, by how they begin (in lower case, without leading space).
inline constexpr auto foreign_texts = [] {
  constexpr std::string_view page =
      "a download that was answered with a login, a warning or an error: a text editor shows which; download it again";
  constexpr std::string_view owner = "name the checkpoint that it belongs to";
  return std::to_array<ForeignSign>({
      {"<!doctype html", "a web page", page},
      {"<html", "a web page", page},
      {"<?xml", "an XML document", page},
      {"<", "a web page or XML document", page},
      {"{", "a JSON document", owner},
      {"[", "a JSON document", owner},
      {"", "a text", "name the checkpoint, not its settings or its list"},
  });
}();

/// Signs among the names in a zip: a name in whatever folder, or an ending behind a star.
inline constexpr auto foreign_zip_signs = [] {
  constexpr std::string_view exported =
      "in Python: import torch; torch.save(torch.export.load('FILE').state_dict, 'OUT.pth')";
  return std::to_array<ForeignSign>({
      {"constants.pkl", "a TorchScript archive, as torch.jit.save and torch::save in C++ write them",
       "in Python: import torch; torch.save(torch.jit.load('FILE', map_location='cpu').state_dict(), 'OUT.pth')"},
      {"archive_format", "an exported program (torch.export)", exported},
      {"serialized_exported_program.json", "an exported program (torch.export)", exported},
      {".data/python_version", "a torch.package",
       "in Python, if you trust it, since loading runs its code: import torch; "
       "p = torch.package.PackageImporter('FILE'); print(p.file_structure()); "
       "torch.save(p.load_pickle('PACKAGE', 'NAME.pkl').state_dict(), 'OUT.pth')"},
      {"model.weights.h5", "a Keras model", convert_it},
      {"*.npy", "a collection of numpy arrays (.npz)",
       "in Python: import numpy, torch; "
       "torch.save({k: torch.from_numpy(v) for k, v in numpy.load('FILE').items()}, 'OUT.pth')"},
  });
}();

/// Endings that files go by which are checkpoints.
inline constexpr auto checkpoint_endings =
    std::to_array<std::string_view>({".pth", ".pt", ".safetensors", ".ckpt", ".bin", ".tar", ".pkl"});

inline bool has_checkpoint_ending(std::string_view name) {
  return std::any_of(checkpoint_endings.begin(), checkpoint_endings.end(),
                     [&](auto ending) { return name.ends_with(ending); });
}

inline ForeignFile foreign(const ForeignSign& sign) {
  return {"this is " + std::string{sign.what} + ", not a checkpoint", std::string{sign.mend}};
}

/// Whether a name in a zip is `name`, in whatever folder.
inline bool is_in_zip(std::string_view entry, std::string_view name) {
  return entry.ends_with(name) && (entry.size() == name.size() || entry[entry.size() - name.size() - 1] == '/');
}

/// What a text begins with; empty where there are bytes that texts do not have.
inline std::optional<std::string> beginning_of_text(std::string_view bytes) {
  bytes = bytes.substr(0, 512);
  for (const char c : bytes)
    if ((static_cast<unsigned char>(c) < 32 && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 127)
      return std::nullopt;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n\f"), bytes.size()));
  return lower_case(bytes.substr(0, 32));
}

}  // namespace detail

/// An answer for any file that no reader takes.
inline ForeignFile foreign_file(std::span<const std::uint8_t> file) {
  const auto bytes = detail::text_of(file);
  if (bytes.empty())
    return {"the file is empty", "a download or copy that did not begin, or a full disk: get it again"};
  if (bytes.substr(0, 4096).find_first_not_of('\0') == std::string_view::npos)
    return {"the file begins with nothing but zeros",
            "a download that had reserved its room and stopped: get it again"};
  for (const auto& sign : detail::foreign_signs)
    if (bytes.size() > sign.at && bytes.substr(sign.at).starts_with(sign.bytes)) return detail::foreign(sign);
  // Protocol buffers have no sign, but a first field: a small version, and behind it a writer's name or a graph.
  if (bytes.size() > 2 && bytes[0] == 8 && (bytes[2] == 0x12 || bytes[2] == 0x3A)) {
    if (bytes[1] == 1) return detail::foreign({"", "a TensorFlow SavedModel", detail::convert_it});
    if (bytes[1] > 2 && bytes[1] < 32) return detail::foreign({"", "an ONNX model", detail::name_its_origin});
  }
  if (bytes.ends_with("\x57\xFB\x80\x8B\x24\x75\x47\xDB"))
    return detail::foreign({"", "the index of a TensorFlow checkpoint", detail::convert_it});
  if (const auto begin = detail::beginning_of_text(bytes)) {
    if (begin->starts_with('{') && bytes.substr(0, 1 << 20).find("\"weight_map\"") != std::string_view::npos)
      return {"this is the index of a checkpoint in several files",
              "name those files, which lie beside it, one by one"};
    for (const auto& sign : detail::foreign_texts)
      if (begin->starts_with(sign.bytes)) return detail::foreign(sign);
  }
  std::string first;
  for (const auto byte : file.first(std::min<std::size_t>(file.size(), 8))) {
    char text[4];
    std::snprintf(text, sizeof text, " %02x", byte);
    first += text;
  }
  return {"no checkpoint that is known begins with the bytes" + first,
          "PyTorch's files (.pt, .pth, .bin, .ckpt), pickles of numpy arrays (.pkl) and safetensors can be read"};
}

/// An answer for a zip with these names in it, unless it may be what torch.save wrote.
inline std::optional<ForeignFile> foreign_zip(std::span<const std::string_view> names) {
  for (const auto& sign : detail::foreign_zip_signs)
    for (const auto name : names)
      if (sign.bytes.front() == '*' ? name.ends_with(sign.bytes.substr(1)) : detail::is_in_zip(name, sign.bytes))
        return detail::foreign(sign);
  for (const auto name : names)
    if (detail::is_in_zip(name, "data.pkl")) return std::nullopt;
  for (const auto name : names)
    for (const auto* part : {"version", "byteorder", ".data/serialization_id"})
      if (detail::is_in_zip(name, part))
        return ForeignFile{"torch.save stopped before the tree was written: the archive has " +
                               detail::in_quotes(name) + " and no data.pkl",
                           "save it again, and see what torch.save says"};
  for (const auto name : names)
    if (detail::has_checkpoint_ending(name))
      return ForeignFile{"this is a zip with files in it such as " + detail::in_quotes(name),
                         "unpack it and name one of them: unzip FILE"};
  return ForeignFile{"this is a zip, and not one that torch.save wrote: it has no data.pkl" +
                         (names.empty() ? "" : ", but " + detail::in_quotes(names.front())),
                     "name a checkpoint"};
}

/// An answer for a folder.
inline ForeignFile foreign_folder(const std::filesystem::path& folder) {
  std::vector<std::string> checkpoints;
  std::error_code ignored;
  for (auto entry = std::filesystem::directory_iterator{folder, ignored};
       !ignored && entry != std::filesystem::directory_iterator{}; entry.increment(ignored)) {
    const auto name = entry->path().filename().string();
    if (name == "data.pkl")
      return {"this folder is an unpacked checkpoint", "pack it again; in it: zip -0 -r ../NAME.pth ."};
    if (name.ends_with(".distcp"))
      return {"this folder is a distributed checkpoint",
              "python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER OUT.pth"};
    if (detail::has_checkpoint_ending(name)) checkpoints.push_back(detail::in_quotes(name));
  }
  std::sort(checkpoints.begin(), checkpoints.end());  // as people and shells list them
  const auto count = checkpoints.size();
  if (count == 0) return {"this is a folder, and no checkpoint lies in it", "name a file"};
  checkpoints.resize(std::min<std::size_t>(count, 5));
  return {"this is a folder, not a file", "name a file in it: " + join(checkpoints, ", ") +
                                              (count > 5 ? " or another of its " + std::to_string(count) : "")};
}

}  // namespace vos
