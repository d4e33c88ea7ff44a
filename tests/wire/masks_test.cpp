#include <vos/wire/mask_decode.hpp>
#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>
#include <vos/wire/rle_encode.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../python.hpp"
#include "../test.hpp"

namespace {

using vos::MaskFault;
using vos::MaskFrame;
using vos::ObjectId;
using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<ObjectId>;

/// A label map of this size by a function of row and column.
template <class IdAt>
Labels labels_of(std::int64_t height, std::int64_t width, IdAt&& id_at) {
  Labels labels;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) labels.push_back(id_at(y, x));
  return labels;
}

/// Discs on circular paths, later ones above: what a tracker gives, in small.
MaskFrame discs(std::int64_t height, std::int64_t width, int count, double time) {
  const double radius = 0.4 * std::sqrt(static_cast<double>(height * width) / std::max(count, 1));
  Labels labels(static_cast<std::size_t>(height * width));
  for (int k = 0; k < count; ++k) {
    const double turn = 0.05 * time + 2.4 * k, reach = 0.45 * std::sqrt((k + 0.5) / count);
    const double cx = static_cast<double>(width) * (0.5 + reach * std::cos(turn)),
                 cy = static_cast<double>(height) * (0.5 + reach * std::sin(turn));
    for (auto y = std::max(0.0, cy - radius); y < std::min<double>(static_cast<double>(height), cy + radius); ++y)
      for (auto x = std::max(0.0, cx - radius); x < std::min<double>(static_cast<double>(width), cx + radius); ++x)
        if (std::hypot(x - cx, y - cy) < radius)
          labels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] = k + 1;
  }
  return vos::masks_from_labels(labels, height, width);
}

MaskFrame decoded(const Bytes& bytes, const MaskFrame* base = nullptr) {
  MaskFrame frame;
  CHECK(vos::decode_masks(bytes, base, frame) == MaskFault::none);
  return frame;
}

MaskFault fault_of(const Bytes& bytes, const MaskFrame* base = nullptr) {
  MaskFrame frame{.height = -7};
  const auto fault = vos::decode_masks(bytes, base, frame);
  if (fault != MaskFault::none) CHECK(frame.height == -7);  // untouched
  return fault;
}

/// As it is and as the difference to `base`; how many bytes the difference takes.
std::size_t size_after(const MaskFrame& base, const MaskFrame& frame) {
  CHECK(decoded(vos::encode_masks(frame)) == frame);
  const auto bytes = vos::encode_masks(frame, &base);
  CHECK(decoded(bytes, &base) == frame);
  return bytes.size();
}

Bytes golden(const std::string& name) {
  std::ifstream in{vos::test::file("wire/golden/masks/" + name), std::ios::binary};
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The recorded scene: a disc that moves, a box that sinks, and later a third object with the highest id there is.
Labels recorded_scene(int t) {
  return labels_of(48, 64, [t](std::int64_t y, std::int64_t x) -> ObjectId {
    if (t > 1 && x < 6 && y > 40) return 2147483647;
    if (x >= 40 && x < 55 && y >= 10 + t && y < 30 + t) return 70000;
    const auto dx = x - 20 - 2 * t, dy = y - 20;
    return dx * dx + dy * dy < 100 ? 3 : 0;
  });
}

}  // namespace

