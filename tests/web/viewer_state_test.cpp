#include "../../web/viewer_state.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>

#include "../test.hpp"

namespace {

using namespace vos;
using namespace vos::web;

constexpr int height = 24, width = 32;
constexpr int frame_result = static_cast<int>(wire::Body::FrameResult);

/// Object 3 is a box that moves right with the frames; 5 stands still beside it.
MaskFrame masks_at(int frame) {
  std::vector<ObjectId> labels(height * width);
  for (int y = 4; y < 14; ++y)
    for (int x = frame; x < frame + 8; ++x) labels[static_cast<std::size_t>(y * width + x)] = 3;
  for (int y = 16; y < 22; ++y)
    for (int x = 20; x < 30; ++x) labels[static_cast<std::size_t>(y * width + x)] = 5;
  return masks_from_labels(labels, height, width);
}

/// As a server writes them: the first on its own, later ones as differences.
class Stream {
 public:
  wire::Written next(int index, bool key = false, std::vector<std::uint8_t> jpeg = {0xff, 0xd8}) {
    const auto masks = masks_at(index);
    const auto bytes = encode_masks(masks, key || last_.height == 0 ? nullptr : &last_);
    last_ = masks;
    const std::array objects{wire::object_to_send(3, -1, 0.9F, {float(index), 4, float(index) + 8, 14}, true),
                             wire::object_to_send(5, 1, 0.4F, {20, 16, 30, 22}, true, wire::ObjectFlags::suspect)};
    return wire::frame_message({.index = index,
                                .seconds = index / 25.0,
                                .height = height,
                                .width = width,
                                .objects = objects,
                                .masks = bytes,
                                .jpeg = jpeg,
                                .revision = 1});
  }

 private:
  MaskFrame last_;
};

wire::Written picture_alone(int index) {
  const std::vector<std::uint8_t> jpeg{0xff, 0xd8, 1};
  return wire::frame_message({.index = index, .height = height, .width = width, .jpeg = jpeg});
}

nlohmann::json said(const ViewerState& state) { return nlohmann::json::parse(state.text()); }

wire::ObjectListT list_of(std::vector<std::pair<ObjectId, std::uint32_t>> objects) {
  wire::ObjectListT list;
  for (const auto& [id, colour] : objects) {
    auto info = std::make_unique<wire::ObjectInfoT>();
    info->id = id, info->colour = colour, info->name = "n" + std::to_string(id), info->prompted = {4, 9};
    list.objects.push_back(std::move(info));
  }
  return list;
}

}  // namespace

