#include <ATen/ATen.h>

#include <vos/frame/label_map.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

at::Tensor map_of(std::initializer_list<std::initializer_list<int>> rows) {
  const auto height = static_cast<std::int64_t>(rows.size()), width = static_cast<std::int64_t>(rows.begin()->size());
  auto labels = at::empty({height, width}, at::kInt);
  auto* pixel = labels.mutable_data_ptr<std::int32_t>();
  for (const auto& row : rows) pixel = std::copy(row.begin(), row.end(), pixel);
  return labels;
}

}  // namespace

TEST_SUITE("label map") {
  TEST_CASE("extents are tight boxes and pixel counts, also of an object in pieces") {
    const auto extents = label_extents(map_of({{0, 7, 0, 0}, {2, 2, 0, 7}, {0, 0, 0, 0}}));
    REQUIRE(extents.size() == 2);
    CHECK(extents.at(7).box == Box{1, 0, 4, 2});
    CHECK(extents.at(7).area == 2);
    CHECK(extents.at(2).box == Box{0, 1, 2, 2});
  }

  TEST_CASE("resizing takes the nearest pixel, seen from pixel centres") {
    const auto labels = map_of({{1, 2}, {3, 4}});
    CHECK(at::equal(resize_labels(labels, 4, 4), map_of({{1, 1, 2, 2}, {1, 1, 2, 2}, {3, 3, 4, 4}, {3, 3, 4, 4}})));
    CHECK(at::equal(resize_labels(labels, 1, 3),
                    map_of({{3, 4, 2}})));  // 2 takes one of the two of 4; 1 would cost 3 its only
    CHECK(at::equal(resize_labels(resize_labels(labels, 6, 10), 2, 2), labels));
  }

  TEST_CASE("an id that is laid over lies where it is laid and nowhere else") {
    const auto under = map_of({{1, 1, 0}, {2, 2, 0}}), over = map_of({{0, 2, 2}, {0, 0, 0}});
    CHECK(at::equal(merge_labels(under, over), map_of({{1, 2, 2}, {0, 0, 0}})));
    CHECK(at::equal(merge_labels({}, over), over));
    CHECK(at::equal(under, map_of({{1, 1, 0}, {2, 2, 0}})));  // not written
    CHECK(at::equal(without_label(under, 2), map_of({{1, 1, 0}, {0, 0, 0}})));
  }

  TEST_CASE("an object without a pixel is lost, and has no box and no score") {
    FrameResult result{.objects = {{.id = 1, .score = 0.5F}, {.id = 2, .score = 0.5F}}, .labels = map_of({{0, 2}})};
    measure_objects(result);
    CHECK(result.objects[0] == FrameObject{.id = 1});
    CHECK(result.objects[1] == FrameObject{.id = 2, .score = 0.5F, .box = {1, 0, 2, 1}, .state = ObjectState::visible});
  }

  TEST_CASE("where masks overlap, an object behind another is as large as its own mask") {
    FrameResult result{.objects = {{.id = 1, .score = 1}, {.id = 2, .score = 1}}, .labels = map_of({{2, 2, 0}})};
    result.masks = at::stack({map_of({{1, 1, 1}}), map_of({{1, 1, 0}})}).to(at::kBool);
    measure_objects(result);
    CHECK(result.objects[0].state == ObjectState::visible);
    CHECK(result.objects[0].box == Box{0, 0, 3, 1});
    CHECK(result.objects[1].box == Box{0, 0, 2, 1});
  }

  TEST_CASE("boxes overlap by their pixels") {
    CHECK(iou(Box{0, 0, 2, 2}, Box{1, 0, 3, 2}) == doctest::Approx(2.0 / 6));
    CHECK(iou(Box{}, Box{}) == 0);
    CHECK(iou(Box{0, 0, 1, 1}, Box{5, 5, 6, 6}) == 0);
  }
}
