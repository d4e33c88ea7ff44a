#include <sstream>

#include <nlohmann/json.hpp>

#include <vos/error.hpp>
#include <vos/io/files.hpp>

#include "train/report.hpp"

#include "../test.hpp"

using namespace vos;

namespace {

std::string run(std::vector<std::string> words) {
  REQUIRE(train::is_report_command(words));
  std::ostringstream out;
  const int code = train::report_command(std::move(words), out);
  CHECK(code == exit_code::done);
  return out.str();
}

void make_run(const std::filesystem::path& folder, const std::string& idf1, const std::string& epochs) {
  make_folder(folder);
  write_file(folder / "run.json", R"({"model":"tiny","data":"scenes","steps":4})");
  write_file(folder / "config.toml", "epochs = " + epochs + "\n");
  std::string log;
  for (int step = 1; step <= 2; ++step)
    log += R"({"kind":"step","step":)" + std::to_string(step) + R"(,"loss":2.5,"seconds":0.2,"waited":0.1})" + "\n";
  write_file(folder / "log.jsonl", log + R"({"kind":"validation","step":2,"main":"IDF1","metrics":{"IDF1":)" + idf1 +
                                       R"(},"clips":[{"name":"a","metrics":{"J":0.5}}]})" + "\n{\"half");
}

}  // namespace

TEST_SUITE("tools/train") {
  TEST_CASE("a report is written beside the run, and says in a few lines how it goes") {
    const test::Folder folder;
    const auto path = folder / "run";
    make_run(path, "0.5", "3");
    const auto said = run({"report", path.string()});
    CHECK(said.find("run: tiny on scenes, 2 of 4 steps, going on or cut off") != std::string::npos);
    CHECK(said.find("0.500 at step 2") != std::string::npos);
    CHECK(said.find("1 damaged lines or files were left out") != std::string::npos);
    CHECK(read_text(path / "report.html").find("<!doctype html>") == 0);
    run({"report", path.string(), "--quiet"});  // replaces its own page
    const auto json =
        nlohmann::json::parse(run({"report", path.string(), "--out", (folder / "new/a.html").string(), "--json"}));
    CHECK(std::filesystem::exists(folder / "new/a.html"));
    CHECK(json["runs"][0]["best"]["IDF1"] == 0.5);
    CHECK(json["runs"][0]["damaged_lines"] == 1);
    CHECK(json["runs"][0]["waiting_share"] == 0.5);
  }

  TEST_CASE("a page replaces no file of someone else's") {
    const test::Folder folder;
    make_run(folder / "run", "0.5", "3");
    write_file(folder / "mine.html", "<p>mine</p>");
    CHECK_THROWS_WITH_AS(run({"report", (folder / "run").string(), "--out", (folder / "mine.html").string()}),
                         doctest::Contains("did not write"), Error);
    CHECK(read_text(folder / "mine.html") == "<p>mine</p>");
    CHECK_THROWS_WITH_AS(run({"report", folder.path().string()}), doctest::Contains("holds no run"), Error);
    CHECK_THROWS_AS(run({"report"}), Error);
    CHECK_THROWS_AS(run({"compare", (folder / "run").string()}), Error);
  }

  TEST_CASE("runs side by side: the best figure is marked, and the settings in which they differ are told") {
    const test::Folder folder;
    make_run(folder / "a", "0.5", "3");
    make_run(folder / "b", "0.75", "4");
    const auto said =
        run({"compare", (folder / "a").string(), (folder / "b").string(), "--out", (folder / "c.html").string()});
    CHECK(said.find("*0.750") != std::string::npos);
    CHECK(said.find("*0.500") == std::string::npos);
    CHECK(said.find("epochs") != std::string::npos);
    CHECK(read_text(folder / "c.html").find("2 runs") != std::string::npos);
  }

  TEST_CASE("eval.json tells the clips of the last validation") {
    const test::Folder folder;
    make_run(folder / "a", "0.5", "3");
    const auto json = train::clips_of(folder / "a");
    CHECK(json["validated_step"] == 2);
    CHECK(json["clips"][0]["name"] == "a");
    CHECK(json["clips"][0]["metrics"]["J"] == 0.5);
  }
}