TEST_SUITE("web") {
  TEST_CASE("frames that build on each other are shown as they were sent") {
    ViewerState state;
    Stream server;
    for (int i = 0; i < 6; ++i) {
      REQUIRE(state.feed(server.next(i)) == frame_result);
      REQUIRE(state.fault() == MaskFault::none);
      CHECK(state.arrived()->index == i);
    }
    for (const int i : {5, 2, 0}) {  // the ring has them all
      const auto* frame = state.show(i);
      REQUIRE(frame != nullptr);
      CHECK(frame->masks == masks_at(i));
      CHECK(frame->objects.size() == 2);
      CHECK(state.view().hit(i + 3, 8, 0) == 3);
      CHECK(state.view().hit(25, 18, 0) == 5);
    }
    CHECK(state.show(6) == nullptr);
    CHECK(state.time_line().knows(5));
  }

  TEST_CASE("a difference to a frame that never came is told, and a key frame mends it") {
    ViewerState state;
    Stream server;
    state.feed(server.next(0));
    server.next(1);  // lost on the way
    REQUIRE(state.feed(server.next(2)) == frame_result);
    CHECK(state.fault() == MaskFault::no_base);
    CHECK_FALSE(state.arrived()->answered);
    CHECK_FALSE(state.time_line().knows(2));
    REQUIRE(state.feed(server.next(3, true)) == frame_result);
    CHECK(state.fault() == MaskFault::none);
    CHECK(state.show(3)->masks == masks_at(3));
  }

  TEST_CASE("after a lost connection nothing builds on what came before it; frames stay") {
    ViewerState state;
    Stream server;
    state.feed(server.next(0));
    state.reconnect();
    state.feed(server.next(1));
    CHECK(state.fault() == MaskFault::no_base);
    CHECK(state.show(0) != nullptr);
    state.restart();
    CHECK(state.show(0) == nullptr);
    CHECK_FALSE(state.time_line().knows(0));
  }

  TEST_CASE("a picture alone has no masks, and is no result; a result without a picture keeps the one that is there") {
    ViewerState state;
    Stream server;
    REQUIRE(state.feed(picture_alone(4)) == frame_result);
    CHECK_FALSE(state.arrived()->answered);
    CHECK_FALSE(state.time_line().knows(4));
    CHECK(state.brought_picture());
    state.show(4);
    CHECK(state.view().hit(5, 5, 0) == 0);
    state.feed(server.next(4, true, {}));
    CHECK_FALSE(state.brought_picture());
    const auto* frame = state.show(4);
    CHECK(frame->answered);
    CHECK(state.ring().find(4)->jpeg == std::vector<std::uint8_t>{0xff, 0xd8, 1});
    CHECK(state.view().hit(5, 5, 0) == 3);
  }

  TEST_CASE("what an edit made doubtful is shown without masks until it comes again") {
    ViewerState state;
    Stream server;
    for (int i = 0; i < 4; ++i) state.feed(server.next(i));
    state.doubt(2, 100);
    CHECK(state.show(1)->answered);
    CHECK_FALSE(state.show(2)->answered);
    CHECK(state.view().hit(5, 5, 0) == 0);
  }

  TEST_CASE("the palette holds the list's colours and what is hidden, chosen, suspect") {
    ViewerState state;
    Stream server;
    state.feed(server.next(0));
    REQUIRE(state.feed(wire::message_of(list_of({{3, 0x102030}}))) == static_cast<int>(wire::Body::ObjectList));
    CHECK(said(state)["objects"][0]["name"] == "n3");
    CHECK(said(state)["objects"][0]["prompted"] == nlohmann::json{4, 9});
    state.select(3);
    state.show(0);
    const auto entry = [&](std::size_t slot) {
      return std::vector<int>(state.palette().begin() + slot * 4, state.palette().begin() + slot * 4 + 4);
    };
    CHECK(entry(1) == std::vector<int>{0x10, 0x20, 0x30, MaskView::shown | MaskView::selected});
    CHECK(entry(2)[0] == object_colour(5).r);
    CHECK(entry(2)[3] == (MaskView::shown | MaskView::suspect));
    CHECK(state.anchors()[0].area == 80);
    state.hide(5, true);
    state.restyle();
    CHECK(state.view().hit(25, 18, 0) == 0);
    state.solo(5);  // more than hidden
    state.restyle();
    CHECK(state.view().hit(25, 18, 0) == 5);
    CHECK(state.view().hit(3, 8, 0) == 0);
  }

  TEST_CASE("a name stands inside of its object") {
    ViewerState state;
    Stream server;
    state.feed(server.next(7));
    state.show(7);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& anchor = state.anchors()[i];
      CHECK(state.view().hit(std::int64_t(anchor.x), std::int64_t(anchor.y), 0) == state.shown().objects[i].id());
    }
  }

  TEST_CASE("a preview lies apart from the shown masks") {
    ViewerState state;
    Stream server;
    state.feed(server.next(0));
    state.show(0);
    wire::AnswerT answer;
    answer.objects = {9};
    answer.masks = encode_masks(masks_at(10));
    REQUIRE(state.feed(wire::message_of(std::move(answer), 12)) == static_cast<int>(wire::Body::Answer));
    CHECK(said(state)["request"] == 12);
    CHECK(said(state)["masks"] == true);
    REQUIRE(state.show_preview());
    CHECK(state.preview().hit(12, 8, 0) == 3);
    CHECK(state.view().hit(12, 8, 0) == 0);
    state.clear_preview();
    CHECK_FALSE(state.show_preview());
    wire::AnswerT nothing;
    nothing.masks =
        encode_masks(masks_from_labels(std::vector<ObjectId>(height * width), height, width, std::vector<ObjectId>{9}));
    state.feed(wire::message_of(std::move(nothing)));
    CHECK_FALSE(state.show_preview());
  }

  TEST_CASE("words of any kind reach the script as they are") {
    ViewerState state;
    wire::NoticeT notice;
    notice.what = "\"quoted\" \\ back\nline \x01 \xC3\xA9";
    notice.severity = wire::Severity::warning;
    notice.index = 1L << 40;
    state.feed(wire::message_of(std::move(notice)));
    CHECK(said(state)["what"] == "\"quoted\" \\ back\nline \x01 \xC3\xA9");
    CHECK(said(state)["severity"] == 1);
    CHECK(said(state)["index"] == 1L << 40);
  }

  TEST_CASE("a Welcome tells source, models and playback") {
    ViewerState state;
    wire::WelcomeT welcome;
    welcome.session = "s1";
    welcome.role = wire::Role::viewer;
    welcome.source = std::make_unique<wire::SourceT>();
    welcome.source->fps = 29.97;
    welcome.models.push_back(std::make_unique<wire::ModelT>());
    welcome.models[0]->name = "flow";
    welcome.models[0]->categories = {"cat", "dog"};
    welcome.playback = std::make_unique<wire::PlaybackT>();
    welcome.playback->index = 7;
    REQUIRE(state.feed(wire::message_of(std::move(welcome))) == static_cast<int>(wire::Body::Welcome));
    const auto json = said(state);
    CHECK(json["owner"] == false);
    CHECK(json["source"]["fps"] == doctest::Approx(29.97));
    CHECK(json["models"][0]["categories"] == nlohmann::json{"cat", "dog"});
    CHECK(json["playback"]["index"] == 7);
  }

  TEST_CASE("damage and what only servers take are told, not believed") {
    ViewerState state;
    auto bytes = Stream{}.next(0);
    bytes.resize(bytes.size() / 2);
    CHECK(state.feed(bytes) == 0);
    CHECK(said(state).contains("what"));
    CHECK(state.feed(wire::message_of(wire::PlayT{})) == 0);
    CHECK(state.show(0) == nullptr);
  }

  TEST_CASE("the ring holds as many frames as its bytes allow, those used last") {
    FrameRing ring{10000};
    for (int i = 0; i < 100; ++i) {
      KeptFrame frame{.index = i};
      frame.jpeg.resize(900);
      ring.put(std::move(frame));
      ring.find(0);  // in use all the time
      CHECK(ring.bytes() <= 10000);
    }
    CHECK(ring.size() >= 5);
    CHECK(ring.find(0) != nullptr);
    CHECK(ring.find(99) != nullptr);
    CHECK(ring.find(50) == nullptr);
    KeptFrame huge{.index = 200};
    huge.jpeg.resize(50000);
    ring.put(std::move(huge));
    CHECK(ring.size() == 1);
    CHECK(ring.find(200) != nullptr);
  }

  TEST_CASE("where objects overlap the later one lies above; more than 255 need two bytes a pixel") {
    MaskFrame frame{.height = 4, .width = 8, .overlapping = true, .ids = {1, 2}, .layers = {MaskRows{}, MaskRows{}}};
    for (auto& layer : frame.layers)
      for (int y = 0; y < 4; ++y) {
        const std::uint16_t x = &layer == &frame.layers[0] ? 0 : 4;
        layer.runs.push_back({x, 1});
        if (x == 0) layer.runs.push_back({6, 0});
        layer.end_row();
      }
    MaskView view;
    view.paint(frame, {});
    CHECK(view.hit(5, 1, 0) == 2);
    CHECK(view.hit(1, 1, 0) == 1);
    view.paint(frame, {2});
    CHECK(view.hit(5, 1, 0) == 1);
    CHECK(view.hit(7, 1, 0) == 0);
    CHECK(view.hit(7, 1, 2) == 1);

    MaskFrame crowd{.height = 1, .width = 600, .layers = {MaskRows{}}};
    for (std::uint16_t k = 1; k <= 300; ++k) {
      crowd.ids.push_back(k * 2);
      crowd.layers[0].runs.push_back({static_cast<std::uint16_t>(2 * (k - 1)), k});
    }
    crowd.layers[0].end_row();
    view.paint(crowd, {});
    CHECK(view.wide());
    CHECK(view.hit(599, 0, 0) == 600);
  }
}
