#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include <opencv2/imgcodecs.hpp>

#include <vos/data/catalog_dataset.hpp>
#include <vos/data/loader.hpp>
#include <vos/data/open_catalog.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/io/files.hpp>
#include <vos/io/image_files.hpp>
#include <vos/io/label_files.hpp>
#include <vos/wire/rle_encode.hpp>

#include "../test.hpp"
#include "samples.hpp"

using namespace vos;

namespace {

/// A DAVIS-like set on disk: the scenes of those names as videos, frames as JPEG.
class Videos {
 public:
  explicit Videos(const std::vector<std::string>& scenes, std::int64_t frames = 6) {
    catalog_.root = folder_.path();
    catalog_.categories = {{7, "blob"}, {9, "thing"}};
    for (const auto& scene : scenes) {
      const SceneRenderer renderer{scene_from(scene + ",size=120x90")};
      CatalogVideo video{.name = scene.substr(0, scene.find(','))};
      make_folder(folder_.path() / "JPEGImages" / "480p" / video.name);
      make_folder(folder_.path() / "Annotations" / "480p" / video.name);
      for (std::int64_t t = 0; t < frames; ++t) {
        const auto picture = renderer.render(t * 9);
        const auto stem = "0000" + std::to_string(t);
        const auto image = folder_.path() / "JPEGImages" / "480p" / video.name / (stem + ".jpg");
        const auto labels = folder_.path() / "Annotations" / "480p" / video.name / (stem + ".png");
        cv::Mat bgr;
        cv::cvtColor(mat_of(picture.rgb), bgr, cv::COLOR_RGB2BGR);
        cv::imwrite(image.string(), bgr);
        write_labels(labels, picture.labels);
        video.frames.push_back({stem, image, labels});
      }
      catalog_.videos.push_back(video);
    }
  }

  const std::filesystem::path& root() const { return folder_.path(); }
  Catalog& catalog() { return catalog_; }

 private:
  test::Folder folder_;
  Catalog catalog_;
};

CatalogDatasetOptions whole_clips(std::int64_t length = 3) {
  return {.clip = {.length = length, .spacing = ClipSpacing::consecutive, .reversed = 0}, .drop_unseen = false};
}

}  // namespace

