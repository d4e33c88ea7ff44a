#include <vos/weights/torch_zip.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../test.hpp"
#include "refusal.hpp"
#include "tensor_list.hpp"
#include "zip_maker.hpp"

namespace {

using vos::Checkpoint;
using vos::test::MadeZip;
using vos::test::says;

Checkpoint read(std::shared_ptr<const vos::FileBytes> file, const vos::CheckpointOptions& options = {}) {
  Checkpoint checkpoint{.where = "FILE", .file = std::move(file)};
  vos::read_torch_zip(checkpoint, options);
  return checkpoint;
}

Checkpoint golden(const std::string& name, const vos::CheckpointOptions& options = {}) {
  return read(vos::FileBytes::map(vos::test::file("weights/golden/zip/" + name)), options);
}

std::string refusal(std::vector<std::uint8_t> bytes, const vos::CheckpointOptions& options = {}) {
  return vos::test::refusal([&] { read(vos::FileBytes::of(std::move(bytes)), options); });
}

/// The files of a golden one, to be packed again with changes.
struct Unpacked {
  std::vector<std::uint8_t> content;
  MadeZip zip;

  explicit Unpacked(const std::string& name) : content(vos::read_file(vos::test::file("weights/golden/zip/" + name))) {
    for (const auto& entry : vos::read_zip_directory(content, name))
      zip.entries.push_back({.name = std::string{entry.name}, .bytes = {entry.packed.begin(), entry.packed.end()}});
  }

  vos::test::MadeEntry& at(const std::string& name) {
    for (auto& entry : zip.entries)
      if (entry.name == name) return entry;
    FAIL("no such entry: " << name);
    return zip.entries.front();
  }

  void remove(const std::string& name) {
    std::erase_if(zip.entries, [&](const auto& entry) { return entry.name == name; });
  }

  std::string refusal() const { return ::refusal(zip.bytes()); }
};

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("what torch.save wrote is read, bit for bit") {
    const auto files = vos::test::tensor_list("zip/tensors.tsv");
    REQUIRE(files.size() == 9);
    for (const auto& [file, tensors] : files) {
      CAPTURE(file);
      const auto checkpoint = golden(file);
      CHECK(checkpoint.format == vos::CheckpointFormat::torch_zip);
      vos::test::check_tensor_list(checkpoint, tensors);
    }
  }

  TEST_CASE("numbers stay where the file was mapped") {
    const auto checkpoint = golden("views.pth");
    const auto file = checkpoint.file->all();
    REQUIRE(checkpoint.file->mapped());
    for (const auto& storage : checkpoint.storages) {
      if (storage.bytes.empty()) continue;
      CHECK(storage.bytes.data() >= file.data());
      CHECK(storage.bytes.data() + storage.bytes.size() <= file.data() + file.size());
    }
  }

  TEST_CASE("what lies beside the tensors is a tree") {
    const auto checkpoint = golden("training.pth");
    const auto& top = checkpoint.top();
    REQUIRE(top.kind == vos::NodeKind::dict);
    CHECK(checkpoint.find(top, "epoch")->integer == 7);
    const auto* best = checkpoint.find(top, "best");
    REQUIRE(best->kind == vos::NodeKind::tuple);
    CHECK(checkpoint.node(best->items[0]).real == 0.5);
    CHECK(checkpoint.node(best->items[1]).kind == vos::NodeKind::none);
    CHECK(checkpoint.node(best->items[2]).kind == vos::NodeKind::boolean);
    const auto* groups = checkpoint.find(*checkpoint.find(top, "optimizer"), "param_groups");
    REQUIRE(groups->kind == vos::NodeKind::list);
    CHECK(checkpoint.find(checkpoint.node(groups->items[0]), "lr")->real == 1e-3);
  }

