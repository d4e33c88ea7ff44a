#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include <vos/data/pseudo_clip.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/transforms.hpp>

#include "../test.hpp"
#include "samples.hpp"

using namespace vos;

namespace {

/// A clip of a scene with label maps and, saying the same, masks.
Sample clip_of(const std::string& scene, std::int64_t length = 3) {
  const SceneRenderer renderer{scene_from(scene)};
  std::vector<at::Tensor> frames, labels, masks;
  for (std::int64_t t = 0; t < length; ++t) {
    auto picture = renderer.render(t * 6);
    frames.push_back(picture.rgb);
    labels.push_back(picture.labels);
  }
  Sample sample{.name = scene, .frames = at::stack(frames), .labels = at::stack(labels)};
  for (ObjectId id = 1; id <= sample.labels.max().item<int>(); ++id) {
    sample.ids.push_back(id);
    sample.categories.push_back(id * 10);
    masks.push_back(sample.labels == id);
  }
  sample.masks = at::stack(masks);
  return sample;
}

template <class T>
Sample once(const T& transform, Sample sample, std::uint64_t key = 1) {
  CounterRandom random{key};
  return transform(std::move(sample), random);
}

/// Draws, and changes nothing: something to put in front of others.
struct Nothing {
  static constexpr std::string_view name = "nothing";
  Sample operator()(Sample sample, CounterRandom& random) const {
    random.bits();
    return sample;
  }
};

}  // namespace

