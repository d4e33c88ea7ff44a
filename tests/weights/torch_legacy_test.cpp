#include <vos/weights/torch_legacy.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/io/files.hpp>

#include "../test.hpp"
#include "tensor_list.hpp"

namespace {

using vos::Checkpoint;
using vos::CheckpointOptions;
using vos::NodeKind;
using Bytes = std::vector<std::uint8_t>;

Checkpoint read(std::shared_ptr<const vos::FileBytes> file, const CheckpointOptions& options = {}) {
  Checkpoint checkpoint{.where = "FILE", .file = std::move(file)};
  vos::read_torch_legacy(checkpoint, options);
  return checkpoint;
}

Bytes bytes_of(const std::string& name) { return vos::read_file(vos::test::file("weights/golden/legacy/" + name)); }
Checkpoint golden(const std::string& name, const CheckpointOptions& options = {}) {
  return read(vos::FileBytes::map(vos::test::file("weights/golden/legacy/" + name)), options);
}

/// What is wrong with a file; empty where nothing is.
std::string refusal(Bytes bytes, const CheckpointOptions& options = {}) {
  try {
    read(vos::FileBytes::of(std::move(bytes)), options);
    return "";
  } catch (const vos::Error& e) {
    CHECK(e.parts().where.starts_with("FILE"));
    CHECK(!e.parts().mend.empty());
    return e.what();
  }
}

/// The file with the first `old` in it replaced.
Bytes changed(const std::string& name, std::string_view old, std::string_view now) {
  auto bytes = bytes_of(name);
  const auto at = std::search(bytes.begin(), bytes.end(), old.begin(), old.end(),
                              [](std::uint8_t a, char b) { return static_cast<char>(a) == b; });
  REQUIRE(at != bytes.end());
  REQUIRE(old.size() == now.size());
  std::copy(now.begin(), now.end(), at);
  return bytes;
}

void check_refused(Bytes bytes, const std::string& words) {
  const auto message = refusal(std::move(bytes));
  INFO(message);
  CHECK(message.find(words) != std::string::npos);
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("what torch.save wrote before 1.6 is read, bit for bit") {
    const auto files = vos::test::tensor_list("legacy/tensors.tsv");  // see make_torch_legacy.py
    REQUIRE(files.size() == 10);
    for (const auto& [file, lines] : files) {
      CAPTURE(file);
      const auto checkpoint = golden(file);
      CHECK(checkpoint.format == vos::CheckpointFormat::torch_legacy);
      vos::test::check_tensor_list(checkpoint, lines);
    }
  }

  TEST_CASE("quantised tensors of the older format keep scale and zero point") {
    const auto checkpoint = golden("dtypes.pth");
    int seen = 0;
    for (const auto& tensor : checkpoint.tensors) {
      const bool quantised = vos::info_of(tensor.dtype).name.starts_with("q");
      CHECK(tensor.scale == (quantised ? 0.25 : 0));
      CHECK(tensor.zero_point == (quantised ? 5 : 0));
      seen += quantised;
    }
    CHECK(seen == 3);
  }

  TEST_CASE("what lies beside the tensors keeps its type and value") {
    const auto checkpoint = golden("containers.pth");
    const auto& top = checkpoint.top();
    const auto at = [&](std::string_view key) -> const vos::CheckpointNode& {
      CAPTURE(key);
      const auto* node = checkpoint.find(top, key);
      REQUIRE(node != nullptr);
      return *node;
    };
    const auto item = [&](const vos::CheckpointNode& node, std::size_t i) -> const vos::CheckpointNode& {
      REQUIRE(i < node.items.size());
      return checkpoint.node(node.items[i]);
    };
    CHECK(at("args").kind == NodeKind::object);
    CHECK(at("args").text == "argparse.Namespace");
    const auto& state = item(at("args"), 1);
    REQUIRE(checkpoint.find(state, "lr") != nullptr);
    CHECK(checkpoint.find(state, "lr")->real == 1e-4);
    CHECK(at("cfg").kind == NodeKind::dict);
    CHECK(at("cfg").text == "yacs.config.CfgNode");
    CHECK(checkpoint.find(at("cfg"), "LR")->real == 0.5);
    CHECK(item(*checkpoint.find(*checkpoint.find(at("cfg"), "MODEL"), "NAMES"), 1).text == "b");
    CHECK(checkpoint.find(at("counts"), "a")->integer == 2);
    CHECK(item(*checkpoint.find(at("default"), "x"), 1).integer == 2);
    CHECK(at("path").text == "pathlib.PurePosixPath");
    CHECK(at("set").kind == NodeKind::set);
    CHECK(item(at("set"), 0).integer == 3);
    CHECK(at("frozen").kind == NodeKind::set);
    CHECK(at("bytes").kind == NodeKind::bytes);
    CHECK(at("bytes").text == std::string_view{"\x00\xff", 2});
    CHECK(at("mutable").text == "xyz");
    CHECK(at("complex").text == "builtins.complex");
    CHECK(at("large").text == "0x400000000000000000");
    CHECK(at("negative").text == "-0x400000000000000000");
    CHECK(item(at("edge"), 0).integer == INT64_MAX);
    CHECK(item(at("edge"), 1).integer == INT64_MIN);
    CHECK(item(at("edge"), 1).text.empty());
    CHECK(item(at("edge"), 2).text == "0x8000000000000000");
    CHECK(item(at("edge"), 3).integer == -1);
    CHECK(item(at("edge"), 6).integer == 65536);
    CHECK(at("size").kind == NodeKind::tuple);
    CHECK(at("dtype").text == "torch.bfloat16");
    CHECK(at("device").text == "torch.device");
    CHECK(at("none").kind == NodeKind::none);
    CHECK(item(at("truth"), 0).kind == NodeKind::boolean);
    CHECK(item(at("truth"), 0).integer == 1);
    CHECK(item(at("truth"), 1).integer == 0);
    CHECK(item(at("real"), 1).real == std::numeric_limits<double>::infinity());
    CHECK(at("text").text == "löwe");
  }

  TEST_CASE("every beginning of a file is refused") {
    for (const auto* name : {"views.pth", "storage_views.pth", "protocol1.pth", "protocol4.pth"}) {
      CAPTURE(name);
      const auto whole = bytes_of(name);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK(!refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
      }
      CHECK(refusal(whole).empty());
    }
  }

  TEST_CASE("a whole pickled model is told from weights") {
    const auto message = refusal(bytes_of("whole_module.pth"));
    CHECK(message.find("a whole pickled model") != std::string::npos);
    CHECK(message.find("'net.Net'") != std::string::npos);
    CHECK(message.find("torch.save(model.state_dict(), 'weights.pth')") != std::string::npos);
    const auto kept = golden("whole_module.pth", {.unknown = vos::UnknownTypes::keep});
    std::vector<std::string> paths;
    vos::for_each_tensor(kept, kept.root, [&](const std::string& path, vos::NodeId) { paths.push_back(path); });
    CHECK(paths == std::vector<std::string>{"_parameters.scale"});
  }

  TEST_CASE("files of the older format that lie are refused") {
    using namespace std::string_literals;
    // The storage's count stands before its numbers.
    const auto count = "\6\0\0\0\0\0\0\0"s;
    check_refused(changed("protocol3.pth", count, "\7\0\0\0\0\0\0\0"s), "has 7 numbers, its tensors expect 6");
    check_refused(changed("protocol3.pth", count, "\0\0\0\0\0\0\0\x80"s), "its tensors expect 6");
    check_refused(changed("protocol3.pth", "M\xe9\3.", "M\xea\3."), "a format of torch.save that is not known");
    check_refused(changed("protocol3.pth", "(X\x10\0\0\0proto"s, "0X\x10\0\0\0proto"s), "FILE, byte 135");
    check_refused(changed("protocol3.pth", "little_endian", "large__endian"), "big-endian machine");
    check_refused(changed("protocol3.pth", "little_endian", "large__endian"), "safetensors.torch.save_file");
    check_refused(changed("protocol3.pth", "\x6c\xfc", "\x6c\xfd"), "does not begin as torch.save's do");
    // The sizes of its first tensor, on a storage of 6.
    check_refused(changed("protocol3.pth", "K\2K\3\x86", "K\3K\3\x86"), "reach byte 36 of a storage of 24");
    // The list of the storages' keys, and what tensors say of them.
    check_refused(changed("storage_views.pth", "17q\1a.", "18q\1a."), "storage '18' belongs to no tensor");
    check_refused(changed("storage_views.pth",
                          "q\0X\2\0\0\0"
                          "17q\1a."s,
                          "q\0U\2"
                          "17U\2"
                          "17e.."s),
                  "needs a mark");
    check_refused(changed("storage_views.pth",
                          "]q\0X\2\0\0\0"
                          "17q\1a."s,
                          "](X\2\0\0\0"
                          "172N0e."s),
                  "is there twice");
    check_refused(changed("storage_views.pth",
                          "]q\0X\2\0\0\0"
                          "17q\1a."s,
                          "}q\0X\2\0\0\0"
                          "17q\1"
                          "0."s),
                  "is no list");
    check_refused(changed("storage_views.pth", "a.\6\0"s, "0.\6\0"s), "storage '17' is not in the file");
    check_refused(changed("storage_views.pth", "K\3K\3\x87", "K\3K\4\x87"), "a view that leaves its storage");
    check_refused(changed("storage_views.pth", "K\6Nt", "K\5Nt"), "has 5 numbers here and 6 elsewhere");
  }

  TEST_CASE("a tar of 2017 is told what to do with") {
    Bytes tar(1024);
    const std::string_view name = "./storages", magic = "ustar";
    std::copy(name.begin(), name.end(), tar.begin());
    std::copy(magic.begin(), magic.end(), tar.begin() + 257);
    check_refused(tar, "before 0.1.10");
  }
}
