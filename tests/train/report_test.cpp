#include <chrono>
#include <cmath>
#include <fstream>

#include <vos/io/files.hpp>
#include <vos/train/report/compare_page.hpp>
#include <vos/train/report/run_page.hpp>
#include <vos/train/report/run_record.hpp>
#include <vos/train/report/thinned.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

std::string step_line(std::int64_t step, double loss) {
  return nlohmann::json{{"kind", "step"},
                        {"step", step},
                        {"epoch", 0},
                        {"loss", loss},
                        {"losses", {{"loss_mask", loss / 2}, {"loss_mask_0", loss / 4}, {"loss_class", loss / 4}}},
                        {"lr", {{"all", 1e-4}, {"backbone", 1e-4}}},
                        {"gradient_norm", 3.5},
                        {"seconds", 0.2},
                        {"waited", 0.01}}
             .dump() +
         "\n";
}

std::string validation_line(std::int64_t step, double idf1) {
  return nlohmann::json{{"kind", "validation"},
                        {"step", step},
                        {"metrics", {{"IDF1", idf1}, {"IDSW", 3}}},
                        {"main", "IDF1"},
                        {"best", true},
                        {"seconds", 1.5},
                        {"clips",
                         {{{"name", "clip one"}, {"metrics", {{"IDF1", idf1}}}, {"picture", "best 1"}},
                          {{"name", "clip <two>"}, {"metrics", {{"IDF1", idf1 / 2}}}}}}}
             .dump() +
         "\n";
}

/// A run's folder as vos-train leaves it in the middle of a run.
void make_run(const std::filesystem::path& folder, double idf1 = 0.625, const std::string& lr = "1e-04") {
  make_folder(folder);
  write_file(folder / "run.json",
             R"({"model":"tiny","data":"scenes","steps":40,"changed":{"optim.lr":"3e-04"},)"
             R"("parameters":[{"group":"all","tensors":3,"numbers":1234567,"lr":0.1,"weight_decay":0.05}]})");
  write_file(folder / "config.toml",
             "# Everything\n\npreset = 'tiny'\n# passes\nepochs = 2\n\n[optim]\n# learning rate\nlr = " + lr +
                 "\n# <script>alert(1)</script>\nfrozen = \"<script>alert(2)</script>\"\n");
  std::string log;
  for (std::int64_t step = 1; step <= 20; ++step) log += step_line(step, 10.0 / static_cast<double>(step));
  log += R"({"kind":"message","text":"the disk is <nearly> full"})"
         "\n" +
         validation_line(20, idf1);
  write_file(folder / "log.jsonl", log);
}

bool has(const std::string& page, const std::string& text) { return page.find(text) != std::string::npos; }

}  // namespace

