#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>
#include <vos/wire/message.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "../test.hpp"

namespace {

using namespace vos::wire;

/// A copy at an address that 8 divides.
class Aligned {
 public:
  explicit Aligned(Bytes from) : words_((from.size() + 7) / 8 + 1), size_(from.size()) {
    if (size_ > 0) std::memcpy(words_.data(), from.data(), size_);
  }
  Bytes bytes() const { return {reinterpret_cast<const std::uint8_t*>(words_.data()), size_}; }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

std::vector<std::uint8_t> golden_frame() {
  std::ifstream in{vos::test::file("wire/golden/masks/frame.bin"), std::ios::binary};
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

PromptT some_prompt() {
  PromptT prompt;
  prompt.index = 12;
  prompt.preview = true;
  auto mark = std::make_unique<MarkT>();
  mark->object = 3;
  mark->name = "dog";
  mark->box = std::make_unique<Box>(1.5F, 2, 30, 40);
  mark->clicks = {Click{Point{4, 5}, true}, Click{Point{6, 7}, false}};
  auto stroke = std::make_unique<StrokeT>();
  stroke->radius = 3;
  stroke->points = {Point{1, 1}, Point{2, 3}};
  mark->strokes.push_back(std::move(stroke));
  prompt.marks.push_back(std::move(mark));
  return prompt;
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("a frame's message holds what was put in, at two objects' cost beside the masks") {
    const std::vector<std::uint8_t> masks(170, 7), jpeg{0xff, 0xd8};
    const std::vector<FrameObject> objects{object_to_send(2, -1, 0.5F, {1, 2, 30, 40}, true),
                                           object_to_send(7, 4, 0, {}, false, ObjectFlags::suspect)};
    const auto written = frame_message({.index = 1L << 40,
                                        .seconds = 0.04,
                                        .height = 480,
                                        .width = 854,
                                        .objects = objects,
                                        .masks = masks,
                                        .jpeg = jpeg,
                                        .revision = 3});
    const auto opened = open_message(written);
    REQUIRE(opened.message != nullptr);
    const auto* frame = opened.message->body_as_FrameResult();
    REQUIRE(frame != nullptr);
    CHECK(opened.message->body_as_Seek() == nullptr);
    CHECK(frame->index() == 1L << 40);
    CHECK(frame->height() == 480);
    CHECK(frame->revision() == 3);
    CHECK(std::ranges::equal(bytes_of(frame->masks()), masks));
    CHECK(std::ranges::equal(bytes_of(frame->jpeg()), jpeg));
    REQUIRE(frame->objects()->size() == 2);
    CHECK(frame->objects()->Get(0)->y1() == 40);
    CHECK(frame->objects()->Get(1)->state() == ObjectState::lost);
    CHECK(frame->objects()->Get(1)->flags() == ObjectFlags::suspect);
    const auto bare =
        frame_message({.index = 5, .seconds = 0.2, .height = 480, .width = 854, .objects = objects, .masks = masks});
    CHECK(bare.size() <= masks.size() + 160);
    CHECK(open_message(bare).message->body_as_FrameResult()->jpeg() == nullptr);
    CHECK(bytes_of(open_message(bare).message->body_as_FrameResult()->jpeg()).empty());
  }

  TEST_CASE("commands keep their fields and their number") {
    const auto written = message_of(some_prompt(), 41);
    const auto [message, fault] = open_message(written);
    REQUIRE(fault == MessageFault::none);
    CHECK(message->request() == 41);
    const auto* prompt = message->body_as_Prompt();
    REQUIRE(prompt != nullptr);
    CHECK(prompt->index() == 12);
    const auto* mark = prompt->marks()->Get(0);
    CHECK(text_of(mark->name()) == "dog");
    CHECK(mark->box()->x0() == 1.5F);
    CHECK_FALSE(mark->clicks()->Get(1)->add());
    CHECK(mark->strokes()->Get(0)->points()->Get(1)->y() == 3);
    CHECK(mark->polygons() == nullptr);
    SeekT seek;
    seek.index = -3;
    CHECK(open_message(message_of(seek)).message->body_as_Seek()->index() == -3);
  }

  TEST_CASE("boxes are rounded outwards and stay in the picture") {
    const auto object = object_to_send(1, 2, 1, {-3.5F, 0.25F, 10.1F, 70000}, true);
    CHECK(object.x0() == 0);
    CHECK(object.y0() == 0);
    CHECK(object.x1() == 11);
    CHECK(object.y1() == 65535);
  }

  TEST_CASE("every prefix and every flipped bit of a message is refused or read without harm") {
    for (const auto& written : {message_of(some_prompt(), 1),
                                frame_message({.index = 7, .height = 4, .width = 4, .masks = message_of(UndoT{})})}) {
      const Bytes whole = written;
      int refused = 0;
      for (std::size_t size = 0; size < whole.size(); ++size)
        if (open_message(Aligned{whole.first(size)}.bytes()).message == nullptr) ++refused;
      CHECK(refused > static_cast<int>(whole.size() / 2));  // what FlatBuffers leaves at the end may be padding
      for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        std::vector<std::uint8_t> damaged{whole.begin(), whole.end()};
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const Aligned copy{damaged};
        if (const auto* message = open_message(copy.bytes()).message)
          CHECK(std::unique_ptr<MessageT>{message->UnPack()} != nullptr);  // the sanitizers watch each field being read
      }
    }
  }

  TEST_CASE("what is not a message is told from one that is damaged, and from one of a later version") {
    const auto fault = [](std::vector<std::uint8_t> bytes) { return open_message(Aligned{bytes}.bytes()).fault; };
    const auto bytes = message_of(SeekT{}, 1);
    CHECK(fault({}) == MessageFault::not_ours);
    CHECK(fault({'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}) == MessageFault::not_ours);
    auto other = bytes;
    other[4] = 'X';
    CHECK(fault(other) == MessageFault::not_ours);
    auto damaged = bytes;
    damaged[0] = 0xf0;
    CHECK(fault(damaged) == MessageFault::damaged);
    flatbuffers::FlatBufferBuilder builder;  // a body of a kind that comes after ours
    const auto body = CreateSeek(builder, 1);
    builder.Finish(CreateMessage(builder, static_cast<Body>(200), body.Union()), MessageIdentifier());
    CHECK(open_message({builder.GetBufferPointer(), builder.GetSize()}).fault == MessageFault::unknown);
    const Aligned copy{bytes};
    CHECK(open_message(copy.bytes()).fault == MessageFault::none);
    CHECK(open_message({copy.bytes().data() + 1, 40}).fault == MessageFault::unaligned);
    CHECK(open_message({copy.bytes().data(), largest_message + 1}).fault == MessageFault::too_large);  // unread
  }

  TEST_CASE("a message recorded once is read for ever, and written the same") {
    const auto recorded = golden_frame();
    const Aligned copy{recorded};
    const auto* message = open_message(copy.bytes()).message;
    REQUIRE(message != nullptr);
    const auto* frame = message->body_as_FrameResult();
    REQUIRE(frame != nullptr);
    CHECK(frame->index() == 7);
    CHECK(frame->seconds() == 0.25);
    CHECK(frame->revision() == 2);
    CHECK(frame->objects()->Get(1)->id() == 70000);
    CHECK(frame->objects()->Get(1)->score() == 0.5F);
    CHECK(frame->objects()->Get(1)->flags() == ObjectFlags::prompted);
    vos::MaskFrame masks;
    CHECK(vos::decode_masks(bytes_of(frame->masks()), nullptr, masks) == vos::MaskFault::none);
    CHECK(masks.ids == std::vector<vos::ObjectId>{3, 70000});
    const std::vector<FrameObject> objects{*frame->objects()->Get(0), *frame->objects()->Get(1)};
    const auto again = frame_message({.index = 7,
                                      .seconds = 0.25,
                                      .height = 48,
                                      .width = 64,
                                      .objects = objects,
                                      .masks = bytes_of(frame->masks()),
                                      .revision = 2});
    CHECK(again == recorded);
  }
}
