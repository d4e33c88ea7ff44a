#include <vos/weights/open.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../test.hpp"
#include "refusal.hpp"
#include "zip_maker.hpp"

namespace {

using namespace std::string_literals;
using vos::test::says;

/// What is said about a file with this content; empty where it opens.
std::string answer(const std::string& content) {
  return vos::test::refusal([&] { vos::open_checkpoint(vos::FileBytes::of(vos::test::bytes_of(content)), "FILE"); });
}

std::string answer_for_path(const std::filesystem::path& path) {
  try {
    vos::open_checkpoint(path);
    return "";
  } catch (const vos::Error& e) {
    return e.what();
  }
}

vos::CheckpointFormat format_of(const std::string& name, bool map = true) {
  return vos::open_checkpoint(vos::test::file("weights/golden/" + name), {.map = map})->format;
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("each format is known by what is in the file") {
    using enum vos::CheckpointFormat;
    for (const bool map : {true, false}) {
      CHECK(format_of("zip/buffer.pth", map) == torch_zip);
      CHECK(format_of("legacy/views.pth", map) == torch_legacy);
      CHECK(format_of("torch.safetensors", map) == safetensors);
      CHECK(format_of("pickle/arrays_2.pkl", map) == pickle);
    }
    for (const int protocol : {1, 3, 4, 5})
      CHECK(format_of("legacy/protocol" + std::to_string(protocol) + ".pth") == torch_legacy);
    for (const int protocol : {0, 1, 3, 4, 5}) {
      CHECK(format_of("pickle/arrays_" + std::to_string(protocol) + ".pkl") == pickle);
      CHECK(format_of("pickle/scalars_" + std::to_string(protocol) + ".pkl") == pickle);
    }
    CHECK(format_of("pickle/python2_0.pkl") == pickle);
    CHECK(format_of("pickle/python2_2.pkl") == pickle);
  }

  TEST_CASE("the checkpoint keeps its file, and knows what to call it") {
    const auto path = vos::test::file("weights/golden/zip/buffer.pth");
    const auto checkpoint = vos::open_checkpoint(path);
    CHECK(checkpoint->where == path.string());
    CHECK(checkpoint->file->mapped());
    CHECK(!vos::open_checkpoint(path, {.map = false})->file->mapped());
    const vos::test::Folder folder;  // a copy in memory outlives the file
    std::filesystem::copy_file(path, folder / "a.pth");
    const auto copy = vos::open_checkpoint(folder / "a.pth", {.map = false});
    std::filesystem::resize_file(folder / "a.pth", 0);
    CHECK(copy->storages.at(1).bytes.size() == 5);
    CHECK(copy->storages.at(1).bytes[4] == 11);
  }

  TEST_CASE("what was written to a shared file's pages is still there when it is opened again") {
    const vos::test::Folder folder;
    const vos::test::MadeZip zip{
        .entries = {{.name = "a/data.pkl", .bytes = std::string(1 << 16, 'N') + "."}}};  // a pickle of some pages
    vos::write_file(folder / "a", zip.bytes());
    const auto file = vos::FileBytes::map(folder / "a");
    vos::open_checkpoint(file, "FILE");
    auto& byte = const_cast<std::uint8_t&>(file->all()[1 << 15]);
    REQUIRE(byte == 'N');
    byte = 0x88;  // "true" for "none"
    try {
      vos::open_checkpoint(file, "FILE");
    } catch (const vos::Error&) {  // the CRC is another now
    }
    CHECK(byte == 0x88);
  }

  TEST_CASE("a checkpoint is moved and never copied, as its texts lie in it") {
    static_assert(std::is_move_constructible_v<vos::Checkpoint> && !std::is_copy_constructible_v<vos::Checkpoint>);
    vos::Checkpoint made;
    made.nodes = {{.kind = vos::NodeKind::text, .text = made.made.emplace_back("short")}};
    const auto moved = std::move(made);
    CHECK(moved.top().text.data() == moved.made.front().data());
  }

  TEST_CASE("a safetensors file whose header's length looks like a pickle is one all the same") {
    std::string header = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
    header.resize(0x0280, ' ');
    CHECK(answer("\x80\x02\0\0\0\0\0\0"s + header + "xy") == "");
    CHECK(answer("\x03\0\0\0\0\0\0\0\n{}"s) == "");
  }

  TEST_CASE("what is no checkpoint is called by its name, with what to do") {
    struct Kind {
      std::string content, what, mend;
    };
    const std::string rest(600, '\1');
    std::string tar(1024, 'x');
    tar.replace(257, 5, "ustar");
    const std::vector<Kind> kinds{
        {"", "the file is empty", "get it again"},
        {std::string(5000, '\0'), "nothing but zeros", "get it again"},
        {"<!DOCTYPE html>\n<html><head>", "a web page", "download it again"},
        {"\xEF\xBB\xBF\n  <HTML lang=en>", "a web page", "download it again"},
        {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "an XML document", "download it again"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a pointer of Git LFS",
         "git lfs pull"},
        {"\x1F\x8B\x08" + rest, "a gzip archive", "gunzip"},
        {"\xFD"
         "7zXZ\0"s +
             rest,
         "an xz archive", "unxz"},
        {"\x28\xB5\x2F\xFD" + rest, "a zstd archive", "unzstd"},
        {"BZh9" + rest, "a bzip2 archive", "bunzip2"},
        {"7z\xBC\xAF\x27\x1C" + rest, "a 7-Zip archive", "7z x"},
        {"Rar!\x1A\x07\x01" + rest, "a RAR archive", "unrar"},
        {tar, "a tar archive", "tar -xf"},
        {"\x89HDF\r\n\x1A\n" + rest, "an HDF5 file", "safetensors"},
        {"\x93NUMPY\x01" + rest, "a numpy array", "numpy.load"},
        {"GGUF\3" + rest, "GGUF", "made from"},
        {"ptrt" + rest, "a TensorRT engine", "made from"},
        {"\x20\0\0\0TFL3"s + rest, "TensorFlow Lite", "made from"},
        {"\x08\x07\x12\x07pytorch\x1A\x05"
         "2.1.0" +
             rest,
         "an ONNX model", "made from"},
        {"\x08\x0A\x3A\xF0\x84\x02" + rest, "an ONNX model", "made from"},
        {"\x08\x01\x12\xF0\x84\x02" + rest, "a TensorFlow SavedModel", "safetensors"},
        {rest + "\x57\xFB\x80\x8B\x24\x75\x47\xDB", "the index of a TensorFlow checkpoint", "TensorFlow"},
        {"MATLAB 5.0 MAT-file, Platform: GLNXA64" + rest, "a MATLAB file", "safetensors"},
        {"\x89PNG\r\n\x1A\n" + rest, "an image", "name the checkpoint"},
        {"\xFF\xD8\xFF\xE0" + rest, "an image", "name the checkpoint"},
        {"\0\0\0\x20"
         "ftypisom"s +
             rest,
         "a video", "name the checkpoint"},
        {"\x7F"
         "ELF\2" +
             rest,
         "a program", "name the checkpoint"},
        {R"({"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}})", "several files", "one by one"},
        {R"( {"architectures": ["Swin"]})", "a JSON document", "belongs to"},
        {"MODEL:\n  META_ARCHITECTURE: MaskFormer\n", "a text", "settings"},
        {"checkpoints are here\n", "a text", "settings"},
        {"\x12\x34\xAB" + rest, "begins with the bytes 12 34 ab 01 01 01 01 01", "safetensors"},
        {"\1", "begins with the bytes 01", "safetensors"},
    };
    for (const auto& kind : kinds) {
      const auto said = answer(kind.content);
      CHECK(says(said, kind.what));
      CHECK(says(said, kind.mend));
    }
  }

  TEST_CASE("signs that are cut short are no signs, and read no further") {
    for (const auto& sign : vos::detail::foreign_signs)
      for (std::size_t length = 0; length < sign.bytes.size(); ++length) {
        const auto content = std::string(sign.at, '\2') + std::string{sign.bytes.substr(0, length)};
        CHECK(answer(content).find(std::string{sign.what}) == std::string::npos);
      }
  }

  TEST_CASE("a folder names what could be meant in it") {
    const vos::test::Folder folder;
    const auto put = [&](const std::string& name) { vos::write_file(folder / name, std::string_view{"x"}); };
    put("config.json");
    CHECK(says(answer_for_path(folder.path()), "no checkpoint lies in it"));
    for (const auto* name : {"b.pth", "a.safetensors"}) put(name);
    CHECK(answer_for_path(folder.path()).ends_with("name a file in it: 'a.safetensors', 'b.pth'"));
    for (int i = 0; i < 5; ++i) put("c" + std::to_string(i) + ".bin");
    CHECK(says(answer_for_path(folder.path()), "'c2.bin' or another of its 7"));
    put("__0_0.distcp");
    CHECK(says(answer_for_path(folder.path()), "dcp_to_torch"));
    std::filesystem::remove(folder / "__0_0.distcp");
    put("data.pkl");
    CHECK(says(answer_for_path(folder.path()), "zip -0 -r"));
  }

  TEST_CASE("a file that is not there is named") {
    const vos::test::Folder folder;
    CHECK(says(answer_for_path(folder / "none.pth"), "cannot be read"));
    CHECK(says(answer_for_path(folder / "none.pth"), "none.pth"));
  }
}
