#include <set>

#include <ATen/ATen.h>

#include <vos/data/synthetic.hpp>
#include <vos/frame/label_map.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("synthetic") {
  TEST_CASE("a frame is a function of scene and index, asked for in any order") {
    const SceneRenderer one{scene_from("demo,size=120x80")}, two{scene_from("demo,size=120x80")};
    const auto late = one.render(7);
    one.render(3);
    const auto again = two.render(7);
    CHECK(at::equal(late.rgb, again.rgb));
    CHECK(at::equal(late.labels, again.labels));
    CHECK(!at::equal(late.rgb, one.render(8).rgb));
    CHECK(!at::equal(late.rgb, SceneRenderer{scene_from("demo,size=120x80,seed=2")}.render(7).rgb));
  }

  TEST_CASE("every scene shows its objects, and objects move") {
    for (const auto& name : scene_names()) {
      CAPTURE(name);
      const SceneRenderer renderer{scene_from(name + ",size=240x135")};
      std::int64_t objects = 0;
      for (const auto& sprite : renderer.scene().sprites) objects += sprite.object;
      std::set<ObjectId> seen;
      for (std::int64_t i = 0; i < 90; i += 5)
        for (const auto& [id, extent] : label_extents(renderer.render(i).labels)) seen.insert(id);
      CHECK(static_cast<std::int64_t>(seen.size()) == objects);
      CHECK(*seen.rbegin() == objects);
      CHECK(!at::equal(renderer.render(0).labels, renderer.render(9).labels));
    }
  }

  TEST_CASE("the crossing scene hides one object behind another, and the reentry scene sends them away") {
    const SceneRenderer crossing{scene_from("crossing,size=240x135")};
    std::int64_t least = 1 << 30, most = 0;
    for (std::int64_t i = 0; i < 90; ++i) {
      const auto area = label_extents(crossing.render(i).labels)[1].area;
      least = std::min(least, area), most = std::max(most, area);
    }
    CHECK(least < most * 7 / 10);
    const SceneRenderer reentry{scene_from("reentry,size=240x135")};
    bool gone = false, back = false;
    for (std::int64_t i = 0; i < 130; ++i) {
      const bool here = reentry.render(i).labels.eq(1).any().item<bool>();
      back |= gone && here;
      gone |= !here;
    }
    CHECK(back);
  }

  TEST_CASE("as a source: range, length, names and truth") {
    const auto source =
        open_synthetic({.input = "synthetic:crossing,frames=10,size=64x48", .frames = {2, 9, 3}, .max_size = 32});
    CHECK(source->info().frames == 3);
    CHECK(source->info().name == "crossing");
    std::vector<std::int64_t> indices;
    while (const auto frame = source->next()) {
      indices.push_back(frame->index);
      CHECK(frame->width() == 32);
      CHECK(frame->height() == 24);
      CHECK(source->truth(frame->index).size(1) == 32);
    }
    CHECK(indices == std::vector<std::int64_t>{2, 5, 8});
    CHECK(source->stem(8) == "00008");
    const auto one = open_synthetic({.input = "synthetic:tiny,size=8x8", .frames = {1, 10, std::int64_t{1} << 62}});
    CHECK(one->info().frames == 1);
    CHECK(one->next()->index == 1);
    CHECK(!one->next());
  }

  TEST_CASE("mistyped scenes and settings say what would be right") {
    CHECK_THROWS_WITH_AS(scene_from("crosing"), doctest::Contains("did you mean 'crossing'?"), Error);
    CHECK_THROWS_WITH_AS(scene_from("crowd,object=3"), doctest::Contains("did you mean 'objects'?"), Error);
    CHECK_THROWS_WITH_AS(scene_from("crowd,size=12"), doctest::Contains("WIDTHxHEIGHT"), Error);
    CHECK_THROWS_AS(scene_from("crowd,objects=-1"), Error);
    CHECK_THROWS_AS(scene_from("crowd,noise=nan"), Error);
    CHECK_THROWS_AS(open_synthetic({.input = "synthetic:crowd", .frames = {0, 9, 0}}), Error);
    CHECK_THROWS_AS(SceneRenderer{scene_from("crowd,size=0x10")}, Error);
  }
}
