#include "../../web/composer.hpp"

#include <array>
#include <cstdint>
#include <vector>

#include <vos/wire/mask_decode.hpp>

#include "../test.hpp"

namespace {

using namespace vos;
using namespace vos::web;

struct Said {
  explicit Said(wire::Written written) : bytes(std::move(written)), opened(wire::open_message(bytes)) {
    REQUIRE(opened.message != nullptr);
  }
  const wire::Message* operator->() const { return opened.message; }
  wire::Written bytes;
  wire::Opened opened;
};

}  // namespace

TEST_SUITE("web") {
  TEST_CASE("numbers and words become the fields of a message, in the schema's order") {
    Composer composer;
    for (const double n : {41.0, 1.0, 12.5}) composer.number(n);
    for (const char* word : {"page", "token", "session", "resume"}) composer.word(word);
    const Said said{composer.say(wire::Body::Hello, 7)};
    const auto* hello = said->body_as_Hello();
    REQUIRE(hello != nullptr);
    CHECK(said->request() == 7);
    CHECK(hello->protocol() == wire::protocol);
    CHECK(wire::text_of(hello->client()) == "page");
    CHECK(wire::text_of(hello->token()) == "token");
    CHECK(wire::text_of(hello->session()) == "session");
    CHECK(wire::text_of(hello->resume()) == "resume");
    CHECK(hello->last_index() == 41);
    CHECK(hello->pictures());
    CHECK(hello->most_frames_per_second() == 12.5F);
  }

  TEST_CASE("what was said is forgotten: the next message holds nothing of it") {
    Composer composer;
    composer.number(9);
    composer.word("x");
    CHECK_FALSE(composer.say(wire::Body::Seek, 0).empty());
    const Said said{composer.say(wire::Body::Seek, 0)};
    CHECK(said->body_as_Seek()->index() == 0);
  }

  TEST_CASE("every message that a client may send is written, no other") {
    int written = 0;
    for (int kind = 0; kind < 256; ++kind) {
      Composer composer;
      for (int i = 0; i < 4; ++i) composer.number(i);
      const auto bytes = composer.say(static_cast<wire::Body>(kind), 1);
      if (bytes.empty()) continue;
      CHECK(static_cast<int>(wire::open_message(bytes).message->body_type()) == kind);
      CHECK(kind < 64);
      ++written;
    }
    CHECK(written == 22);
  }

  TEST_CASE("a prompt is gathered from marks and their parts") {
    Composer composer;
    const auto part = [&](Composer::Part kind, std::vector<double> numbers, const char* word = nullptr) {
      for (const auto n : numbers) composer.number(n);
      if (word != nullptr) composer.word(word);
      return composer.add(kind);
    };
    CHECK_FALSE(part(Composer::Part::box, {1, 2, 3, 4}));  // of no object
    CHECK(part(Composer::Part::mark, {3, -1}, "dog"));
    CHECK(part(Composer::Part::box, {1.5, 2, 30, 40}));
    CHECK(part(Composer::Part::click, {4, 5, 1}));
    CHECK(part(Composer::Part::click, {6, 7, 0}));
    CHECK(part(Composer::Part::mark, {0, 2}));
    CHECK(part(Composer::Part::stroke, {3.5, 1, 1, 1, 2, 3}));
    CHECK(part(Composer::Part::polygon, {0, 1, 1, 9, 1, 9, 9}));
    composer.number(12);
    composer.number(1);
    const Said said{composer.say(wire::Body::Prompt, 5)};
    const auto* prompt = said->body_as_Prompt();
    CHECK(prompt->index() == 12);
    CHECK(prompt->preview());
    REQUIRE(prompt->marks()->size() == 2);
    const auto& first = *prompt->marks()->Get(0);
    CHECK(first.object() == 3);
    CHECK(wire::text_of(first.name()) == "dog");
    CHECK(first.box()->x0() == 1.5F);
    REQUIRE(first.clicks()->size() == 2);
    CHECK(first.clicks()->Get(0)->add());
    CHECK_FALSE(first.clicks()->Get(1)->add());
    const auto& second = *prompt->marks()->Get(1);
    CHECK(second.object() == 0);
    CHECK(second.category() == 2);
    CHECK(second.strokes()->Get(0)->erase());
    CHECK(second.strokes()->Get(0)->radius() == 3.5F);
    CHECK(second.strokes()->Get(0)->points()->size() == 2);
    CHECK(second.polygons()->Get(0)->points()->Get(2)->y() == 9);
    const Said next{composer.say(wire::Body::Prompt, 6)};
    CHECK((next->body_as_Prompt()->marks() == nullptr || next->body_as_Prompt()->marks()->size() == 0));
  }

  TEST_CASE("a picture becomes a whole mask where it is bright and not clear") {
    const int width = 5, height = 3;
    std::vector<std::uint8_t> rgba(width * height * 4, 0);
    const auto paint = [&](int x, int y, int value, int alpha) {
      auto* pixel = rgba.data() + (y * width + x) * 4;
      pixel[0] = pixel[1] = pixel[2] = static_cast<std::uint8_t>(value);
      pixel[3] = static_cast<std::uint8_t>(alpha);
    };
    paint(1, 0, 255, 255), paint(2, 0, 1, 255), paint(4, 1, 255, 10), paint(4, 2, 200, 200), paint(0, 2, 0, 255);
    Composer composer;
    for (const double n : {5.0, 3.0, 7.0}) composer.number(n);
    REQUIRE(composer.add(Composer::Part::mask, rgba));
    composer.number(2);
    const Said said{composer.say(wire::Body::Prompt, 1)};
    MaskFrame masks;
    REQUIRE(decode_masks(wire::bytes_of(said->body_as_Prompt()->masks()), nullptr, masks) == MaskFault::none);
    CHECK(masks.ids == std::vector<ObjectId>{7});
    std::vector<ObjectId> labels(width * height);
    labels_from_masks(masks, labels.data());
    CHECK(labels == std::vector<ObjectId>{0, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7});
  }

  TEST_CASE("a picture of another size than it claims, and one beyond the limits, are refused") {
    Composer composer;
    const std::vector<std::uint8_t> rgba(64, 255);
    for (const auto& [width, height, id] :
         {std::array{5.0, 3.0, 1.0}, {4.0, 4.0, 0.0}, {-4.0, -4.0, 1.0}, {1e9, 1e9, 1.0}}) {
      for (const double n : {width, height, id}) composer.number(n);
      CHECK_FALSE(composer.add(Composer::Part::mask, rgba));
    }
  }
}