TEST_SUITE("catalogue dataset") {
  TEST_CASE("a sample of files asked for twice, in any order, from any number of workers, is bit-equal") {
    Videos videos{{"crossing,objects=3", "crowd,objects=12", "reentry", "tiny"}};
    CatalogDatasetOptions options{
        .clip = {.length = 3}, .transforms = test::every_transform(), .clips_per_video = 3, .most_objects = 5};
    const CatalogDataset dataset{videos.catalog(), options};
    CHECK(dataset.size() == 12);
    std::vector<std::vector<Batch>> runs;
    for (const int workers : {0, 1, 2, 4}) {
      Loader loader{dataset, {.seed = 3, .batch = 2, .workers = workers}};
      auto& run = runs.emplace_back();
      for (int i = 0; i < 8; ++i) run.push_back(loader.next());
      for (std::size_t i = 0; i < run.size(); ++i)
        for (std::size_t b = 0; b < 2; ++b) {
          CHECK((run[i].keys[b] == runs[0][i].keys[b]));
          CHECK(test::same_sample(run[i].targets[b], runs[0][i].targets[b]));
        }
    }
    for (std::size_t i = 8; i-- > 0;) CHECK(test::same_sample(dataset(runs[0][i].keys[1]), runs[0][i].targets[1]));
    CHECK(!test::same_sample(dataset({3, 0, 0}), dataset({3, 1, 0})));
  }

  TEST_CASE("frames and labels are those of the files") {
    Videos videos{{"crossing,objects=3"}};
    videos.catalog().videos[0].objects = {{.id = 2, .category = 1}};
    const CatalogDataset dataset{videos.catalog(), whole_clips(6)};
    const auto sample = dataset({1, 0, 0});
    CHECK(sample.name == "crossing");
    CHECK(sample.ids == std::vector<ObjectId>{1, 2, 3});
    CHECK(sample.categories == std::vector<std::int32_t>{-1, 1, -1});
    for (std::int64_t t = 0; t < 6; ++t) {
      const auto& frame = videos.catalog().videos[0].frames[static_cast<std::size_t>(t)];
      CHECK(at::equal(sample.frames[t], read_image(frame.image)));
      CHECK(at::equal(sample.labels[t], read_labels(frame.labels)));
    }
  }

  TEST_CASE("what the catalogue reader finds can be sampled as it is") {
    Videos videos{{"crossing,objects=3", "tiny"}};
    make_folder(videos.root() / "ImageSets" / "2017");
    std::ofstream{videos.root() / "ImageSets" / "2017" / "train.txt"} << "crossing\ntiny\n";
    const CatalogDataset dataset{open_catalog({.root = videos.root()}), whole_clips(6)};
    const CatalogDataset by_hand{videos.catalog(), whole_clips(6)};
    CHECK(dataset.size() == 2);
    for (std::int64_t i = 0; i < 2; ++i) CHECK(test::same_sample(dataset({1, 0, i}), by_hand({1, 0, i})));
  }

  TEST_CASE("from a folder to batches") {
    Videos videos{{"crossing,objects=3", "tiny"}};
    const auto& folder = videos.root();
    make_folder(folder / "ImageSets" / "2017");
    std::ofstream{folder / "ImageSets" / "2017" / "train.txt"} << "crossing\ntiny\n";
    // [loading]
    Transforms transforms;
    transforms.then(RandomScale{{.low = 0.7, .high = 1.3, .edge = 80}})
        .then(BalancedCrop{{.height = 64, .width = 64}})
        .then(Flip{})
        .then(Pad{{.height = 64, .width = 64}});
    const CatalogDataset dataset{open_catalog({.root = folder}),
                                 {.clip = {.length = 3, .spacing = ClipSpacing::gaps, .most_gap = 2},
                                  .transforms = transforms,
                                  .clips_per_video = 8}};
    Loader loader{dataset, {.seed = 7, .batch = 4, .first_step = 0, .workers = 2}};
    const auto batch = loader.next();                 // step 0; the next call gives step 1, for ever
    const auto input = model_input(batch, at::kCPU);  // float [B,T,3,H,W]
    const auto& labels = batch.targets[0].labels;     // int32 [T,H,W]
    // [loading]
    CHECK(input.sizes() == at::IntArrayRef{4, 3, 3, 64, 64});
    CHECK(labels.sizes() == at::IntArrayRef{3, 64, 64});
  }

  TEST_CASE("real clips of DAVIS, as they lie on disk") {
    const auto root = test::real_data() / "davis_dev";
    if (!std::filesystem::is_directory(root)) return test::skip("no real clips at " + root.string());
    const CatalogDataset dataset{open_catalog({.root = root}),
                                 {.clip = {.length = 3}, .transforms = test::every_transform()}};
    REQUIRE(dataset.size() > 0);
    for (std::int64_t i = 0; i < std::min<std::int64_t>(3, dataset.size()); ++i) {
      const auto sample = dataset({1, 0, i});
      expect_sample(sample);
      CHECK(size_of(sample) == PictureSize{48, 72});
      CHECK(test::same_sample(sample, dataset({1, 0, i})));
    }
  }

  TEST_CASE("a void value and masks of one object are what the catalogue says of them") {
    Videos videos{{"crossing"}, 1};
    auto labels = read_labels(videos.catalog().videos[0].frames[0].labels);
    labels[0].fill_(255);
    write_labels(videos.catalog().videos[0].frames[0].labels, labels);
    const auto ids = [&] { return CatalogDataset{videos.catalog(), whole_clips(1)}({1, 0, 0}).ids; };
    CHECK(ids() == std::vector<ObjectId>{1, 2, 255});
    videos.catalog().void_255 = true;
    CHECK(ids() == std::vector<ObjectId>{1, 2});
    videos.catalog().binary_masks = true;
    CHECK(ids() == std::vector<ObjectId>{1});
  }

  TEST_CASE("masks of lists overlap as they like, crowds stay out, absent frames are empty") {
    Videos videos{{"crossing"}, 3};
    auto& video = videos.catalog().videos[0];
    for (auto& frame : video.frames) frame.labels.clear();
    video.height = 90, video.width = 120;
    const std::string left = "[[0,0,60,0,60,90,0,90]]", all = "[[0,0,120,0,120,90,0,90]]";
    const MaskText on_left{.form = MaskText::Form::polygons, .json = left},
        everywhere{.form = MaskText::Form::polygons, .json = all};
    video.objects = {{.id = 900, .category = 1, .masks = {on_left, {}, on_left}},
                     {.id = 901, .category = 0, .crowd = true, .masks = {everywhere, everywhere, everywhere}},
                     {.id = 3'000'000'000, .category = 0, .masks = {everywhere, everywhere, {}}},
                     {.id = 7, .category = 0, .masks = {{}, {}, {}}}};
    auto options = whole_clips();
    const auto sample = CatalogDataset{videos.catalog(), options}({1, 0, 0});
    CHECK(!sample.labels.defined());
    CHECK(sample.ids == std::vector<ObjectId>{1, 2, 3});
    CHECK(sample.categories == std::vector<std::int32_t>{1, 0, 0});
    const auto areas = sample.masks.sum({2, 3});
    CHECK(
        at::equal(areas, at::tensor({60 * 90, 0, 60 * 90, 120 * 90, 120 * 90, 0, 0, 0, 0}, at::kLong).reshape({3, 3})));
    options.drop_unseen = true;
    CHECK(CatalogDataset{videos.catalog(), options}({1, 0, 0}).ids == std::vector<ObjectId>{1, 2});
    options.most_objects = 1;  // both are in two frames: the larger one
    CHECK(CatalogDataset{videos.catalog(), options}({1, 0, 0}).ids == std::vector<ObjectId>{2});
    options.crowds = true;
    CHECK(CatalogDataset{videos.catalog(), options}({1, 0, 0}).ids == std::vector<ObjectId>{2});
    // What a clip must show is asked of the lists.
    auto refused = whole_clips(2);
    refused.clip.newcomers = Newcomers::wanted;
    refused.clip.tries = 50;
    refused.clip.reversed = 0.5;
    for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
      const auto seen = CatalogDataset{videos.catalog(), refused}({1, epoch, 0}).masks.sum({2, 3}).gt(0);
      CHECK(seen.select(1, 1).logical_and(seen.select(1, 0).logical_not()).any().item<bool>());
    }
  }

  TEST_CASE("every start gives a clip of its own, and short videos play to and fro") {
    Videos videos{{"crossing", "tiny"}};
    videos.catalog().videos[1].frames.resize(2);
    auto options = whole_clips(4);
    options.every_start = true;
    const CatalogDataset dataset{videos.catalog(), options};
    CHECK(dataset.size() == 3 + 1);
    const auto& frames = videos.catalog().videos[0].frames;
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t t = 0; t < 4; ++t)
        CHECK(at::equal(dataset({1, 0, i}).frames[t], read_image(frames[static_cast<std::size_t>(i + t)].image)));
    const auto shuttle = dataset({1, 0, 3});
    CHECK(at::equal(shuttle.frames[0], shuttle.frames[2]));
    CHECK(at::equal(shuttle.labels[1], shuttle.labels[3]));
  }

  TEST_CASE("every start counts the labelled frames, and clips are made of those alone") {
    Videos videos{{"crossing", "tiny"}};
    auto& frames = videos.catalog().videos[0].frames;
    for (const std::size_t t : {0, 2, 5}) frames[t].labels.clear();
    auto options = whole_clips(2);
    options.every_start = true;
    const CatalogDataset dataset{videos.catalog(), options};
    CHECK(dataset.size() == 2 + 5);  // frames 1, 3, 4 of the one
    const std::vector<std::vector<std::size_t>> expected{{1, 3}, {3, 4}};
    for (std::int64_t i = 0; i < 2; ++i) {
      const auto sample = dataset({1, 0, i});
      CHECK(sample.labelled.empty());
      for (std::int64_t t = 0; t < 2; ++t) {
        const auto& frame = frames[expected[static_cast<std::size_t>(i)][static_cast<std::size_t>(t)]];
        CHECK(at::equal(sample.frames[t], read_image(frame.image)));
        CHECK(at::equal(sample.labels[t], read_labels(frame.labels)));
      }
    }
    options.clip.length = 5;  // longer than there are labelled frames
    const CatalogDataset shuttle{videos.catalog(), options};
    CHECK(shuttle.size() == 1 + 2);
    CHECK(at::equal(shuttle({1, 0, 0}).frames[3], read_image(frames[3].image)));
  }

  TEST_CASE("a sample says which of its frames have no label map, where such frames are asked for") {
    Videos videos{{"crossing"}};
    auto& frames = videos.catalog().videos[0].frames;
    for (const std::size_t t : {0, 2, 5}) frames[t].labels.clear();
    auto options = whole_clips(6);
    options.clip.labelled_only = false;
    const std::vector<bool> labelled{false, true, false, true, true, false};
    CHECK(CatalogDataset{videos.catalog(), options}({1, 0, 0}).labelled == labelled);
    options.clip.reversed = 1;
    auto reversed = labelled;
    std::reverse(reversed.begin(), reversed.end());
    CHECK(CatalogDataset{videos.catalog(), options}({1, 0, 0}).labelled == reversed);
    options.clip.length = 2;
    options.every_start = true;
    const CatalogDataset starts{videos.catalog(), options};
    CHECK(starts.size() == 5);
    CHECK(starts({1, 0, 0}).labelled == std::vector<bool>{false, true});
    CHECK(starts({1, 0, 3}).labelled.empty());  // frames 3 and 4: all
  }

  TEST_CASE("clips stay within the range of frames, and videos without a frame there are left out") {
    Videos videos{{"crossing", "tiny"}};
    const auto& frames = videos.catalog().videos[0].frames;
    videos.catalog().videos[1].frames.resize(2);
    auto options = whole_clips(5);
    options.clip.begin = 2;
    options.clip.end = 5;
    for (const bool every : {false, true}) {
      options.every_start = every;
      const CatalogDataset dataset{videos.catalog(), options};
      REQUIRE(dataset.size() == 1);
      const auto sample = dataset({1, 0, 0});
      for (std::int64_t t = 0; t < 5; ++t) {  // 2 3 4 3 2
        const auto place = static_cast<std::size_t>(t < 3 ? 2 + t : 6 - t);
        CHECK(at::equal(sample.frames[t], read_image(frames[place].image)));
      }
    }
    options.clip.length = 2;
    CHECK(CatalogDataset{videos.catalog(), options}.size() == 2);  // every start: 2 and 3
    options.clip.begin = 6;
    options.clip.end = 0;
    CHECK_THROWS_WITH_AS((CatalogDataset{videos.catalog(), options}), doctest::Contains("no clip to learn from"),
                         Error);
  }

  TEST_CASE("objects that are only named make no video to learn from") {
    Videos videos{{"crossing", "tiny"}, 2};
    auto& named = videos.catalog().videos[0];
    for (auto& frame : named.frames) frame.labels.clear();
    named.objects = {{.id = 1, .category = 0, .frames = {0, 1}}, {.id = 2, .category = 1, .masks = {{}, {}}}};
    const CatalogDataset dataset{videos.catalog(), whole_clips(2)};
    REQUIRE(dataset.size() == 1);
    CHECK(dataset({1, 0, 0}).name == "tiny");
    auto options = whole_clips(2);
    options.empty_videos = true;
    CHECK(CatalogDataset{videos.catalog(), options}.size() == 2);
  }

  TEST_CASE("outlines for pictures of another size are refused with both sizes") {
    Videos videos{{"crossing"}, 1};
    auto& video = videos.catalog().videos[0];
    video.frames[0].labels.clear();
    const std::string left = "[[0,0,60,0,60,90,0,90]]", half = "[[0,0,0.5,0,0.5,1,0,1]]";
    video.objects = {{.id = 1, .category = 0, .masks = {{.form = MaskText::Form::polygons, .json = left}}}};
    const auto area = [&] {
      return CatalogDataset{videos.catalog(), whole_clips(1)}({1, 0, 0}).masks.sum().item<int>();
    };
    CHECK(area() == 60 * 90);  // no list says how large
    video.height = 90, video.width = 120;
    CHECK(area() == 60 * 90);
    video.height = 180, video.width = 240;
    try {
      area();
      FAIL("not refused");
    } catch (const Error& error) {
      CHECK(error.parts().exit_code == exit_code::sizes_differ);
      CHECK(error.parts().what == "the frames are 120x90, the list says 240x180 and has outlines for that");
      CHECK(error.parts().where == "crossing, frame 00000");
    }
    video.objects[0].masks = {{.form = MaskText::Form::fractions, .json = half}};  // these fit any size
    CHECK(area() == 60 * 90);
  }

  TEST_CASE("rare categories come more often when asked") {
    Videos videos{{"crossing", "tiny", "reentry", "crowd"}, 1};
    for (std::size_t v = 0; v < 4; ++v) videos.catalog().videos[v].objects = {{.id = 1, .category = v == 3 ? 1 : 0}};
    auto options = whole_clips(1);
    options.clips_per_video = 3;
    options.repeat_threshold = 1;
    const CatalogDataset dataset{videos.catalog(), options};
    CHECK(dataset.size() == 12);
    int rare = 0;
    for (std::int64_t i = 0; i < 12; ++i) rare += dataset({1, 0, i}).name == "crowd";
    CHECK(rare >= 4);  // of weight 2 beside three of sqrt(4/3): 4.4 of 12 expected, 3 if all were alike
    CHECK(rare <= 5);
  }

  TEST_CASE("a broken file is an Error that names it, or a sample is replaced, always by the same one") {
    Videos videos{{"crossing", "tiny", "reentry"}, 2};
    const auto broken = videos.catalog().videos[1].frames[0].image;
    std::filesystem::resize_file(broken, 300);
    auto options = whole_clips(2);
    const CatalogDataset strict{videos.catalog(), options};
    CHECK_THROWS_WITH_AS(strict({1, 0, 1}), doctest::Contains(broken.string().c_str()), Error);
    CHECK(strict({1, 0, 0}).name == "crossing");
    options.broken = BrokenFile::replace;
    const CatalogDataset mild{videos.catalog(), options};
    const auto other = mild({1, 0, 1});
    CHECK(other.name != "tiny");
    CHECK(test::same_sample(mild({1, 0, 1}), other));
    CHECK(mild.replaced() >= 2);
    REQUIRE(!mild.replacements().empty());
    CHECK(mild.replacements()[0].why.find(broken.string()) != std::string::npos);
    CHECK(mild.replacements()[0].key.index == 1);
    // All broken: it gives up with the Error rather than try for ever.
    for (const auto& video : videos.catalog().videos) std::filesystem::resize_file(video.frames[0].image, 300);
    CHECK_THROWS_AS(mild({1, 0, 1}), Error);
  }

  TEST_CASE("sizes that disagree are refused with both sizes") {
    Videos videos{{"crossing"}, 2};
    auto& frames = videos.catalog().videos[0].frames;
    const auto labels = read_labels(frames[0].labels);
    write_labels(frames[0].labels, labels.narrow(1, 0, 100).contiguous());
    const auto sample = [&] { return CatalogDataset{videos.catalog(), whole_clips(2)}({1, 0, 0}); };
    CHECK_THROWS_WITH_AS(sample(), doctest::Contains("100x90"), Error);
    write_labels(frames[0].labels, labels);
    cv::imwrite(frames[1].image.string(), cv::Mat(80, 120, CV_8UC3));
    CHECK_THROWS_WITH_AS(sample(), doctest::Contains("120x80"), Error);
  }

  TEST_CASE("a catalogue without anything to learn from says so") {
    Videos videos{{"crossing"}, 2};
    for (auto& frame : videos.catalog().videos[0].frames) frame.labels.clear();
    CHECK_THROWS_WITH_AS((CatalogDataset{videos.catalog(), whole_clips()}), doctest::Contains("no clip to learn from"),
                         Error);
    auto options = whole_clips();
    options.empty_videos = true;
    options.clip.labelled_only = false;
    CHECK((CatalogDataset{videos.catalog(), options}({1, 0, 0}).ids.empty()));
  }
}
