#include <vos/io/zip.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "../refusal.hpp"
#include "../test.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string refusal(const auto& act) { return vos::test::refused(act).parts().what; }

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("what is zipped is read again") {
    const vos::test::Folder folder;
    vos::ZipWriter out{folder / "a.zip"};
    out.add("judo/00000.png", bytes_of("one"));
    out.add("empty.txt", {});
    out.add("long", Bytes(1 << 20, 7));
    CHECK(!std::filesystem::exists(folder / "a.zip"));  // whole or not at all
    out.finish();
    const vos::ZipReader in{folder / "a.zip"};
    CHECK(in.names() == std::vector<std::string>{"judo/00000.png", "empty.txt", "long"});
    CHECK(in.read("judo/00000.png") == bytes_of("one"));
    CHECK(in.read("empty.txt").empty());
    CHECK(in.read("long") == Bytes(1 << 20, 7));
    CHECK(refusal([&] { in.read("short"); }) == "it holds no 'short'");
    CHECK(std::filesystem::file_size(folder / "a.zip") < 10'000);
    const vos::ZipReader memory{vos::read_file(folder / "a.zip"), "memory"};
    CHECK(memory.read("judo/00000.png") == bytes_of("one"));
  }

  TEST_CASE("the same files give the same zip, byte for byte") {
    const vos::test::Folder folder;
    for (const auto* name : {"a.zip", "b.zip"}) {
      vos::ZipWriter out{folder / name};
      out.add("x", bytes_of("same"));
      out.finish();
    }
    CHECK(vos::read_file(folder / "a.zip") == vos::read_file(folder / "b.zip"));
  }

  TEST_CASE("a zip given up in between leaves nothing behind") {
    const vos::test::Folder folder;
    {
      vos::ZipWriter out{folder / "a.zip"};
      out.add("x", bytes_of("y"));
    }
    CHECK(std::filesystem::is_empty(folder.path()));
  }

  TEST_CASE("names that leave the folder are no names for a file in a zip") {
    for (const auto* name : {"", "/etc/passwd", "../a", "a/../../b", "a/..", "C:/a", "a\\b"})
      CHECK(!vos::stays_below(name));
    for (const auto* name : {"a", "a/b.png", "..a", "a../b", "a/...", "."}) CHECK(vos::stays_below(name));
    const vos::test::Folder folder;
    vos::ZipWriter out{folder / "a.zip"};
    CHECK_THROWS_AS(out.add("../a", {}), vos::Error);
    out.add("a", {});
    CHECK_THROWS_AS(out.add("a", {}), vos::Error);
  }

  TEST_CASE("an archive beyond its limits is refused before it is unpacked") {
    const vos::test::Folder folder;
    vos::ZipWriter out{folder / "a.zip"};
    for (const auto* name : {"a", "b", "c"}) out.add(name, Bytes(5000, 0));
    out.finish();
    CHECK(refusal([&] { vos::ZipReader(folder / "a.zip", {.entries = 2}); }) == "it holds 3 files");
    const vos::ZipReader small{folder / "a.zip", {.entry_bytes = 4999}};
    CHECK(refusal([&] { small.read("a"); }) == "'a' claims to unpack to 5000 bytes");
    auto lies = vos::read_file(folder / "a.zip");
    for (std::size_t i = 0; i + 46 < lies.size(); ++i)  // the uncompressed size in each entry of the central directory
      if (lies[i] == 'P' && lies[i + 1] == 'K' && lies[i + 2] == 1 && lies[i + 3] == 2) lies[i + 27] = 0x7F;
    CHECK(refusal([&] { vos::ZipReader(lies, "lies").read("a"); }).find("claims to unpack to 2130") !=
          std::string::npos);
  }

  TEST_CASE("a file that claims more of the archive than there is, or to be longer than it is, is refused") {
    const vos::test::Folder folder;
    vos::ZipWriter out{folder / "a.zip"};
    out.add("a", Bytes(5000, 0));
    out.finish();
    const auto whole = vos::read_file(folder / "a.zip");
    const auto with = [&](std::initializer_list<std::pair<std::size_t, std::uint8_t>> changes) {
      auto lies = whole;
      for (std::size_t i = 0; i + 46 < lies.size(); ++i)
        if (lies[i] == 'P' && lies[i + 1] == 'K' && lies[i + 2] == 1 && lies[i + 3] == 2)
          for (const auto& [at, to] : changes) lies[i + at] = to;
      return refusal([&] { vos::ZipReader(lies, "lies").read("a"); });
    };
    // Entries of the central directory: 20 is the packed size, 24 the unpacked one, lowest byte first.
    CHECK(with({{23, 0x7F}, {27, 0x7F}}).find("'a' claims to take 2130") == 0);
    CHECK(with({{25, 0x14}}) == "'a' is damaged: it is shorter than it claims");
  }

  TEST_CASE("a damaged, cut or encrypted archive is an Error") {
    const vos::test::Folder folder;
    vos::ZipWriter out{folder / "a.zip"};
    std::string text;
    for (int i = 0; i < 500; ++i) text += std::to_string(i * i);
    out.add("a", bytes_of(text));
    out.finish();
    const auto whole = vos::read_file(folder / "a.zip");
    auto flipped = whole;
    flipped[60] ^= 0x10;
    CHECK(refusal([&] { vos::ZipReader(flipped, "flipped").read("a"); }).find("'a' is damaged") == 0);
    CHECK(refusal([&] {
            vos::ZipReader(Bytes(whole.begin(), whole.end() - 20), "cut");
          }).find("cannot be read as a zip") == 0);
    CHECK(refusal([&] { vos::ZipReader(Bytes{}, "nothing"); }) == "it holds no files");
    CHECK(refusal([&] { vos::ZipReader(folder / "b.zip"); }) == "there is no such file");

    int code = 0;
    auto* archive = zip_open((folder / "locked.zip").c_str(), ZIP_CREATE, &code);
    REQUIRE(archive != nullptr);
    const auto index = zip_file_add(archive, "a", zip_source_buffer(archive, "abc", 3, 0), 0);
    REQUIRE(zip_file_set_encryption(archive, static_cast<zip_uint64_t>(index), ZIP_EM_AES_128, "password") == 0);
    REQUIRE(zip_close(archive) == 0);
    CHECK(refusal([&] { vos::ZipReader(folder / "locked.zip").read("a"); }) == "'a' is encrypted");
  }
}
