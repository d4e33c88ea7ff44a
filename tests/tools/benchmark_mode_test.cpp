#include <set>

#include <nlohmann/json.hpp>

#include "clips.hpp"
#include "datasets.hpp"
#include "evaluation.hpp"

#include "../filled_weights.hpp"
#include "../small_network.hpp"
#include "../test.hpp"

using namespace vos;
using test::Folder;

namespace {

/// YouTube-VIS with numbers of its own: videos 17 and 2, categories 1 and 9.
void put_numbered_ytvis(const std::filesystem::path& root) {
  test::put_good_ytvis(root);
  const auto file = root / "train.json";
  test::replace_in(file, "{\"id\": 1, \"height\"", "{\"id\": 17, \"height\"");
  for (int i = 0; i < 2; ++i) test::replace_in(file, "\"video_id\": 1,", "\"video_id\": 17,");
  test::replace_in(file, "{\"id\": 2, \"name\"", "{\"id\": 9, \"name\"");
  for (int i = 0; i < 2; ++i) test::replace_in(file, "\"category_id\": 2,", "\"category_id\": 9,");
}

}  // namespace

TEST_SUITE("infer") {
  TEST_CASE("a YouTube-VIS dataset's results become one file by the dataset's numbers, which vos-eval vis takes") {
    const Folder folder;
    put_numbered_ytvis(folder / "ytvis");
    auto network = test::small_network;
    network["classes"] = "2";
    const auto weights = test::write_filled_weights(folder.path(), "vita-tcovis-tiny", network);
    const auto ran =
        test::infer({"--dataset", "ytvis", "--dataset_root", folder / "ytvis", "-o", folder / "out", "--model",
                     "vita-tcovis-tiny", "--weights", weights, "--set", "mode=benchmark", "top=4", "--format", "rle"});
    CHECK(ran.code == 0);
    const auto results = nlohmann::json::parse(test::text_of(folder / "out" / "results.json"));
    std::set<int> videos, categories;
    for (const auto& entry : results) {
      videos.insert(entry["video_id"].get<int>());
      categories.insert(entry["category_id"].get<int>());
      CHECK(entry["segmentations"].size() == 5);
      CHECK(entry["score"] <= 1);
    }
    CHECK(results.size() <= 8);  // of each video the four best pairs of an object and a class, or as many as there are
    CHECK(videos == std::set<int>{2, 17});
    CHECK(categories == std::set<int>{1, 9});

    const auto measured =
        test::evaluate({"vis", "--gt", folder / "ytvis" / "train.json", "--pred", folder / "out", "--json"});
    CHECK(measured.report()["settings"]["results"] == results.size());
    CHECK(measured.err.empty());  // no video or category that the truth does not know
  }

  TEST_CASE("the one file of an earlier run is replaced only on request") {
    const Folder folder;
    put_numbered_ytvis(folder / "ytvis");
    const auto words = [&](const std::string& video) -> std::vector<std::string> {
      return {"--dataset_root", folder / "ytvis", "-o",  folder / "out", "--model",
              "hold",           "--format",       "rle", "--sequences",  video};
    };
    test::infer(words("v0"));
    CHECK(test::says(test::error_of(words("v1")).what(), "results of an earlier run"));
    auto again = words("v1");
    again.push_back("--overwrite");
    test::infer(again);
    const auto results = nlohmann::json::parse(test::text_of(folder / "out" / "results.json"));
    REQUIRE(results.size() == 2);
    CHECK(results[0]["video_id"] == 2);
  }

  TEST_CASE("a dataset that does not number its videos has no file for all of them") {
    const Folder folder;
    test::put_good_davis(folder / "davis");
    test::infer({"--dataset_root", folder / "davis", "--split", "train", "--sequences", "ant,bat", "-o", folder / "out",
                 "--model", "hold", "--format", "rle"});
    CHECK(test::names_in(folder / "out") == std::vector<std::string>{"ant", "bat"});
  }

  TEST_CASE("the benchmark's mode takes no masks") {
    const Folder folder;
    const auto weights = test::write_filled_weights(folder.path(), "vita-tcovis-tiny", test::small_network);
    test::write_mask(folder / "first.png", {{1, {4, 4, 20, 20}}});
    const auto error = test::error_of({"--input", test::clip, "--masks", folder / "first.png", "-o", folder / "out",
                                       "--model", "vita-tcovis-tiny", "--weights", weights, "--set", "mode=benchmark"});
    CHECK(test::says(error.what(), "mode=stream"));
  }
}