  TEST_CASE("a file that is cut short anywhere is refused") {
    for (const auto* name : {"buffer.pth", "no_crc.pth", "streamed_again.pth"}) {
      const auto bytes = vos::read_file(vos::test::file(std::string{"weights/golden/zip/"} + name));
      for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE(refusal({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)})
                    .find("the archive ends before its directory") != std::string::npos);
    }
  }

  TEST_CASE("a changed byte in the numbers or in the tree is noticed") {
    const auto bytes = vos::read_file(vos::test::file("weights/golden/zip/buffer.pth"));
    for (const auto& entry : vos::read_zip_directory(bytes, "FILE")) {
      if (!entry.name.ends_with("data.pkl") && entry.name.find("/data/") == std::string_view::npos) continue;
      for (std::size_t i = 0; i < entry.packed.size(); ++i) {
        auto changed = bytes;
        changed[static_cast<std::size_t>(entry.packed.data() - bytes.data()) + i] ^= 16;
        REQUIRE(says(refusal(changed), "its bytes are not those that were saved"));
      }
    }
  }

  TEST_CASE("CRCs are looked at where there are any") {
    Unpacked file{"buffer.pth"};
    CHECK(file.refusal() == "");
    file.at("archive/data/0").crc = 0x12345678;
    CHECK(says(file.refusal(), "their CRC is"));
    CHECK(says(file.refusal(), "not 12345678"));
    CHECK(says(file.refusal(), "FILE, 'archive/data/0'"));
    CHECK(refusal(file.zip.bytes(), {.check_crc = false}) == "");
    // One that is gone among others that are there is no file saved without.
    file.at("archive/data/0").crc = 0;
    CHECK(says(file.refusal(), "torch.serialization.skip_data"));
    for (auto& entry : file.zip.entries) entry.crc = 0;
    CHECK(file.refusal() == "");
  }

  TEST_CASE("numbers that were left out when saving are not taken for zeros") {
    CHECK_THROWS_WITH_AS(golden("skipped.pth"), doctest::Contains("torch.serialization.skip_data"), vos::Error);
    CHECK(golden("skipped.pth", {.check_crc = false}).tensors.size() == 2);  // filled in later, who knows how
  }

  TEST_CASE("a storage that is not there or has another size is refused") {
    Unpacked lacking{"buffer.pth"};
    lacking.remove("archive/data/1");
    CHECK(says(lacking.refusal(), "lacks the numbers of storage '1'"));
    for (const auto* bytes : {"", "123", "123456"}) {
      Unpacked other{"buffer.pth"};
      other.at("archive/data/1").bytes = bytes;
      CHECK(says(other.refusal(), "tensor 'b'"));
      CHECK(says(other.refusal(), "claims 5 numbers"));
    }
  }

  TEST_CASE("byte order: little or not said") {
    Unpacked file{"buffer.pth"};
    file.at("archive/byteorder").bytes = "big";
    CHECK(says(file.refusal(), "big-endian"));
    file.at("archive/byteorder").bytes = "middle\33[2J";
    CHECK(says(file.refusal(), "its byte order is 'middle\\x1b[2J'"));
    file.remove("archive/byteorder");
    CHECK(file.refusal() == "");
  }

  TEST_CASE("the files may lie in any folder, or in none") {
    for (const std::string folder : {"", "some name/", "a/b/c/", "\xE6\xA8\xA1/"}) {
      Unpacked file{"buffer.pth"};
      for (auto& entry : file.zip.entries) entry.name = folder + entry.name.substr(std::string{"archive/"}.size());
      CHECK(file.refusal() == "");
    }
    Unpacked twice{"buffer.pth"};
    const auto once = twice.zip.entries;
    for (auto entry : once) {
      entry.name = "other/" + entry.name;
      twice.zip.entries.push_back(entry);
    }
    CHECK(says(twice.refusal(), "a zip of several checkpoints"));
  }

  TEST_CASE("names that would lead elsewhere are names like others: nothing is unpacked") {
    Unpacked file{"buffer.pth"};
    file.zip.entries.push_back({.name = "../../../etc/passwd", .bytes = "x"});
    CHECK(file.refusal() == "");
  }

  TEST_CASE("a compressed archive says how to make it an uncompressed one") {
    try {
      golden("deflated.pth");
      FAIL("accepted");
    } catch (const vos::Error& e) {
      CHECK(says(e.parts().what, "compressed"));
      CHECK(says(e.parts().where, "FILE, 'archive/"));
      CHECK(says(e.parts().mend, "torch.save"));
    }
  }

  TEST_CASE("archives of other kinds say what they are and what to do") {
    struct Kind {
      std::vector<std::string> files;
      std::string what, mend;
    };
    const std::vector<Kind> kinds{
        {{"m/data/0", "m/data.pkl", "m/code/__torch__/m.py", "m/constants.pkl", "m/version"},
         "TorchScript",
         "torch.jit.load"},
        {{"m/data/weights/weight_0", "m/models/model.json", "m/archive_format"}, "torch.export", "torch.export.load"},
        {{"m/.data/0.storage", "m/model/model.pkl", "m/.data/extern_modules", "m/.data/python_version"},
         "a torch.package",
         "PackageImporter"},
        {{"m/version", "m/.data/serialization_id"}, "torch.save stopped before the tree was written", "save it again"},
        {{"m/byteorder"}, "torch.save stopped before the tree was written", "save it again"},
        {{"arr_0.npy", "weight.npy"}, "numpy arrays (.npz)", "numpy.load"},
        {{"config.json", "model.weights.h5"}, "Keras", "convert"},
        {{"readme.txt", "models/r50.pth"}, "such as 'models/r50.pth'", "unzip"},
        {{"word/document.xml"}, "no data.pkl, but 'word/document.xml'", "name a checkpoint"},
        {{}, "no data.pkl", "name a checkpoint"},
    };
    for (const auto& kind : kinds) {
      MadeZip zip;
      for (const auto& file : kind.files) zip.entries.push_back({.name = file, .bytes = "x"});
      const auto message = refusal(zip.bytes());
      CHECK(says(message, kind.what));
      CHECK(says(message, kind.mend));
    }
  }
}