TEST_SUITE("wire") {
  TEST_CASE("a label map comes back from its runs, ids far apart and unsorted in the picture") {
    const Labels labels{0, 9, 9, 2147483647, 0, 0, 5, 5, 5, 0, 0, 2147483647};
    const auto frame = vos::masks_from_labels(labels, 3, 4);
    CHECK(frame.ids == std::vector<ObjectId>{5, 9, 2147483647});
    Labels again(12);
    vos::labels_from_masks(frame, again.data());
    CHECK(again == labels);
    for (std::int64_t i = 0; i < 12; ++i) {
      const auto slot = vos::slot_at(frame.layers[0], i / 4, i % 4);
      CHECK((slot == 0 ? 0 : frame.ids[slot - 1U]) == labels[static_cast<std::size_t>(i)]);
    }
    CHECK(decoded(vos::encode_masks(frame)) == frame);
  }

  TEST_CASE("random maps of every kind of size come back, each as the difference to the one before") {
    std::mt19937 random{5};
    for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {9, 1}, {2, 3}, {17, 31}, {40, 65}, {64, 64}}) {
      MaskFrame base = vos::masks_from_labels(Labels(static_cast<std::size_t>(height * width)), height, width);
      for (const int objects : {0, 1, 2, 3, 44, 300}) {
        for (const int smooth : {1, 4, 13}) {
          std::vector<ObjectId> cells(4096);
          for (auto& cell : cells) cell = static_cast<ObjectId>(random() % static_cast<unsigned>(objects + 1)) * 7919;
          const auto frame = vos::masks_from_labels(
              labels_of(height, width,
                        [&](auto y, auto x) { return cells[static_cast<std::size_t>(y / smooth * 64 + x / smooth)]; }),
              height, width);
          CAPTURE(width);
          CAPTURE(objects);
          CAPTURE(smooth);
          size_after(base, frame);
          base = frame;
        }
      }
    }
  }

  TEST_CASE("discs that move cost little, whatever their number") {
    for (const int count : {1, 2, 44, 1000}) {
      CAPTURE(count);
      const auto before = discs(240, 427, count, 0), now = discs(240, 427, count, 1);
      const auto delta = size_after(before, now);
      // A disc in 240 rows of two runs each; one by one the run ends would be a byte or two each.
      std::size_t ends = 0;
      for (const auto& layer : now.layers) ends += layer.runs.size();
      CHECK(delta < ends / 2 + 16);
      CHECK(size_after(now, now) < 24);
    }
  }

  TEST_CASE("an object that only moves is told by where it went") {
    const auto shape = [](std::int64_t y, std::int64_t x) {
      return (y - 40) * (y - 40) + 3 * (x - 60) * (x - 60) < 900;
    };
    const auto at = [&](std::int64_t dy, std::int64_t dx) {
      return vos::masks_from_labels(labels_of(120, 200, [&](auto y, auto x) { return shape(y - dy, x - dx) ? 4 : 0; }),
                                    120, 200);
    };
    const auto here = at(0, 0);
    for (const auto& [dy, dx] : {std::pair{0, 1}, {3, -5}, {25, 60}})
      CHECK(size_after(here, at(dy, dx)) < vos::encode_masks(here).size() / 2);
  }

  TEST_CASE("objects come, go, are renamed and take over each other's places") {
    const auto two = vos::masks_from_labels(
        labels_of(60, 80, [](auto y, auto x) { return x < 30 && y > 10 ? 3
                                                      : x > 50         ? 8
                                                                       : 0; }), 60, 80);
    const auto other = vos::masks_from_labels(
        labels_of(60, 80, [](auto y, auto x) { return x < 30 && y > 10 ? 8
                                                      : x > 50         ? 3
                                                      : y < 5          ? 5
                                                                       : 0; }), 60, 80);
    const auto none = vos::masks_from_labels(Labels(4800), 60, 80);
    const std::vector<ObjectId> known{3, 4, 8};
    const auto lost = vos::masks_from_labels(Labels(4800), 60, 80, known);  // ids without a pixel are told too
    CHECK(lost.ids == known);
    for (const auto& base : {two, other, none, lost})
      for (const auto& next : {two, other, none, lost}) size_after(base, next);
  }

  TEST_CASE("a frame of another size stands on its own") {
    const auto small = discs(30, 40, 2, 0), large = discs(60, 80, 2, 0);
    const auto bytes = vos::encode_masks(large, &small);
    CHECK_FALSE(vos::is_mask_delta(bytes));
    CHECK(decoded(bytes, &small) == large);
  }

  TEST_CASE("masks that overlap come back, each with its own pixels") {
    const std::int64_t height = 50, width = 70;
    const std::vector<ObjectId> ids{2, 9, 100000};
    const auto at = [&](int t) {
      std::vector<std::uint8_t> masks;
      for (int k = 0; k < 3; ++k)
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < width; ++x)
            masks.push_back(std::hypot(static_cast<double>(x - 25 - 8 * k - t), static_cast<double>(y - 25)) < 16 ? 255
                                                                                                                  : 0);
      return vos::masks_from_bitmaps(masks, height, width, ids);
    };
    const auto before = at(0), now = at(2);
    CHECK(vos::slot_at(now.layers[0], 25, 38) == 1);
    CHECK(vos::slot_at(now.layers[1], 25, 38) == 1);
    CHECK(size_after(before, now) < vos::encode_masks(now).size());
    auto fewer = now;
    fewer.ids.erase(fewer.ids.begin()), fewer.layers.erase(fewer.layers.begin());
    size_after(now, fewer);
    size_after(fewer, now);
    size_after(now, vos::masks_from_bitmaps({}, height, width, {}));
    // An exclusive frame is no base for one that overlaps.
    CHECK_FALSE(vos::is_mask_delta(vos::encode_masks(now, &before)) ==
                vos::is_mask_delta(vos::encode_masks(now, nullptr)));
    const auto exclusive = discs(height, width, 2, 0);
    CHECK_FALSE(vos::is_mask_delta(vos::encode_masks(now, &exclusive)));
    CHECK(fault_of(vos::encode_masks(now, &before), &exclusive) == MaskFault::no_base);
  }

  TEST_CASE("a difference without the frame that it builds on is refused") {
    const auto first = discs(60, 80, 2, 0), second = discs(60, 80, 2, 1), third = discs(60, 80, 2, 2);
    const auto delta = vos::encode_masks(third, &second);
    REQUIRE(vos::is_mask_delta(delta));
    CHECK(fault_of(delta) == MaskFault::no_base);
    CHECK(fault_of(delta, &first) == MaskFault::no_base);
    const MaskFrame nothing;  // what a viewer begins with, even if a message asks for just that
    const auto check = vos::fingerprint(nothing);
    const auto low = static_cast<std::uint8_t>(check), high = static_cast<std::uint8_t>(check >> 8);
    CHECK(fault_of({0x15, low, high, low, high, 0, 0, 0, 0}, &nothing) == MaskFault::no_base);
    const auto again = second;  // not who made it but what it shows is asked for
    CHECK(decoded(delta, &again) == third);
  }

  TEST_CASE("every prefix and every flipped bit of a frame is refused or decodes without harm") {
    const auto base = discs(30, 44, 3, 0), frame = discs(30, 44, 3, 2);
    int refused = 0, tried = 0;
    for (const auto* before : {static_cast<const MaskFrame*>(nullptr), &base}) {
      const auto bytes = vos::encode_masks(frame, before);
      CHECK(fault_of(bytes, before) == MaskFault::none);
      const auto expect_harmless = [&](const Bytes& damaged) {
        MaskFrame got;
        ++tried;
        if (vos::decode_masks(damaged, before, got) != MaskFault::none) ++refused;
        else CHECK(got == frame);  // a bit in the last byte that no decision hangs on
      };
      for (std::size_t size = 0; size < bytes.size(); ++size)
        expect_harmless({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
      for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        expect_harmless(damaged);
      }
      auto longer = bytes;
      longer.insert(longer.end(), 5, 77);
      CHECK(fault_of(longer, before) == MaskFault::damaged);
    }
    CHECK(tried > 400);
    CHECK(refused >= tried - 2 * 8);
  }

  TEST_CASE("claims beyond the limits are refused at once") {
    const auto claim = [](std::uint8_t head, std::initializer_list<std::uint32_t> numbers) {
      Bytes bytes{head, 0, 0};
      for (const auto number : numbers) vos::detail::put_number(bytes, number);
      bytes.insert(bytes.end(), 200, 0);
      return fault_of(bytes);
    };
    CHECK(claim(0x10, {0, 5, 0}) == MaskFault::size);
    CHECK(claim(0x10, {65536, 1, 0}) == MaskFault::size);
    CHECK(claim(0x10, {65535, 65535, 0}) == MaskFault::size);
    CHECK(claim(0x10, {4, 4, 65536}) == MaskFault::size);
    CHECK(claim(0x10, {4, 4, 60000}) == MaskFault::cut);
    CHECK(claim(0x10, {4, 4, 1, 0x7fffffff}) == MaskFault::size);  // an id beyond 31 bits
    CHECK(claim(0x12, {65535, 1, 100}) == MaskFault::size);        // rows of all masks together
    CHECK(claim(0x20, {4, 4, 0}) == MaskFault::version);
    CHECK(claim(0x18, {4, 4, 0}) == MaskFault::version);
    CHECK(claim(0x14, {4, 4, 0}) == MaskFault::damaged);  // the ids of no frame
    CHECK(fault_of({}) == MaskFault::cut);
    for (int i = 0; i <= static_cast<int>(MaskFault::damaged); ++i)
      CHECK_FALSE(vos::text_of(static_cast<MaskFault>(i)).empty());
  }

  TEST_CASE("what cannot be sent is said before it is encoded") {
    CHECK_THROWS_AS(vos::masks_from_labels(Labels(5), 2, 3), vos::Error);
    CHECK_THROWS_AS(vos::masks_from_labels(Labels{1, -4}, 1, 2), vos::Error);
    CHECK_THROWS_AS(vos::masks_from_labels({}, 0, 3), vos::Error);
    const std::vector<std::uint8_t> two(2 * 6);
    const std::vector<ObjectId> falling{4, 3}, zero{0, 1};
    CHECK_THROWS_AS(vos::masks_from_bitmaps(two, 2, 3, falling), vos::Error);
    CHECK_THROWS_AS(vos::masks_from_bitmaps(two, 2, 3, zero), vos::Error);
    Labels many(70000);
    std::iota(many.begin(), many.end(), 1);
    CHECK_THROWS_AS(vos::masks_from_labels(many, 7, 10000), vos::Error);
    many.resize(65535);
    const auto most = vos::masks_from_labels(many, 5, 13107);
    CHECK(decoded(vos::encode_masks(most)) == most);
  }

  TEST_CASE("frames recorded once are read for ever, and written the same") {
    MaskFrame base;
    for (int t = 0; t < 3; ++t) {
      const auto frame = vos::masks_from_labels(recorded_scene(t), 48, 64);
      const auto bytes = golden("masks_" + std::to_string(t) + ".bin");
      CHECK(vos::is_mask_delta(bytes) == (t > 0));
      CHECK(decoded(bytes, t > 0 ? &base : nullptr) == frame);
      CHECK(vos::encode_masks(frame, t > 0 ? &base : nullptr) == bytes);
      base = frame;
    }
    const auto bytes = golden("masks_overlapping.bin");
    const auto both = decoded(bytes);
    CHECK(both.ids == std::vector<ObjectId>{3, 70000});
    CHECK((vos::slot_at(both.layers[0], 20, 27) == 1 && vos::slot_at(both.layers[1], 20, 27) == 1));
    CHECK(vos::encode_masks(both) == bytes);
  }

  TEST_CASE("a reader in another language, written after docs/wire.md, sees the same") {
    if (!vos::test::python_has("numpy")) {
      MESSAGE("skipped: no Python with numpy");
      return;
    }
    std::string names;
    for (const auto* name : {"masks_0.bin", "masks_1.bin", "masks_2.bin", "masks_overlapping.bin"})
      names += " '" + vos::test::file(std::string{"wire/golden/masks/"} + name).string() + "'";
    const auto said = vos::test::python(vos::test::file("../examples/wire.py"), names);
    REQUIRE(said.has_value());
    CHECK(*said ==
          "masks_0.bin: 30 bytes, 64x48, pixels of each id: {3: 305, 70000: 300}\n"
          "masks_1.bin: 8 bytes, 64x48, pixels of each id: {3: 305, 70000: 300}\n"
          "masks_2.bin: 24 bytes, 64x48, pixels of each id: {3: 305, 70000: 300, 2147483647: 42}\n"
          "masks_overlapping.bin: 34 bytes, 64x48, pixels of each id: {3: 473, 70000: 728}\n");
  }

  TEST_CASE("coded decisions come back, likely or not, and the range coder carries") {
    std::mt19937 random{9};
    for (const unsigned per_mille : {0U, 1U, 30U, 500U, 999U, 1000U}) {
      std::vector<bool> decisions(20000);
      for (std::size_t i = 0; i < decisions.size(); ++i) decisions[i] = random() % 1000 < per_mille;
      Bytes bytes;
      vos::RangeEncoder encoder{bytes};
      std::array<vos::AdaptiveBit, 3> models{};
      for (std::size_t i = 0; i < decisions.size(); ++i) {
        encoder.bit(models[i % 3], decisions[i]);
        if (i % 50 == 0) encoder.bits(11, static_cast<std::uint32_t>(i) & 2047);
      }
      encoder.finish();
      vos::RangeDecoder decoder{bytes};
      models = {};
      bool same = true;
      for (std::size_t i = 0; i < decisions.size(); ++i) {
        same = same && decoder.bit(models[i % 3]) == decisions[i];
        if (i % 50 == 0) same = same && decoder.bits(11) == (static_cast<std::uint32_t>(i) & 2047);
      }
      CHECK(same);
      CHECK((decoder.exhausted() && !decoder.overrun()));
      const double share = per_mille / 1000.0;
      const double entropy =
          share > 0 && share < 1 ? -share * std::log2(share) - (1 - share) * std::log2(1 - share) : 0;
      // Learning costs; that the steps stay at a fiftieth costs a few per cent more.
      CHECK(static_cast<double>(bytes.size()) < (20000 * entropy * 1.05 + 400 * 11) / 8 + 40);
    }
  }
}