TEST_SUITE("transform") {
  TEST_CASE("masks, label maps and frames go the same way through every transform") {
    const auto check = [](const Sample& sample) {
      expect_sample(sample);
      for (std::size_t g = 0; g < sample.ids.size(); ++g)
        CHECK(at::equal(sample.masks[static_cast<std::int64_t>(g)], sample.labels == sample.ids[g]));
      std::vector<ObjectId> rising = sample.ids;
      std::sort(rising.begin(), rising.end());
      CHECK(rising == sample.ids);
    };
    const auto clip = clip_of("crossing,objects=3,size=120x90");
    for (std::uint64_t key = 0; key < 8; ++key) {
      check(once(Resize{{50, 61}}, clip, key));
      check(once(ResizeEdge{{.edges = {64, 80}, .kernel = ResizeKernel::opencv_linear}}, clip, key));
      check(once(RandomScale{{.edge = 60}}, clip, key));
      check(once(RandomCrop{{40, 70}}, clip, key));
      check(once(RandomCrop{{.least = 40, .most = 70, .moving = true}}, clip, key));
      check(once(BalancedCrop{{50, 50}}, clip, key));
      check(once(ResizedCrop{{40, 50}}, clip, key));
      check(once(ResizedCrop{{.height = 40, .width = 50, .per_frame = true}}, clip, key));
      check(once(Pad{{.height = 100, .width = 130}}, clip, key));
      check(once(Flip{{.probability = 1}}, clip, key));
      check(once(Flip{{.probability = 1, .in_time = true}}, clip, key));
      check(once(Affine{}, clip, key));
      check(once(SlowTurn{}, clip, key));
      check(test::every_transform()(clip, SampleKey{7, 0, static_cast<std::int64_t>(key)}));
    }
  }

  TEST_CASE("frames follow their labels: a picture painted by label is still painted by label after it moved") {
    auto clip = clip_of("crossing,objects=3,size=120x90");
    clip.frames = (clip.labels * 60).toType(at::kByte).unsqueeze(-1).expand({-1, -1, -1, 3}).contiguous();
    const auto agreement = [](const Sample& sample) {
      const auto by_picture = (sample.frames.select(3, 1).toType(at::kFloat) / 60).round_();
      return by_picture.eq(sample.labels).toType(at::kFloat).mean().item<double>();
    };
    for (std::uint64_t key = 0; key < 6; ++key) {
      // Only outlines may differ: there frames are blended, labels are not. Fills are black like the ground.
      CHECK(agreement(once(Affine{{.fill = {0, 0, 0}}}, clip, key)) > 0.97);
      CHECK(agreement(once(SlowTurn{}, clip, key)) > 0.97);
      CHECK(agreement(once(ResizedCrop{{70, 80}}, clip, key)) > 0.97);
      CHECK(agreement(once(RandomScale{{.edge = 70}}, clip, key)) > 0.97);
      CHECK(agreement(once(RandomCrop{{.least = 40, .most = 70, .moving = true}}, clip, key)) == 1);
      CHECK(agreement(once(Flip{{.probability = 1}}, clip, key)) == 1);
      CHECK(agreement(once(Pad{{.height = 100, .width = 130, .fill = {0, 0, 0}}}, clip, key)) == 1);
    }
  }

  TEST_CASE("a transform put in front leaves the draws of the others as they were") {
    const auto clip = clip_of("crossing,size=120x90");
    Transforms alone, together;
    alone.then(RandomCrop{{40, 60}}).then(Flip{}).then(ColourJitter{});
    together.then(Nothing{}).then(RandomCrop{{40, 60}}).then(Nothing{}).then(Flip{}).then(ColourJitter{});
    for (std::int64_t index = 0; index < 6; ++index)
      CHECK(test::same_sample(alone(clip, {3, 1, index}), together(clip, {3, 1, index})));
    CHECK(!test::same_sample(alone(clip, {3, 1, 0}), alone(clip, {3, 1, 1})));
    CHECK(!test::same_sample(alone(clip, {3, 1, 0}), alone(clip, {3, 2, 0})));
    CHECK(!test::same_sample(alone(clip, {3, 1, 0}), alone(clip, {4, 1, 0})));
    Transforms twice;  // two of a name draw differently
    twice.then(RandomCrop{{60, 60}}).then(RandomCrop{{30, 30}});
    Transforms first;
    first.then(RandomCrop{{60, 60}});
    CHECK(test::same_sample(once(RandomCrop{{60, 60}}, first(clip, {1, 0, 0})), first(clip, {1, 0, 0})));
    CHECK(size_of(twice(clip, {1, 0, 0})) == PictureSize{30, 30});
  }

  TEST_CASE("nothing that a caller still holds is written to") {
    const auto clip = clip_of("crossing,size=120x90");
    const auto before = clip.frames.clone(), labels = clip.labels.clone();
    for (std::int64_t index = 0; index < 8; ++index) test::every_transform()(clip, {1, 0, index});
    once(ColourJitter{}, clip);
    once(Greyscale{{1}}, clip);
    once(Blur{{1}}, clip);
    Sample part = clip;
    part.frames = clip.frames.narrow(0, 1, 1);
    part.labels = clip.labels.narrow(0, 1, 1);
    part.masks = clip.masks.narrow(1, 1, 1);
    once(Blur{{1}}, std::move(part));
    CHECK(at::equal(clip.frames, before));
    CHECK(at::equal(clip.labels, labels));
  }

  TEST_CASE("what is drawn once holds for the clip, what is drawn per frame does not") {
    auto still = clip_of("crossing,size=120x90", 1);
    still.frames = still.frames.expand({4, -1, -1, -1}).contiguous();
    still.labels = still.labels.expand({4, -1, -1}).contiguous();
    still.masks = still.masks.expand({-1, 4, -1, -1}).contiguous();
    const auto alike = [](const Sample& s) {
      return at::equal(s.frames[0], s.frames[3]) && at::equal(s.labels[0], s.labels[3]);
    };
    CHECK(alike(once(ColourJitter{}, still)));
    CHECK(!alike(once(ColourJitter{{.per_frame = true}}, still)));
    CHECK(alike(once(Affine{{.per_frame = false}}, still)));
    CHECK(!alike(once(Affine{}, still)));
    CHECK(alike(once(RandomCrop{{40, 60}}, still)));
    CHECK(!alike(once(RandomCrop{{.least = 40, .most = 60, .moving = true}}, still)));
    CHECK(alike(once(ResizedCrop{{50, 50}}, still)));
    CHECK(!alike(once(ResizedCrop{{.height = 50, .width = 50, .per_frame = true}}, still)));
    CHECK(at::equal(once(Affine{{.spare_first = true}}, still).frames[0], still.frames[0]));
  }

  TEST_CASE("boxes are read off the masks: tight, empty where an object is not") {
    Sample sample{.frames = at::zeros({2, 6, 8, 3}, at::kByte),
                  .labels = at::zeros({2, 6, 8}, at::kInt),
                  .ids = {3, 9},
                  .categories = {1, 2}};
    sample.labels.index_put_({0, at::indexing::Slice(1, 4), at::indexing::Slice(2, 7)}, 3);
    sample.labels.index_put_({1, 5, 0}, 9);
    const auto seen = appearances_of(sample);
    CHECK(seen[0][0] == Appearance{{2, 1, 7, 4}, 15});
    CHECK(seen[0][1] == Appearance{});
    CHECK(seen[1][1] == Appearance{{0, 5, 1, 6}, 1});
    Sample masked{.frames = sample.frames,
                  .masks = at::stack({sample.labels == 3, sample.labels == 9}),
                  .ids = sample.ids,
                  .categories = sample.categories};
    CHECK((appearances_of(masked) == seen));
    const auto flipped = appearances_of(once(Flip{{.probability = 1}}, sample));
    CHECK(flipped[0][0].box == Box{1, 1, 6, 4});
    const auto left = without_unseen(sample, 2);
    CHECK(left.ids == std::vector<ObjectId>{3});
    CHECK(left.categories == std::vector<std::int32_t>{1});
    CHECK(!left.labels.eq(9).any().item<bool>());
  }

  TEST_CASE("the balanced crop keeps objects of its first frame, numbers them from 1, and gives up after its tries") {
    const auto clip = clip_of("crossing,objects=4,size=200x120");
    for (std::uint64_t key = 0; key < 20; ++key) {
      const auto crop = once(BalancedCrop{{.height = 60, .width = 60, .least_area = 50}}, clip, key);
      CHECK(size_of(crop) == PictureSize{60, 60});
      const auto seen = appearances_of(crop);
      for (std::size_t i = 0; i < crop.ids.size(); ++i) {
        CHECK(crop.ids[i] == static_cast<ObjectId>(i + 1));
        CHECK(seen[i][0].area > 50);
        CHECK(crop.categories[i] % 10 == 0);
      }
    }
    const auto few = once(BalancedCrop{{.height = 500, .width = 500, .least_area = 0, .most_objects = 2}}, clip);
    CHECK(few.ids == std::vector<ObjectId>{1, 2});
    auto empty = clip;
    empty.labels = at::zeros_like(clip.labels);
    empty.masks = at::zeros_like(clip.masks);
    CHECK(once(BalancedCrop{{50, 50}}, empty).ids.empty());
  }

  TEST_CASE("the slow turn goes one way through the clip") {
    // A clip of one pixel-wide mark far to the right of the middle: its height tells the angle.
    Sample mark{.frames = at::zeros({6, 101, 101, 3}, at::kByte),
                .labels = at::zeros({6, 101, 101}, at::kInt),
                .ids = {1},
                .categories = {-1}};
    mark.labels.index_put_({at::indexing::Slice(), at::indexing::Slice(47, 54), at::indexing::Slice(80, 95)}, 1);
    int up = 0, down = 0;
    for (std::uint64_t key = 0; key < 12; ++key) {
      const auto seen = appearances_of(once(SlowTurn{}, mark, key))[0];
      bool rises = true, falls = true;
      for (std::size_t t = 1; t < seen.size(); ++t) {
        rises &= seen[t].box.y0 <= seen[t - 1].box.y0;
        falls &= seen[t].box.y0 >= seen[t - 1].box.y0;
      }
      CHECK((rises || falls));
      up += rises;
      down += falls;
    }
    CHECK(up > 1);
    CHECK(down > 1);
  }

  TEST_CASE("which frames are labelled goes where the frames go") {
    auto clip = clip_of("crossing,size=120x90");
    clip.labelled = {true, false, false};
    expect_sample(clip);
    CHECK(once(Flip{{.probability = 1, .in_time = true}}, clip).labelled == std::vector<bool>{false, false, true});
    CHECK(once(Flip{{.probability = 1}}, clip).labelled == clip.labelled);
    CHECK(test::every_transform()(clip, SampleKey{1, 0, 0}).labelled.size() == 3);
    CHECK(once(PseudoClip{{.length = 2}}, clip).labelled == std::vector<bool>{true, true});
    clip.labelled.pop_back();
    CHECK_THROWS_WITH_AS(expect_sample(clip), doctest::Contains("3 frames that says of 2"), Error);
  }

  TEST_CASE("categories are renumbered by a list or by name, and what has no number there becomes unknown") {
    Sample sample{.frames = at::zeros({1, 2, 2, 3}, at::kByte),
                  .labels = at::zeros({1, 2, 2}, at::kInt),
                  .ids = {1, 2, 3, 4, 5},
                  .categories = {2, 0, -1, 1, 3}};
    CHECK(once(MapCategories{{5, -1, 7}}, sample).categories == std::vector<std::int32_t>{7, 5, -1, -1, -1});
    CHECK(once(MapCategories{}, sample).categories == std::vector<std::int32_t>(5, -1));
    const std::vector<CatalogCategory> from{{11, "dog"}, {12, "kite"}, {13, "cat"}}, to{{1, "cat"}, {2, "dog"}};
    CHECK(map_by_name(from, to).to == std::vector<std::int32_t>{1, -1, 0});
  }

  TEST_CASE("a size that is none is refused") {
    CHECK_THROWS_WITH_AS(once(Resize{{.height = 20}}, clip_of("crossing,size=60x50", 1)),
                         doctest::Contains("cannot become 0x20"), Error);
  }

  TEST_CASE("torch's kernels are torch's, and labels take the nearest pixel") {
    const auto clip = clip_of("crossing,size=60x50", 1);
    const auto wide = clip.frames.permute({0, 3, 1, 2}).toType(at::kFloat);
    const auto expected = at::upsample_bilinear2d(wide, {33, 71}, true).round().toType(at::kByte).permute({0, 2, 3, 1});
    CHECK(at::equal(resize_frames(clip.frames, {33, 71}, ResizeKernel::torch_linear_corners), expected));
    CHECK(!at::equal(resize_frames(clip.frames, {33, 71}, ResizeKernel::torch_linear), expected));
    const auto near =
        at::upsample_nearest2d(clip.labels.unsqueeze(0).toType(at::kFloat), {33, 71}).squeeze(0).toType(at::kInt);
    CHECK(at::equal(resize_maps(clip.labels, {33, 71}, ResizeKernel::torch_linear), near));
    CHECK(resize_frames(clip.frames, {50, 60}, ResizeKernel::torch_linear).data_ptr() == clip.frames.data_ptr());
  }

  TEST_CASE("normalisation as ATen computes it, and as NumPy rounds it") {
    const auto frames = at::arange(256, at::kByte).reshape({1, 16, 16, 1}).expand({1, 16, 16, 3}).contiguous();
    const auto mean = at::tensor({0.485F, 0.456F, 0.406F}).reshape({3, 1, 1});
    const auto deviation = at::tensor({0.229F, 0.224F, 0.225F}).reshape({3, 1, 1});
    const auto expected = (frames.permute({0, 3, 1, 2}).toType(at::kFloat) / 255 - mean) / deviation;
    CHECK(at::equal(normalised(frames), expected));
    const auto numpy = normalised(frames, {.numpy_rounding = true});
    CHECK(!at::equal(numpy, expected));
    CHECK(at::allclose(numpy, expected, 0, 5e-7));  // the largest step between the two orders of rounding
  }
}
