#include <algorithm>
#include <array>
#include <iostream>
#include <set>
#include <thread>

#include <ATen/ATen.h>

#include <vos/core/random.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/data/synthetic_dataset.hpp>
#include <vos/frame/label_map.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

/// FNV-1a over a tensor's bytes.
std::uint64_t checksum(const at::Tensor& tensor) {
  std::uint64_t sum = 0xCBF29CE484222325;
  const auto* bytes = static_cast<const std::uint8_t*>(tensor.const_data_ptr());
  for (std::size_t i = 0; i < tensor.nbytes(); ++i) sum = (sum ^ bytes[i]) * 0x100000001B3;
  return sum;
}

struct Drawn {
  const char* scene;
  std::uint64_t pictures, labels;
};

/// Checksums of the named scenes as they were first drawn, frames 0, 7, 45 and 1203. Figures in the docs and other tests
/// rest on these pictures.
constexpr std::array<Drawn, 21> first_drawn{{
    {"demo,size=160x96", 0xa734'19cb'cf21'093fU, 0xd2ab'54dc'499d'5587U},
    {"crossing,size=160x96", 0x74b5'88af'7caa'e2d4U, 0xe0b5'9b8b'e3af'd1a2U},
    {"occlusion,size=160x96", 0x9088'935a'f5fe'45e1U, 0x243f'ca7d'36fd'7a15U},
    {"reentry,size=160x96", 0x8bb9'eb5b'583f'01cdU, 0xdb94'3b29'794b'08b6U},
    {"crowd,size=160x96", 0x676d'0c07'2efb'3f2bU, 0xf2c6'85dc'769f'5884U},
    {"tiny,size=160x96", 0xb07b'1647'b487'5996U, 0xc7fd'6db5'98ae'd7fbU},
    {"deforming,size=160x96", 0x0cc3'00ee'5aed'ce31U, 0x19f8'4a7b'7593'5beeU},
    {"demo,size=97x131,seed=7,objects=5", 0x1528'f004'6011'8f35U, 0x490e'd101'7d13'3867U},
    {"crossing,size=97x131,seed=7,objects=5", 0x9729'3b1d'5fcf'98dbU, 0xd88b'4365'0f4a'35c9U},
    {"occlusion,size=97x131,seed=7,objects=5", 0xed1a'e726'd913'e52fU, 0x6f3d'e223'e641'ef4fU},
    {"reentry,size=97x131,seed=7,objects=5", 0xce68'1943'eb80'd4e0U, 0xedd5'6ed8'0d7a'f90dU},
    {"crowd,size=97x131,seed=7,objects=5", 0x9861'6b88'bd54'5aa7U, 0xa62d'1526'0693'7b93U},
    {"tiny,size=97x131,seed=7,objects=5", 0x4204'64c3'46e1'7c87U, 0xbfc3'5922'55ad'c1f9U},
    {"deforming,size=97x131,seed=7,objects=5", 0x5ed3'2d40'34bd'e4e7U, 0xbb3d'323c'ecea'0d1eU},
    {"demo,size=854x480,objects=9,seed=3", 0xde6c'568e'bf45'6ba9U, 0x9b95'94f6'783d'd277U},
    {"crossing,size=854x480,objects=9,seed=3", 0x1344'52c8'5a00'13c4U, 0x8601'7d8c'5b84'1622U},
    {"occlusion,size=854x480,objects=9,seed=3", 0xa616'6bb7'211e'35cfU, 0xb3d0'9ea6'd5cb'6d5fU},
    {"reentry,size=854x480,objects=9,seed=3", 0x40f6'678e'8a1b'0779U, 0xb0f2'3cb4'2ecb'9048U},
    {"crowd,size=854x480,objects=9,seed=3", 0x5b8d'4f95'4e54'07a9U, 0xd10e'e169'1941'2604U},
    {"tiny,size=854x480,objects=9,seed=3", 0x79e1'63de'6fe5'3de8U, 0x8597'be75'de39'2debU},
    {"deforming,size=854x480,objects=9,seed=3", 0xff04'aace'129d'f33dU, 0xb489'd5e4'dd8a'5caaU},
}};