TEST_SUITE("train/report") {
  TEST_CASE("a run is read as it was written") {
    const test::Folder folder;
    make_run(folder.path());
    const auto run = read_run(folder.path());
    REQUIRE(run.steps.size() == 20);
    CHECK(run.steps.steps.back() == 20);
    CHECK(run.steps.loss[1] == 5);
    CHECK(run.steps.losses.at("loss_mask_0")[0] == 2.5);
    CHECK(run.steps.lr.at("backbone").size() == 20);
    REQUIRE(run.validations.size() == 1);
    CHECK(run.validations[0].clips.size() == 2);
    CHECK(run.best()->metrics.at("IDF1") == 0.625);
    CHECK(run.damaged == 0);
    CHECK(run.end.empty());
    REQUIRE(run.messages.size() == 1);
    CHECK(run.messages[0].step == 20);
    const auto* lr = run.setting("optim.lr");
    REQUIRE(lr != nullptr);
    CHECK(lr->value == "1e-04");
    CHECK(lr->meaning == "learning rate");
    CHECK(lr->usual == "3e-04");
    CHECK(run.setting("preset")->value == "tiny");
  }

  TEST_CASE("a page tells what a run is, how it goes and what it was told") {
    const test::Folder folder;
    make_run(folder.path());
    make_folder(folder / "pictures/step_00000020");
    write_file(folder / "pictures/step_00000020/best 1.png", "no real picture");
    const auto page = run_page(read_run(folder.path()));
    for (const auto* part : {"tiny", "scenes", "0.625", "best IDF1, step 20", "20 of 40 steps, going on or cut off",
                             ">Loss<", ">Learning rate<", "all groups", ">Gradient norm<", ">Seconds a step<",
                             "waiting for data", "loss_mask_0", "clip one", "data:image/png;base64,", "optim.lr",
                             "3e-04", "learning rate", "1,234,567", "the disk is &lt;nearly&gt; full"})
      CHECK_MESSAGE(has(page, part), part);

    for (const auto* outside : {" src=\"http", " href=\"http", "@import", "url("})
      CHECK_MESSAGE(!has(page, outside), outside);

    // eval.json of an end before the run was resumed says nothing; one of its last step does.
    write_file(folder / "eval.json", R"({"end":"stopped","step":10})");
    CHECK(read_run(folder.path()).end.empty());
    write_file(folder / "eval.json", R"({"end":"finished","step":20})");
    CHECK(has(run_page(read_run(folder.path())), "finished after 20 of 40 steps"));

    // So does the log, which also tells why a run failed.
    std::ofstream{folder / "log.jsonl", std::ios::app}
        << R"({"kind":"configuration","time":100,"settings":{}})" << "\n"
        << R"({"kind":"step","step":21,"time":110})" << "\n"
        << R"({"kind":"end","step":21,"time":130,"end":"failed","text":"loss is <not> finite"})" << "\n";
    const auto failed = read_run(folder.path());
    CHECK(failed.end == "failed");
    CHECK(failed.elapsed == 30);
    CHECK(has(run_page(failed), "loss is &lt;not&gt; finite"));
    std::ofstream{folder / "log.jsonl", std::ios::app} << R"({"kind":"configuration","time":900,"settings":{}})"
                                                       << "\n";
    CHECK(read_run(folder.path()).end.empty());
    CHECK(read_run(folder.path()).elapsed == 30);
  }

  TEST_CASE("names from files stay text on the page") {
    const test::Folder folder;
    make_run(folder.path());
    std::ofstream{folder / "log.jsonl", std::ios::app}
        << R"({"kind":"step","step":21,"loss":1,"losses":{"</script><script>alert(3)</script>":1},"lr":{"<b>":1}})"
        << "\n";
    const auto page = run_page(read_run(folder.path()));
    for (int i = 1; i <= 3; ++i) CHECK(!has(page, "<script>alert(" + std::to_string(i)));
    CHECK(has(page, "&lt;script&gt;alert(2)"));
    CHECK(has(page, "clip &lt;two&gt;"));
    const auto runs = std::vector{read_run(folder.path()), read_run(folder.path())};
    CHECK(!has(compare_page(runs), "<script>alert("));
  }

  TEST_CASE("damaged lines and files are left out and counted") {
    const test::Folder folder;
    make_run(folder.path());
    {
      std::ofstream log{folder / "log.jsonl", std::ios::app | std::ios::binary};
      log << "{\"kind\":\"step\",\"st\n"
          << std::string("\0\xff\xfe\x80\n", 5) << "[1,2]\n"
          << "{\"kind\":\"step\",\"step\":\"x\"}\n"
          << "{\"kind\":\"step\",\"step\":1e300,\"loss\":1}\n"
          << "{\"kind\":\"validation\",\"step\":21,\"metrics\":[1],\"clips\":{},\"best\":3}\n"
          << "{\"kind\":\"a later version's\"}\n"
          << step_line(21, 1) << "{\"kind\":\"step\",\"step\":22,\"lo";
    }
    write_file(folder / "run.json", "{\"model\": \"ti");
    const auto run = read_run(folder.path());
    CHECK(run.steps.size() == 21);
    CHECK(run.damaged == 7);  // five lines, the torn last one, run.json
    CHECK(has(run_page(run), "7 lines or files could not be read"));
    CHECK(has(compare_page(std::vector{run, run}), "7 lines or files could not be read"));
  }

  TEST_CASE("every prefix of a log gives a page") {
    const test::Folder folder;
    make_run(folder.path());
    const auto log = read_text(folder / "log.jsonl");
    for (std::size_t length = 0; length <= log.size(); length += 97) {
      write_file(folder / "log.jsonl", std::string_view{log}.substr(0, length));
      const auto run = read_run(folder.path());
      CHECK(run.damaged <= 1);
      CHECK(run_page(run).size() > 1000);
    }
    std::filesystem::remove(folder / "log.jsonl");
    CHECK(has(run_page(read_run(folder.path())), "There is no step yet"));
    std::filesystem::remove(folder / "run.json");
    CHECK_THROWS_WITH_AS(read_run(folder.path()), doctest::Contains("holds no run"), Error);
  }

  TEST_CASE("of a step that is told twice the later telling counts, and steps rise") {
    const test::Folder folder;
    make_folder(folder.path());
    write_file(folder / "log.jsonl", step_line(1, 1) + step_line(2, 2) + step_line(3, 3) + step_line(2, 20));
    const auto run = read_run(folder.path());
    CHECK(run.steps.steps == std::vector<double>{1, 2, 3});
    CHECK(run.steps.loss == std::vector<double>{1, 20, 3});
    CHECK(run.steps.losses.at("loss_mask") == std::vector<double>{0.5, 10, 1.5});
  }

  TEST_CASE("a thinned curve keeps every peak") {
    std::vector<double> x, y;
    for (int i = 0; i < 100000; ++i) x.push_back(i + 1), y.push_back(i == 77777 ? 900 : i == 12345 ? -50 : 1);
    y[500] = std::nan("");
    const auto curve = thinned(x, y, 400);
    CHECK(curve.size() <= 401);
    CHECK(curve.size() >= 399);
    CHECK(*std::max_element(curve.high.begin(), curve.high.end()) == 900);
    CHECK(*std::min_element(curve.low.begin(), curve.low.end()) == -50);
    CHECK(std::is_sorted(curve.x.begin(), curve.x.end()));
    const auto whole = thinned(std::span{x}.first(10), std::span{y}.first(10), 400);
    CHECK(whole.x == std::vector<double>(x.begin(), x.begin() + 10));
    CHECK(whole.low == whole.high);
    CHECK(thinned({}, {}, 4).size() == 0);
    CHECK(thinned(std::vector{3.0}, std::vector{5.0}, 4).mean == std::vector{5.0});
  }

  TEST_CASE("a run of a hundred thousand steps gives a page of less than a megabyte") {
    const test::Folder folder;
    make_run(folder.path());
    {
      std::ofstream log{folder / "log.jsonl", std::ios::app};
      std::uint32_t state = 1;
      for (std::int64_t step = 21; step <= 100000; ++step) {
        state = state * 1664525U + 1013904223U;
        std::string losses;
        for (int part = 0; part < 15; ++part)
          losses += (part > 0 ? ",\"part_" : "\"part_") + std::to_string(part) +
                    "\":" + std::to_string((state >> (part % 16)) % 10007 / 777.0);
        log << R"({"kind":"step","step":)" << step << R"(,"loss":)" << state % 1000 / 7.0 << R"(,"losses":{)" << losses
            << R"(},"lr":{"all":0.0001},"gradient_norm":)" << state % 77 << R"(,"seconds":0.1,"waited":0.001})" << '\n';
      }
    }
    const auto run = read_run(folder.path());
    CHECK(run.steps.size() == 100000);
    CHECK(run.damaged == 0);
    CHECK(run_page(run).size() < 1000000);
    CHECK(compare_page(std::vector{run, run, run, run, run, run, run, run}).size() < 1000000);
  }

  TEST_CASE("runs side by side: the best figure is marked, and settings that differ are listed") {
    const test::Folder folder;
    make_run(folder / "a", 0.5);
    make_run(folder / "b", 0.75, "2e-04");
    const std::vector runs{read_run(folder / "a"), read_run(folder / "b")};
    const auto figures = run_figures(runs);
    REQUIRE(figures.columns.at(0).name == "IDF1");
    CHECK(!figures.is_best(0, 0));
    CHECK(figures.is_best(1, 0));
    REQUIRE(figures.columns.at(1).name == "IDSW");
    CHECK(figures.columns[1].lower_is_better);
    CHECK(!figures.is_best(0, 1));  // both have three
    const auto settings = differing_settings(runs);
    REQUIRE(settings.size() == 1);
    CHECK(settings[0].key == "optim.lr");
    CHECK(settings[0].values == std::vector<std::string>{"1e-04", "2e-04"});
    CHECK(run_names(runs) == std::vector<std::string>{"a", "b"});
    CHECK(run_names(std::vector{runs[0], runs[0]})[0] == (folder / "a").string());
    CHECK(RunRecord{.folder = folder / "a/"}.name() == "a");
    CHECK(RunRecord{.folder = folder / "a/../b/."}.name() == "b");
    const auto page = compare_page(runs);
    CHECK(has(page, "<b class=\"good\">0.750</b>"));
    CHECK(has(page, "<code>2e-04</code>"));
    CHECK(has(compare_page(std::vector{runs[0], runs[0]}), "All settings are the same"));
  }
}
