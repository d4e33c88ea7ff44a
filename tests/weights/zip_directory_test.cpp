#include <vos/weights/zip_directory.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "../test.hpp"
#include "refusal.hpp"
#include "zip_maker.hpp"

namespace {

using vos::test::MadeEntry;
using vos::test::MadeZip;
using vos::test::says;

std::string text_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

std::string refusal(const std::vector<std::uint8_t>& bytes, std::size_t most = 1 << 20) {
  return vos::test::refusal([&] {
    for (const auto& entry : vos::read_zip_directory(bytes, "FILE", most)) vos::stored_bytes(entry, "FILE");
  });
}

std::string refusal(const MadeZip& zip) { return refusal(zip.bytes()); }

/// The same with one honest file before and one behind.
std::string refusal(const MadeEntry& entry) {
  return refusal(MadeZip{.entries = {{.name = "a", .bytes = "before"}, entry, {.name = "z", .bytes = "behind"}}});
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("a zip's files are found where they lie, in every form that zip has for sizes") {
    for (const bool wide : {false, true})
      for (const bool wide_end : {false, true})
        for (const bool descriptor : {false, true})
          for (const int width : {4, 8})
            for (const bool signature : {false, true}) {
              const MadeZip zip{.entries = {{.name = "x/data.pkl",
                                             .bytes = "tree",
                                             .wide = wide,
                                             .descriptor = descriptor,
                                             .descriptor_width = width,
                                             .descriptor_signature = signature,
                                             .own_extra = MadeZip::field(0x4246, "ZZZ")},
                                            {.name = "x/data/0", .bytes = std::string(300, 'n'), .gap = "nobody's"},
                                            {.name = "x/data/1", .wide = wide, .descriptor = descriptor}},
                                .wide = wide_end};
              const auto bytes = zip.bytes();
              const auto entries = vos::read_zip_directory(bytes, "FILE");
              REQUIRE(entries.size() == 3);
              CHECK(entries[0].name == "x/data.pkl");
              CHECK(text_of(entries[0].packed) == "tree");
              CHECK(entries[0].crc == vos::test::crc_of("tree"));
              CHECK(text_of(entries[1].packed) == std::string(300, 'n'));
              CHECK(entries[2].packed.empty());
              CHECK(entries[0].packed.data() >= bytes.data());  // a view, no copy
              CHECK(entries[0].packed.data() < bytes.data() + bytes.size());
            }
  }

  TEST_CASE("a comment may follow, and may look like an end record") {
    const MadeZip plain{.entries = {{.name = "a", .bytes = "b"}}};
    for (const auto& comment : {std::string{"made on Monday"}, std::string(0xFFFF, 'c'), std::string{"PK\5\6"},
                                MadeZip{}.text().substr(0, 20)}) {
      auto zip = plain;
      zip.comment = comment;
      CHECK(refusal(zip) == "");
    }
    for (const bool wide : {false, true})
      for (const auto& comment : {std::string{}, std::string{"made on Monday"}}) {
        auto followed = plain;
        followed.wide = wide;
        followed.comment = comment;
        for (const auto zeros : {1, 22, 512, 70'000}) {
          followed.behind = std::string(static_cast<std::size_t>(zeros), '\0');
          CHECK(refusal(followed) == "");
        }
        followed.behind = "\n";
        CHECK(says(refusal(followed), "1 bytes stand behind the archive"));
      }
  }

  TEST_CASE("an archive without files is one") {
    CHECK(vos::read_zip_directory(MadeZip{}.bytes(), "FILE").empty());
    CHECK(vos::read_zip_directory(MadeZip{.wide = true}.bytes(), "FILE").empty());
  }

  TEST_CASE("an archive that is cut short anywhere is refused") {
    for (const bool wide : {false, true}) {
      const auto bytes = MadeZip{.entries = {{.name = "a", .bytes = "one", .descriptor = true},
                                             {.name = "b", .bytes = "two", .wide = wide}},
                                 .wide = wide}
                             .bytes();
      for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE(says(refusal({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}),
                     "the archive ends before its directory"));
    }
  }

  TEST_CASE("no single changed byte is read beyond the archive, and those of the lists are noticed") {
    const auto bytes = MadeZip{.entries = {{.name = "a", .bytes = "one", .descriptor = true},
                                           {.name = "b", .bytes = "two", .wide = true}},
                               .wide = true}
                           .bytes();
    const auto whole = vos::read_zip_directory(bytes, "FILE");
    std::size_t refused = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const int bit : {0, 7}) {
        auto changed = bytes;
        changed[at] ^= static_cast<std::uint8_t>(1 << bit);
        try {
          for (const auto& entry : vos::read_zip_directory(changed, "FILE")) {
            REQUIRE(entry.packed.data() >= changed.data());
            REQUIRE(entry.packed.data() + entry.packed.size() <= changed.data() + changed.size());
          }
        } catch (const vos::Error&) {
          ++refused;
        }
      }
    CHECK(refused > bytes.size());  // of two for each byte; times, versions and attributes are nobody's concern
  }

  TEST_CASE("entries that share bytes are refused") {
    // Both directory lines name the first file's header, as zip bombs do.
    const MadeZip same{.entries = {{.name = "a", .bytes = "one"}, {.name = "a", .bytes = "one", .at = 0}}};
    CHECK(says(refusal(same), "two files named 'a'"));
    // The second begins inside the first one's bytes, where a header of its own was put.
    const auto inner = MadeZip{.entries = {{.name = "b", .bytes = "x"}}}.text().substr(0, 32);
    CHECK(says(refusal(MadeZip{.entries = {{.name = "a", .bytes = inner}, {.name = "b", .bytes = "x", .at = 31}}}),
               "'b' begins inside 'a'"));
    // The second begins inside what stands behind the first one's bytes.
    CHECK(says(refusal(MadeZip{.entries = {{.name = "a", .bytes = "one", .descriptor = true},
                                           {.name = "b", .bytes = "x", .at = 36}}}),
               "there is no file where the directory says"));
  }

  TEST_CASE("a name that stands twice is refused") {
    CHECK(says(refusal(MadeZip{.entries = {{.name = "a", .bytes = "1"}, {.name = "b"}, {.name = "a", .bytes = "2"}}}),
               "two files named 'a'"));
  }

  TEST_CASE("names that were chosen to collide cost no more than others") {
    // Sixteen bytes that libstdc++'s hash of texts makes one number of, whatever the first eight: MurmurHash64A, undone.
    constexpr std::uint64_t factor = 0xc6a4a7935bd1e995;
    std::uint64_t inverse = factor;
    for (int i = 0; i < 6; ++i) inverse *= 2 - factor * inverse;
    const auto shifted = [](std::uint64_t value) { return value ^ (value >> 47); };
    MadeZip zip{.wide = true};
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      const auto hash = ((0xc70f6907 ^ 16 * factor) ^ shifted(i * factor) * factor) * factor;
      const auto second = shifted(((12345 * inverse) ^ hash) * inverse) * inverse;
      zip.entries.push_back({.name = MadeZip::number(i, 8) + MadeZip::number(second, 8)});
    }
    zip.narrow_count = 0xFFFF;
#ifdef __GLIBCXX__
    const std::hash<std::string> hash;
    CHECK(hash(zip.entries[0].name) == hash(zip.entries[99'999].name));
#endif
    CHECK(refusal(zip) == "");
  }

  TEST_CASE("entries beyond the archive are refused, whatever they add up to") {
    for (const std::uint64_t far :
         {std::uint64_t{5000}, std::uint64_t{1} << 32, ~std::uint64_t{0}, ~std::uint64_t{0} - 29})
      CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .wide = true, .at = far}), "beyond the files' part"));
    for (const std::uint64_t large :
         {std::uint64_t{5000}, std::uint64_t{1} << 40, ~std::uint64_t{0} - 29, ~std::uint64_t{0}})
      CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .wide = true, .size = large, .packed = large}),
                 "beyond the files' part"));
    // It fits behind 30 bytes of header, but not behind the name as well.
    const std::string name(50, 'n');
    CHECK(says(refusal(MadeZip{.entries = {{.name = name, .bytes = "x", .size = 40, .packed = 40}}}),
               "reach into the directory"));
  }

  TEST_CASE("sizes that only zip64 can say must be said") {
    CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .wide = true, .lacks_wide_field = true}),
               "'b' has no zip64 field"));
    CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .wide = true, .lacks_own_wide_field = true}),
               "its own header has no zip64 field"));
    // A field that is cut short, and one whose length leads out of the extra fields.
    for (const auto& field :
         {MadeZip::field(1, "1234567"), MadeZip::number(1, 2) + MadeZip::number(24, 2) + "12345678"})
      CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .wide = true, .extra = field, .lacks_wide_field = true}),
                 "'b' has no zip64 field"));
  }

  TEST_CASE("a file's own header must say what the directory says") {
    const auto own = [](MadeEntry entry) {
      entry.name = "b";
      entry.bytes = "bytes";
      return refusal(entry);
    };
    CHECK(own({.name = ""}) == "");
    CHECK(says(own({.name = "", .own_name = "c"}), "'b': its own header has another name"));
    CHECK(says(own({.name = "", .own_name = "bb"}), "another name"));
    CHECK(says(own({.name = "", .own_crc = 1}), "another CRC"));
    CHECK(says(own({.name = "", .own_size = 4}), "another size"));
    CHECK(says(own({.name = "", .own_method = std::uint16_t{8}}), "packed another way"));
    CHECK(says(own({.name = "", .wide = true, .own_size = 4}), "another size"));
    CHECK(says(own({.name = "", .descriptor = true, .own_size = 4}), "another size"));
    CHECK(says(own({.name = "", .descriptor = true, .descriptor_crc = 1}), "what stands behind its bytes"));
    CHECK(says(own({.name = "", .at = 1}), "no file where the directory says"));
    CHECK(says(own({.name = "", .size = 4}), "not packed and yet of two sizes"));
  }

  TEST_CASE("what cannot be used in place is refused with what to do") {
    CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .method = 8}), "the archive is compressed"));
    CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .flags = 1}), "'b' is encrypted"));
    CHECK(says(refusal(MadeEntry{.name = "b", .bytes = "x", .disk = 1}), "one part of several"));
    CHECK(says(refusal(MadeZip{.entries = {{.name = "a"}}, .disk = 1}), "one part of several"));
    CHECK(says(refusal(MadeZip{.entries = {{.name = "a"}}, .wide = true, .disks = 2}), "one part of several"));
  }

  TEST_CASE("a directory that lies about itself is refused") {
    const std::vector<MadeEntry> two{{.name = "a", .bytes = "1"}, {.name = "b", .bytes = "2"}};
    for (const bool wide : {false, true}) {
      CHECK(says(refusal(MadeZip{.entries = two, .wide = wide, .count = 1}), "longer than the files it lists"));
      CHECK(says(refusal(MadeZip{.entries = two, .wide = wide, .count = 3}), "shorter than the files it claims"));
      CHECK(says(refusal(MadeZip{.entries = two, .wide = wide, .directory_at = 3}), "does not end where"));
      CHECK(says(refusal(MadeZip{.entries = two, .wide = wide, .directory_size = 90}), "does not end where"));
      // Two names long enough that a third header would fit.
      auto long_names = two;
      for (auto& entry : long_names) entry.name += std::string(30, 'n');
      CHECK(says(refusal(MadeZip{.entries = long_names, .wide = wide, .count = 3}), "its directory is damaged"));
    }
    const auto most = ~std::uint64_t{0};
    CHECK(says(refusal(MadeZip{.entries = two, .wide = true, .directory_at = most - 3, .directory_size = most}),
               "does not end where"));
    CHECK(says(refusal(MadeZip{.entries = two, .wide = true, .count = most, .narrow_count = 0xFFFF}), "it holds"));
    CHECK(says(refusal(MadeZip{.entries = two, .wide = true, .narrow_count = 1}), "its two end records disagree"));
    for (const auto at : {std::uint64_t{0}, std::uint64_t{1} << 40, most - 10})
      CHECK(says(refusal(MadeZip{.entries = two, .wide = true, .wide_at = at}), "not where the locator says"));
  }

  TEST_CASE("an archive of more files than are allowed is refused before they are listed") {
    MadeZip zip;
    for (int i = 0; i < 20; ++i) zip.entries.push_back({.name = std::to_string(i)});
    CHECK(refusal(zip.bytes(), 20) == "");
    CHECK(says(refusal(zip.bytes(), 19), "it holds 20 files"));
  }
}