/// One object of the given shape in the middle of an empty picture, still.
Scene still_life(Sprite sprite, std::int64_t height = 120, std::int64_t width = 160) {
  Scene scene{.name = "still", .height = height, .width = width, .noise = 0};
  sprite.x.middle = sprite.y.middle = 0.5;
  scene.sprites = {std::move(sprite)};
  return scene;
}

}  // namespace

TEST_SUITE("synthetic") {
  TEST_CASE("the named scenes look as they did when they were first drawn") {
#if defined(__x86_64__) && !defined(__FMA__)
    for (const auto& [text, pictures, labels] : first_drawn) {
      CAPTURE(text);
      const SceneRenderer renderer{scene_from(text)};
      std::uint64_t seen_pictures = 0, seen_labels = 0;
      for (const std::int64_t frame : {0, 7, 45, 1203}) {
        const auto drawn = renderer.render(frame);
        seen_pictures = scramble(seen_pictures ^ checksum(drawn.rgb));
        seen_labels = scramble(seen_labels ^ checksum(drawn.labels));
      }
      CHECK(seen_pictures == pictures);
      CHECK(seen_labels == labels);
    }
#else
    test::skip("checksums of pictures are those of x86-64 without fused multiply-add");
#endif
  }

  TEST_CASE("training scenes are functions of their seed, whatever the order and the thread") {
    std::set<std::uint64_t> pictures;
    for (int seed = 1; seed <= 12; ++seed) {
      const auto text = "train,size=96x54,seed=" + std::to_string(seed);
      const SceneRenderer one{scene_from(text)}, two{scene_from(text)};
      const auto here = one.render(11);
      Rendered there;
      std::thread{[&] { two.render(30), there = two.render(11); }}.join();
      CHECK(at::equal(here.rgb, there.rgb));
      CHECK(at::equal(here.labels, there.labels));
      pictures.insert(checksum(here.rgb));
    }
    CHECK(pictures.size() == 12);
  }

  TEST_CASE("a training scene has the objects asked for, and shows the first one all the time") {
    for (const std::int64_t count : {1, 2, 5, 40, 100}) {
      const SceneRenderer renderer{scene_from("train,size=160x90,frames=40,seed=5,objects=" + std::to_string(count))};
      CHECK(objects_in(renderer.scene()) == count);
      for (const std::int64_t frame : {0, 20, 39}) {
        const auto drawn = renderer.render(frame);
        CHECK(static_cast<std::int64_t>(drawn.objects.size()) == count);
        CHECK(drawn.objects[0].present);
        CHECK(drawn.objects[0].alone > 0);
      }
    }
  }

  TEST_CASE(
      "the training distribution holds what there is to learn: late, vanishing, leaving, alike, hidden, swapping "
      "depth") {
    int late = 0, ending = 0, outside = 0, hidden = 0, alike = 0, depth = 0, classes_seen = 0;
    std::set<std::int32_t> classes;
    for (int seed = 1; seed <= 60; ++seed) {
      const SceneRenderer renderer{scene_from("train,size=96x54,objects=6,seed=" + std::to_string(seed))};
      std::set<std::uint64_t> textures;
      for (const auto& sprite : renderer.scene().sprites) {
        if (!sprite.object) continue;
        late += sprite.begin > 0;
        ending += sprite.end < 60;
        depth += sprite.depth.reach > 0;
        alike += !textures.insert(sprite.texture).second;
        classes.insert(sprite.category);
      }
      for (const std::int64_t frame : {5, 35})
        for (const auto& object : renderer.render(frame).objects) {
          outside += object.present && object.alone == 0;
          hidden += object.occluded() > 0.3;
        }
    }
    classes_seen = static_cast<int>(classes.size());
    CHECK(classes_seen == 16);
    // Of 360 objects in 60 scenes; the least that would still be of use, far below what chance gives.
    for (const int share : {late, ending, outside, hidden, alike, depth}) CHECK(share >= 10);
  }

  TEST_CASE("a frame tells how much of each object is to be seen") {
    // [facts]
    const SceneRenderer renderer{scene_from("twins,size=427x240")};
    const Rendered frame = renderer.render(20);  // rgb uint8 [H,W,3], labels int32 [H,W]
    for (const ObjectView& object : frame.objects)
      if (object.occluded() > 0.25)  // of what lies inside the picture
        std::cout << renderer.scene().categories[static_cast<std::size_t>(object.category)] << ' ' << object.id
                  << " is " << 100 * object.visibility() << " % visible\n";
    // [facts]
    CHECK(
        std::any_of(frame.objects.begin(), frame.objects.end(), [](auto& object) { return object.occluded() > 0.25; }));
  }

  TEST_CASE("what is known of an object agrees with the label map") {
    for (const auto* text :
         {"train,size=160x90,seed=4,objects=8", "crowd,size=160x90", "zoo,size=160x90", "twins,size=160x90"}) {
      CAPTURE(text);
      const SceneRenderer renderer{scene_from(text)};
      for (const std::int64_t frame : {0, 33}) {
        const auto drawn = renderer.render(frame);
        auto extents = label_extents(drawn.labels);
        for (const auto& object : drawn.objects) {
          CAPTURE(object.id);
          CHECK(object.visible == (extents.contains(object.id) ? extents[object.id].area : 0));
          if (extents.contains(object.id)) CHECK(object.box == extents[object.id].box);
          CHECK(object.visible <= object.alone);
          CHECK(object.alone <= object.whole);
          if (!object.present) CHECK(object.whole == 0);
          CHECK(object.category < static_cast<std::int32_t>(renderer.scene().categories.size()));
        }
      }
    }
  }

  TEST_CASE("pixels that are hidden, and pixels outside, are those that drawing the object alone or elsewhere shows") {
    auto scene = scene_from("crowd,size=160x90");
    const auto together = SceneRenderer{scene}.render(33);
    int hidden = 0;
    for (const auto& object : together.objects) {
      auto alone = scene;
      ObjectId id = 0;
      for (auto& sprite : alone.sprites) {
        const bool other = sprite.object ? ++id != object.id : true;
        if (other) sprite.begin = 1 << 20;
      }
      const auto seen = SceneRenderer{alone}.render(33).objects[static_cast<std::size_t>(object.id) - 1];
      CHECK(seen.visible == object.alone);
      hidden += object.visible < object.alone;
    }
    CHECK(hidden > 0);
    // Half of a disc whose centre lies on the left side.
    Sprite disc{.radius = {.middle = 0.3}};
    auto half = still_life(disc);
    half.sprites[0].x.middle = 0;
    const auto inside = SceneRenderer{still_life(disc)}.render(0).objects[0],
               cut = SceneRenderer{half}.render(0).objects[0];
    CHECK(cut.whole == inside.visible);
    CHECK(cut.alone * 2 == cut.whole);
    CHECK(cut.outside() == 0.5);
  }

  TEST_CASE("outlines cover the area that geometry gives them") {
    const double pi = std::numbers::pi;
    const auto area = [](Part part) {
      Sprite sprite{.radius = {.middle = 0.4}};
      sprite.parts = {part};
      const auto scene = still_life(sprite, 500, 500);
      return static_cast<double>(SceneRenderer{scene}.render(0).objects[0].visible) / (200.0 * 200.0);
    };
    // Of the unit radius squared. 1 %: pixels at the rim (0.5 % of a disc of 200 pixels), and outlines in 512 steps.
    CHECK(area({}) == doctest::Approx(pi).epsilon(0.01));
    CHECK(area({.outline = Outline::polygon, .points = 4}) == doctest::Approx(2).epsilon(0.01));
    CHECK(area({.outline = Outline::polygon, .points = 6}) == doctest::Approx(1.5 * std::sqrt(3.0)).epsilon(0.01));
    CHECK(area({.outline = Outline::star, .points = 5}) == doctest::Approx(5 * 0.45 * std::sin(pi / 5)).epsilon(0.01));
    CHECK(area({.outline = Outline::pill}) == doctest::Approx(pi * 0.42 * 0.42 + 4 * 0.42 * 0.58).epsilon(0.01));
    CHECK(area({.hole = 0.5}) == doctest::Approx(0.75 * pi).epsilon(0.01));
    CHECK(area({.size = 0.5, .aspect = 1.5}) == doctest::Approx(pi * 0.5 * 0.75).epsilon(0.01));
    CHECK(area({.outline = Outline::flower}) == doctest::Approx(pi * (0.76 * 0.76 + 0.24 * 0.24 / 2)).epsilon(0.01));
  }

  TEST_CASE("depth decides which of two objects hides the other, and may change") {
    Sprite disc{.radius = {.middle = 0.3}};
    auto scene = still_life(disc);
    scene.sprites.push_back(scene.sprites[0]);
    scene.sprites[0].depth = {.reach = 1, .period = 20};
    const SceneRenderer renderer{scene};
    const auto near = renderer.render(0), far = renderer.render(10);
    CHECK(near.objects[0].visible == near.objects[0].alone);
    CHECK(near.objects[1].visible == 0);
    CHECK(near.objects[1].occluded() == 1);
    CHECK(far.objects[0].visible == 0);
    CHECK(far.objects[1].visible == far.objects[1].alone);
  }

  TEST_CASE("an object is there from its first frame to before its last, and leaves no label outside of them") {
    Sprite disc{.begin = 3, .end = 5};
    const SceneRenderer renderer{still_life(disc)};
    for (const std::int64_t frame : {2, 3, 4, 5}) {
      const auto drawn = renderer.render(frame);
      const bool there = frame == 3 || frame == 4;
      CHECK(drawn.objects[0].present == there);
      CHECK((drawn.objects[0].visible > 0) == there);
      CHECK(drawn.labels.gt(0).any().item<bool>() == there);
    }
  }

  TEST_CASE("the shutter blurs the picture along the motion and leaves the labels alone") {
    Sprite white{.radius = {.middle = 0.2}, .paint = {255, 255, 255}, .weave = Weave::plain, .accent = {255, 255, 255}};
    white.parts = {{.outline = Outline::box}};
    auto scene = still_life(white);
    scene.ground = {.pattern = Ground::Pattern::plain, .paint = {40, 40, 40}, .accent = {40, 40, 40}};
    scene.sprites[0].x = {.middle = 0.5, .reach = 0.3, .period = 30, .phase = 0.25};  // 10 pixels in frame 0
    const auto sharp = SceneRenderer{scene}.render(0);
    scene.shutter = 1;
    const auto blurred = SceneRenderer{scene}.render(0);
    CHECK(at::equal(sharp.labels, blurred.labels));
    CHECK(sharp.objects[0].alone == blurred.objects[0].alone);
    const auto steepest = [](const at::Tensor& rgb, std::int64_t axis) {
      const auto grey = rgb.to(at::kFloat).mean(2);
      return (grey.slice(axis, 1) - grey.slice(axis, 0, -1)).abs().max().item<double>();
    };
    CHECK(steepest(sharp.rgb, 1) > 80);
    CHECK(steepest(blurred.rgb, 1) < 0.4 * steepest(sharp.rgb, 1));
    CHECK(steepest(blurred.rgb, 0) > 0.9 * steepest(sharp.rgb, 0));  // across the motion all stays sharp
  }

  TEST_CASE("a camera that zooms and turns moves objects and ground together") {
    // Clutter is painted on the ground and the same figure stands before it: if both move alike, it hides it always.
    Sprite box{.radius = {.middle = 0.15}, .paint = {255, 0, 0}, .weave = Weave::plain, .accent = {255, 0, 0}};
    box.parts = {{.outline = Outline::box}};
    auto scene = still_life(box, 200, 300);
    scene.sprites[0].x.middle = 0.3, scene.sprites[0].y.middle = 0.4;
    scene.ground.pattern = Ground::Pattern::plain;
    scene.ground.clutter = {scene.sprites[0]};
    scene.ground.clutter[0].radius.middle = 0.14;
    scene.zoom = {.middle = 1.1, .reach = 0.2, .period = 40};
    scene.roll = {.reach = 0.05, .period = 60};
    scene.camera_x = {.reach = 0.1, .period = 50};
    const auto red_outside = [](const Rendered& drawn) {
      const auto rgb = drawn.rgb.to(at::kInt);
      return (rgb.select(2, 0) - rgb.select(2, 1)).gt(60).logical_and(drawn.labels.eq(0)).sum().item<std::int64_t>();
    };
    const SceneRenderer renderer{scene};
    auto bare = scene;
    bare.sprites[0].begin = 1 << 20;
    const SceneRenderer uncovered{bare};
    for (std::int64_t frame = 0; frame < 60; frame += 7) {
      // 100: a rim of the box itself where it covers less than half of a pixel.
      CHECK(red_outside(renderer.render(frame)) < 100);
      CHECK(red_outside(uncovered.render(frame)) > 1000);
    }
  }

  TEST_CASE("another look changes shapes and classes but not where things go") {
    const auto plain = scene_from("crossing,size=96x54"), varied = scene_from("crossing,size=96x54,look=varied");
    CHECK(plain.categories == std::vector<std::string>{"blob"});
    CHECK(varied.categories == figure_names());
    for (std::size_t i = 0; i < plain.sprites.size(); ++i) {
      CHECK(plain.sprites[i].x.at(17) == varied.sprites[i].x.at(17));
      CHECK(plain.sprites[i].y.at(17) == varied.sprites[i].y.at(17));
    }
    CHECK(!at::equal(SceneRenderer{plain}.render(3).labels, SceneRenderer{varied}.render(3).labels));
  }

  TEST_CASE("objects that are alike differ in where they are and in nothing else") {
    const auto plain = scene_from("occlusion,size=96x54"), alike = scene_from("occlusion,size=96x54,look=alike");
    std::vector<const Sprite*> objects;
    for (const auto& sprite : alike.sprites)
      if (sprite.object) objects.push_back(&sprite);
    REQUIRE(objects.size() == 3);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      CHECK(objects[i]->paint == objects[0]->paint);
      CHECK(objects[i]->texture == objects[0]->texture);
      CHECK(objects[i]->radius.at(9) == objects[0]->radius.at(9));
      CHECK(objects[i]->x.at(17) == plain.sprites[i].x.at(17));
    }
    CHECK(plain.sprites[0].paint != plain.sprites[1].paint);
    CHECK(scene_from("occlusion,look=alike,seed=2").sprites[0].paint != alike.sprites[0].paint);
  }

  TEST_CASE("a dataset of several scenes shows each of them, every sample another clip of its kind") {
    const SyntheticDataset both{{.scene = "crossing+zoo,size=48x27,objects=5",
                                 .samples = 20,
                                 .height = 54,
                                 .width = 96,
                                 .clip = {.length = 2}}};
    CHECK(both.classes() == 0);  // blobs and figures
    CHECK(SyntheticDataset{{.scene = "zoo+train"}}.classes() == static_cast<std::int64_t>(figure_names().size()));
    std::set<std::string> names;
    for (std::int64_t i = 0; i < both.size(); ++i) {
      const auto sample = both({.seed = 3, .epoch = 0, .index = i});
      names.insert(sample.name);
      const bool crossing = sample.name == "synthetic:crossing";
      CHECK(sample.frames.size(1) == (crossing ? 54 : 27));  // a scene's own settings count first
      CHECK(at::equal(sample.frames, both({.seed = 3, .epoch = 0, .index = i}).frames));
      if (i > 0) CHECK_FALSE(at::equal(sample.frames, both({.seed = 3, .epoch = 0, .index = i - 1}).frames));
    }
    CHECK(names == std::set<std::string>{"synthetic:crossing", "synthetic:zoo"});

    const SyntheticDataset one{{.scene = "reentry,seed=5,size=48x27",
                                .clip = {.length = 90, .spacing = ClipSpacing::consecutive, .reversed = 0}}};
    CHECK(at::equal(one({.index = 0}).frames, one({.index = 1}).frames));
  }

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
    CHECK_THROWS_WITH_AS(scene_from("trian"), doctest::Contains("did you mean 'train'?"), Error);
    CHECK_THROWS_WITH_AS(scene_from("crowd,look=fancy"), doctest::Contains("plain, varied or alike"), Error);
    CHECK_THROWS_AS(scene_from("crowd,objects=-1"), Error);
    CHECK_THROWS_AS(scene_from("crowd,noise=nan"), Error);
    CHECK_THROWS_AS(open_synthetic({.input = "synthetic:crowd", .frames = {0, 9, 0}}), Error);
    CHECK_THROWS_AS(SceneRenderer{scene_from("crowd,size=0x10")}, Error);
  }
}
