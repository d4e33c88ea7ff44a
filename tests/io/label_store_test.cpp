#include <vos/io/open_labels.hpp>

#include <fstream>

#include <vos/wire/rle_encode.hpp>

#include "../test.hpp"

namespace fs = std::filesystem;
using vos::Error;
using vos::LabelImage;
using vos::LabelStore;
using vos::open_labels;

namespace {

constexpr std::int64_t height = 6, width = 9;

/// A label map of one frame, each different from the others.
LabelImage map_of(int frame) {
  LabelImage image{height, width, std::vector<vos::ObjectId>(height * width)};
  for (std::int64_t y = 1; y < 4; ++y)
    for (std::int64_t x = frame; x < frame + 3; ++x) image.ids[static_cast<std::size_t>(y * width + x)] = 1;
  image.ids.back() = 2;
  return image;
}

std::vector<std::uint8_t> png_of(const LabelImage& image) {
  return vos::png_from_labels(image.ids, image.height, image.width, "test");
}

const std::vector<std::string> stems{"00000", "00005", "00010"};

void write_folder(const fs::path& folder) {
  vos::make_folder(folder);
  for (int t = 0; t < 3; ++t)
    vos::write_file(folder / (stems[static_cast<std::size_t>(t)] + ".png"), png_of(map_of(t)));
}

void write_text(const fs::path& file, const std::string& text) {
  vos::make_folder(file.parent_path());
  std::ofstream(file) << text;
}

/// The same maps as results in RLE, in the order of the objects' ids.
std::string results(int video, const std::string& more = "") {
  std::string text = "[";
  for (const vos::ObjectId id : {1, 2}) {
    text += std::string{id == 1 ? "" : ","} + "{\"video_id\":" + std::to_string(video) +
            ",\"category_id\":1,\"score\":0.5,\"id\":" + std::to_string(id) + ",\"segmentations\":[";
    for (int t = 0; t < 3; ++t) {
      const auto image = map_of(t);
      const auto rle = vos::rles_from_labels(image.ids, height, width).at(id);
      text += std::string{t == 0 ? "" : ","} + "{\"size\":[6,9],\"counts\":\"" + vos::rle_string(rle) + "\"}";
    }
    text += "]}";
  }
  return text + more + "]";
}

void check_maps(const LabelStore& store, const std::string& sequence) {
  REQUIRE(store.frames().contains(sequence));
  CHECK(store.frames().at(sequence) == stems);
  for (int t = 0; t < 3; ++t) CHECK(store.read(sequence, stems[static_cast<std::size_t>(t)]) == map_of(t));
  CHECK(!store.has(sequence, "00001"));
  CHECK(!store.has("nobody", "00000"));
}

std::string refusal(const fs::path& path, const LabelStore* truth = nullptr, int code = 1) {
  try {
    open_labels(path, truth);
  } catch (const Error& error) {
    CHECK(error.parts().exit_code == code);
    return error.what();
  }
  return "not refused";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("the same label maps come out of folders, zips, results and MOTS text") {
    vos::test::Folder folder;
    write_folder(folder / "maps/bear");
    const auto truth = open_labels(folder / "maps");
    check_maps(*truth, "bear");

    write_folder(folder / "davis/Annotations/480p/bear");
    check_maps(*open_labels(folder / "davis"), "bear");
    check_maps(*open_labels(folder / "maps/bear"), "bear");
    check_maps(*open_labels(folder / "maps/bear/"), "bear");

    for (const std::string prefix : {"", "Annotations/", "results/Annotations/"}) {
      vos::ZipWriter zip(folder / "maps.zip");
      for (int t = 0; t < 3; ++t)
        zip.add(prefix + "bear/" + stems[static_cast<std::size_t>(t)] + ".png", png_of(map_of(t)));
      zip.add("__MACOSX/bear/._00000.png", {});
      zip.finish();
      check_maps(*open_labels(folder / "maps.zip"), "bear");
    }

    write_text(folder / "one.json", results(1));
    check_maps(*open_labels(folder / "one.json", truth.get()), "bear");
    write_text(folder / "run/bear/results.json", results(4));
    check_maps(*open_labels(folder / "run", truth.get()), "bear");
    check_maps(*open_labels(folder / "run/bear", truth.get()), "bear");
    {
      vos::ZipWriter zip(folder / "results.zip");
      const auto text = results(1);
      zip.add("results.json", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      zip.finish();
    }
    check_maps(*open_labels(folder / "results.zip", truth.get()), "bear");

    std::string mots;
    for (int t = 0; t < 3; ++t) {
      auto image = map_of(t);
      for (auto& id : image.ids) id = id > 0 ? 1000 + id : 0;
      for (auto& [id, rle] : vos::rles_from_labels(image.ids, height, width)) mots += vos::mots_line(5 * t, {id, rle});
    }
    write_text(folder / "mots/bear.txt", mots);
    for (const auto& path : {folder / "mots", folder / "mots/bear.txt"}) {
      const auto store = open_labels(path, truth.get());
      CHECK(store->frames().at("bear") == stems);
      CHECK(store->read("bear", "00005").ids.back() == 1002);
    }
    // Without a truth that names them, the frames are those that have a line, by their numbers.
    CHECK(open_labels(folder / "mots")->frames().at("bear") == std::vector<std::string>{"000000", "000005", "000010"});
  }

  TEST_CASE("a result folder's sheet is no frame, a frame called contact is") {
    vos::test::Folder folder;
    write_folder(folder / "bear");
    vos::write_file(folder / "bear/contact.png", png_of(map_of(0)));
    CHECK(open_labels(folder.path())->has("bear", "contact"));
    write_text(folder / "bear/frames.jsonl", "\n");
    check_maps(*open_labels(folder.path()), "bear");
  }

  TEST_CASE("a result folder's journal tells which frames its results are of") {
    vos::test::Folder folder;
    write_folder(folder / "gt/bear");
    fs::remove(folder / "gt/bear/00005.png");
    write_text(folder / "run/bear/results.json", results(1));
    const auto truth = open_labels(folder / "gt");
    CHECK(says(refusal(folder / "run", truth.get(), 10), "3 frames of bear, the ground truth 2"));
    std::string journal = "{\"vos\":\"1\"}\n";
    for (const auto& stem : stems) journal += "{\"frame\":0,\"stem\":\"" + stem + "\"}\n";
    write_text(folder / "run/bear/frames.jsonl", journal);
    check_maps(*open_labels(folder / "run", truth.get()), "bear");
  }

  TEST_CASE("where masks overlap, the higher score is on top, then the smaller id") {
    vos::test::Folder folder;
    vos::make_folder(folder / "gt/bear");
    vos::write_file(folder / "gt/bear/0.png", png_of(map_of(0)));
    const auto truth = open_labels(folder / "gt");
    const auto entry = [](int id, double score) {
      return "{\"video_id\":1,\"id\":" + std::to_string(id) + ",\"score\":" + std::to_string(score) +
             ",\"segmentations\":[{\"size\":[2,2],\"counts\":[0,4]}]}";
    };
    const auto top = [&](const std::string& text) {
      write_text(folder / "r.json", text);
      return open_labels(folder / "r.json", truth.get())->read("bear", "0").ids[0];
    };
    CHECK(top("[" + entry(5, .9) + "," + entry(3, .2) + "]") == 5);
    CHECK(top("[" + entry(5, .4) + "," + entry(3, .4) + "]") == 3);
  }

  TEST_CASE("a frame without any mask has the size of the others, or none where nothing tells") {
    vos::test::Folder folder;
    write_folder(folder / "gt/bear");
    const auto truth = open_labels(folder / "gt");
    write_text(folder / "r.json", R"([{"video_id":1,"segmentations":[null,null,null]}])");
    CHECK(open_labels(folder / "r.json", truth.get())->read("bear", "00000") == LabelImage{});
    write_text(folder / "r.json", R"([{"video_id":1,"segmentations":[null,{"size":[6,9],"counts":[54]},null]}])");
    CHECK(open_labels(folder / "r.json", truth.get())->read("bear", "00000").ids.size() == 54);
  }

  TEST_CASE("a sequence in which nothing was found is there, and empty") {
    vos::test::Folder folder;
    write_folder(folder / "gt/bear");
    write_folder(folder / "gt/cat");
    const auto truth = open_labels(folder / "gt");
    const auto check_empty = [&](const LabelStore& store, const std::string& sequence) {
      REQUIRE(store.frames().contains(sequence));
      CHECK(store.frames().at(sequence) == stems);
      for (const auto& stem : stems) CHECK(store.read(sequence, stem) == LabelImage{});
    };
    write_text(folder / "r.json", results(2));
    const auto combined = open_labels(folder / "r.json", truth.get());
    check_maps(*combined, "cat");
    check_empty(*combined, "bear");

    write_text(folder / "run/bear/results.json", "[]");
    write_text(folder / "run/cat/results.json", results(1));
    const auto both = open_labels(folder / "run", truth.get());
    check_empty(*both, "bear");
    check_maps(*both, "cat");
    // The journal tells the frames, also where the truth has fewer.
    fs::remove(folder / "gt/bear/00005.png");
    const auto fewer = open_labels(folder / "gt");
    std::string journal;
    for (const auto& stem : stems) journal += "{\"frame\":0,\"stem\":\"" + stem + "\"}\n";
    write_text(folder / "run/bear/frames.jsonl", journal);
    check_empty(*open_labels(folder / "run", fewer.get()), "bear");
    check_empty(*open_labels(folder / "run/bear", open_labels(folder / "gt/bear").get()), "bear");
  }

  TEST_CASE("results of two videos are not taken for one sequence") {
    vos::test::Folder folder;
    write_folder(folder / "gt/bear");
    const auto truth = open_labels(folder / "gt");
    const auto entry = [](int video, int id) {
      return "{\"video_id\":" + std::to_string(video) + ",\"id\":" + std::to_string(id) +
             ",\"segmentations\":[null,null,null]}";
    };
    for (const auto* name : {"r.json", "run/bear/results.json"}) {
      const auto path = name == std::string{"r.json"} ? folder / "r.json" : folder / "run";
      write_text(folder / name, "[" + entry(4, 1) + "," + entry(4, 2) + "]");
      CHECK(refusal(path, truth.get()) == "not refused");
      write_text(folder / name, "[" + entry(4, 1) + "," + entry(7, 2) + "]");
      CHECK(says(refusal(path, truth.get()), "the video ids 4 and 7, where all is of the one sequence bear"));
      CHECK(says(refusal(path, truth.get()), "entry 1"));
    }
  }

  TEST_CASE("a label map whose extension is in capitals is read, two of one frame are refused") {
    vos::test::Folder folder;
    write_folder(folder / "maps/bear");
    fs::rename(folder / "maps/bear/00005.png", folder / "maps/bear/00005.PNG");
    check_maps(*open_labels(folder / "maps"), "bear");
    check_maps(*open_labels(folder / "maps/bear"), "bear");
    fs::copy(folder / "maps/bear/00005.PNG", folder / "maps/bear/00005.png");
    CHECK(says(refusal(folder / "maps"), "two label maps of frame 00005 of bear"));
  }

  TEST_CASE("results that cannot be meant are refused with file and entry") {
    vos::test::Folder folder;
    write_folder(folder / "gt/bear");
    write_folder(folder / "gt/cat");
    const auto truth = open_labels(folder / "gt");
    const auto says_of = [&](const std::string& text, const std::string& part, int code = 1) {
      write_text(folder / "r.json", text);
      return says(refusal(folder / "r.json", truth.get(), code), part);
    };
    CHECK(says_of("", "cannot be read"));
    CHECK(says_of("{}", "not a list"));
    CHECK(says_of(results(1).substr(0, 90), "cannot be read"));
    CHECK(says_of(results(3), "there is no video 3"));
    CHECK(says_of(R"([{"video_id":"x","segmentations":[]}])", "entry 0"));
    CHECK(says_of(results(1, R"(,{"video_id":1,"segmentations":[null]})"), "1 and 3 frames", 10));
    CHECK(says_of(results(1, R"(,{"video_id":1,"segmentations":[null,null,{"size":[7,9],"counts":"0"}]})"),
                  "9x6 and 9x7", 11));
    CHECK(says_of(R"([{"segmentations":[{"size":[100000,100000],"counts":"0"},null,null]}])", "height 100000"));
    CHECK(says_of(R"([{"id":5,"segmentations":[null,null,null]},{"id":5,"segmentations":[null,null,null]}])",
                  "the object 5 of video 1 is entry 0 already"));
    CHECK(says_of(R"([{"id":0,"segmentations":[null,null,null]}])", "id 0"));
    CHECK(says_of(std::string(100000, '['), "cannot be read"));
  }

  TEST_CASE("what is no store of label maps says so") {
    vos::test::Folder folder;
    CHECK(says(refusal(folder / "nothing"), "there is no such file"));
    CHECK(says(refusal(folder.path()), "holds no label maps"));
    write_text(folder / "a.mp4", "x");
    CHECK(says(refusal(folder / "a.mp4"), "neither a folder of label maps"));
    write_text(folder / "a.json", "[]");
    CHECK(says(refusal(folder / "a.json"), "cannot be the truth"));
    vos::ZipWriter zip(folder / "twice.zip");
    zip.add("a/bear/0.png", png_of(map_of(0)));
    zip.add("b/bear/0.png", png_of(map_of(0)));
    zip.finish();
    CHECK(says(refusal(folder / "twice.zip"), "two label maps of frame 0 of bear"));
  }
}
