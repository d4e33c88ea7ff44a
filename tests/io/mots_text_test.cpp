#include <vos/io/mots_text.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <vos/io/mots_labels.hpp>
#include <vos/wire/rle_encode.hpp>

#include "../test.hpp"

namespace {

using Ids = std::vector<vos::ObjectId>;

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(vos::mots_from_text(text, "0001.txt"));
    return "accepted";
  } catch (const vos::Error& e) {
    return e.parts().what + " | " + e.parts().where;
  }
}

void write(const std::filesystem::path& path, const std::string& text) { vos::write_file(path, text); }

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("KITTI-MOTS text is read, and written as it was") {
    const std::string text = "0 1000 1 2 3 132\n0 2001 2 2 3 411\n7 10000 10 2 3 06\n";
    const auto frames = vos::mots_from_text(text, "0001.txt");
    REQUIRE(frames.size() == 2);
    const auto& first = frames.at(0);
    REQUIRE(first.size() == 2);
    CHECK(first[0].id == 1000);
    CHECK(first[0].mask.counts == std::vector<std::uint32_t>{1, 3, 2});
    CHECK(vos::mots_class_of(first[1].id) == 2);
    CHECK(frames.at(7).at(0).id == vos::mots_ignored);
    CHECK(vos::mots_class_of(vos::mots_ignored) == 10);
    std::string again;
    for (const auto& [frame, objects] : frames)
      for (const auto& object : objects) again += vos::mots_line(frame, object);
    CHECK(again == text);
    CHECK(vos::mots_from_text("0 1000 1 2 3 132\r\n\n", "a").size() == 1);  // line ends of Windows, an empty line
    CHECK(vos::mots_from_text("", "a").empty());
  }

  TEST_CASE("faults of MOTS text are named with their line") {
    CHECK(refusal("0 1000 1 2 3") == "not six words | 0001.txt, line 1");
    CHECK(refusal("0 1000 1 2 3 132 x") == "not six words | 0001.txt, line 1");
    CHECK(refusal("0 1000 1 2 3 132\n0 a 1 2 3 6").find("'a' is not a number from 0 to") == 0);
    CHECK(refusal("0 1000 1 2 3 132\n0 a 1 2 3 6").find("| 0001.txt, line 2") != std::string::npos);
    CHECK(refusal("-1 1000 1 2 3 6").find("'-1' is not a number") == 0);
    CHECK(refusal("0 99999999999 1 2 3 6").find("'99999999999' is not a number") == 0);
    CHECK(refusal("0 2000 1 2 3 6") == "the id 2000 of class 1 | 0001.txt, line 1");
    CHECK(refusal("0 0 0 2 3 6") == "the id 0 of class 0 | 0001.txt, line 1");
    CHECK(refusal("0 1000 1 2 3 132\n0 1000 1 2 3 6") == "a second mask of 1000 in frame 0 | 0001.txt, line 2");
    CHECK(refusal("0 1000 1 2 3 5") == "the runs cover 5 pixels, the mask has 6 | 0001.txt, line 1");
    CHECK(refusal("0 1000 1 200000 300000 6").find("a mask of height 200000") == 0);
    CHECK(refusal("0 1000 1 2 3 132\n0 1001 1 3 2 6") == "masks of 3x2 and 2x3 in one frame | 0001.txt, line 2");
    CHECK(refusal("4 1000 1 2 3 132\n4 2001 2 2 3 312") == "the masks of 1000 and 2001 overlap | 0001.txt, frame 4");
    CHECK(refusal("4 1000 1 2 3 132\n5 2001 2 2 3 312") == "accepted");
  }

  TEST_CASE("MOTS text is a store of label maps, a file a sequence") {
    const vos::test::Folder folder;
    write(folder / "0002.txt", "0 1000 1 2 3 132\n0 2001 2 2 3 411\n7 10000 10 2 3 06\n");
    write(folder / "0001.txt", "");
    const vos::MotsLabels truth{vos::mots_files_in(folder.path())};
    REQUIRE(truth.frames().size() == 2);
    CHECK(truth.frames().at("0001").empty());
    CHECK(truth.frames().at("0002") == std::vector<std::string>{"000000", "000007"});
    CHECK(truth.read("0002", "000000").ids == Ids{0, 1000, 2001, 1000, 1000, 0});
    CHECK(truth.read("0002", "000007").ids == Ids(6, vos::mots_ignored));
    CHECK(truth.where("0002", "000007").find("0002.txt, frame 000007") != std::string::npos);

    const vos::test::Folder results;
    write(results / "0002.txt", "7 1000 1 2 3 6\n9 1000 1 2 3 6\n");
    const vos::MotsLabels guess{vos::mots_files_in(results.path()), &truth};
    CHECK(guess.frames().at("0002") == std::vector<std::string>{"000000", "000007", "000009"});
    CHECK(guess.read("0002", "000000").ids.empty());  // known to the truth, and empty here
  }
}
