#include <vos/io/label_files.hpp>
#include <vos/io/labels.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "../test.hpp"

namespace {

vos::Error::Parts size_refusal(std::int64_t mask_h, std::int64_t mask_w) {
  const vos::Frame frame{0, 0, at::zeros({480, 854, 3}, at::kByte)};
  try {
    vos::expect_same_size(at::zeros({mask_h, mask_w}, at::kInt), "first.png", frame, "clip.mp4, frame 0");
  } catch (const vos::Error& e) {
    return e.parts();
  }
  return {};
}

}  // namespace

TEST_SUITE("io") {
  TEST_CASE("a label map comes back from its file as it was") {
    const vos::test::Folder folder;
    const auto labels = at::arange(0, 12, at::kInt).view({3, 4});
    vos::write_labels(folder / "a.png", labels);
    CHECK(vos::read_labels(folder / "a.png").equal(labels));
    vos::write_labels(folder / "a.png", labels.mul(100).t());  // replaces; any strides
    CHECK(vos::read_labels(folder / "a.png").equal(labels.mul(100).t()));
    vos::write_labels(folder / "b.png", labels.to(at::kLong));
    CHECK((vos::read_labels(folder / "b.png").scalar_type() == at::kInt));
  }

  TEST_CASE("writing leaves no other file behind, and a refused map leaves the former one") {
    const vos::test::Folder folder;
    vos::write_labels(folder / "a.png", at::zeros({3, 4}, at::kInt));
    CHECK_THROWS_AS(vos::write_labels(folder / "a.png", at::full({3, 4}, 70000, at::kInt)), vos::Error);
    CHECK(vos::read_labels(folder / "a.png").size(1) == 4);
    CHECK(std::distance(std::filesystem::directory_iterator{folder.path()}, {}) == 1);
  }

  TEST_CASE("a file that cannot be read or written is an Error naming it") {
    const vos::test::Folder folder;
    const auto where_of = [](auto&& act) {
      try {
        act();
      } catch (const vos::Error& e) {
        return e.parts().where;
      }
      return std::string{"accepted"};
    };
    CHECK(where_of([&] { vos::read_labels(folder / "none.png"); }) == (folder / "none.png").string());
    CHECK(where_of([&] { vos::read_labels(folder.path()); }) == folder.path().string());
    CHECK(where_of([&] { vos::write_labels(folder / "no/such/a.png", at::zeros({1, 1}, at::kInt)); }) ==
          (folder / "no/such/a.png").string());
    CHECK_THROWS_AS(vos::write_labels(folder / "a.png", at::zeros({1, 2, 3}, at::kInt)), vos::Error);
    CHECK_THROWS_AS(vos::write_labels(folder / "a.png", at::Tensor{}), vos::Error);
  }

  TEST_CASE("a mask of another size than its frame is refused naming both and the cause") {
    CHECK(size_refusal(480, 854).what.empty());
    const auto narrow = size_refusal(480, 853);
    CHECK(narrow.what == "the mask is 853x480, its frame 854x480");
    CHECK(narrow.where == "first.png on clip.mp4, frame 0");
    CHECK(narrow.exit_code == vos::exit_code::sizes_differ);
    CHECK(narrow.mend.find("crop or pad the mask") != std::string::npos);
    CHECK(size_refusal(854, 480).mend.find("EXIF") != std::string::npos);
    CHECK(size_refusal(240, 427).mend.find("another scale") != std::string::npos);
    CHECK(size_refusal(1080, 1920).mend.find("another scale") != std::string::npos);
    CHECK(size_refusal(480, 640).mend.find("crop") != std::string::npos);
  }

  TEST_CASE("real masks are read") {
    const auto data = vos::test::real_data();
    const auto judo = data / "cutie_examples/masks/judo";
    if (!std::filesystem::exists(judo))
      return vos::test::skip("no real masks: set VOS_DATA to the folder that holds cutie_examples");
    CHECK(vos::read_labels(judo / "00005.png").size(1) == 853);
    CHECK(vos::read_labels(judo / "00013.png").max().item<int>() == 4);
    const auto binary = vos::read_labels(data / "davis_dev/Annotations/480p/blackswan/00000.png");
    CHECK(binary.max().item<int>() == 1);
    CHECK(vos::read_labels(data / "panoptic_demo/masks/00002058.png").max().item<int>() == 44);
  }
}
