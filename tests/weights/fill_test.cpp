#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include <vos/weights/fill.hpp>

#include "test.hpp"

using namespace vos;

namespace {

std::span<const float> floats_of(const FilledKeys& filled, std::size_t row) {
  const auto bytes = filled.bytes[row];
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

std::size_t row_of(const std::vector<KeyRow>& rows, const std::string& key) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.key == key; });
  REQUIRE(found != rows.end());
  return static_cast<std::size_t>(found - rows.begin());
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("the aot rule gives the published numbers") {
    const std::vector<double> first{-1, -0.36480228, -0.61753046, 0.04640819},
        seventh{-0.05675941, 0.94473536, -0.05637561};
    for (std::size_t i = 0; i < first.size(); ++i)  // eight digits are published
      CHECK(fill_unit<FillRule::aot>(0, i) == doctest::Approx(first[i]).epsilon(1e-8));
    for (std::size_t i = 0; i < seventh.size(); ++i)
      CHECK(fill_unit<FillRule::aot>(7, i) == doctest::Approx(seventh[i]).epsilon(1e-7));
    // A label map of 33 x 37 made from tensor 2001, with the published number of pixels of each class.
    std::array<int, 4> pixels{};
    for (std::uint64_t i = 5; i < 33 * 37; ++i) {
      const auto label = std::min(static_cast<int>(4 * (fill_unit<FillRule::aot>(2001, i) + 1) / 2), 3);
      ++pixels[static_cast<std::size_t>(label == 3 ? 1 : label)];
    }
    CHECK(pixels == std::array{294, 604, 318, 0});
  }

  TEST_CASE("a name's hash is FNV-1a's") {
    CHECK(fill_hash("") == 0x811c9dc5U);  // from the authors' test vectors
    CHECK(fill_hash("a") == 0xe40c292cU);
    CHECK(fill_hash("foobar") == 0xbf9cf968U);
  }

  TEST_CASE("filled lists equal numpy's to the bit") {  // golden/make_fill.py
    const auto table = read_file(test::file("weights/golden/fill.tsv"));
    auto lines = split({reinterpret_cast<const char*>(table.data()), table.size()}, '\n');
    std::string filled_list;
    std::vector<KeyRow> rows;
    FilledKeys filled;
    std::size_t tensors = 0;
    for (std::size_t n = 1; n < lines.size() && !lines[n].empty(); ++n, ++tensors) {
      const auto cells = split(lines[n], '\t');  // rule, list, key, number, checksum, first, middle, last
      CAPTURE(lines[n]);
      REQUIRE(cells.size() == 8);
      if (cells[1] != filled_list) {
        filled_list = cells[1];
        rows = read_keys(test::file("golden/keys/" + filled_list + ".tsv"));
        filled = fill_keys(rows, fill_rule_from(cells[0]));
      }
      const auto values = floats_of(filled, row_of(rows, cells[2]));
      std::uint64_t checksum = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        checksum += std::uint64_t{std::bit_cast<std::uint32_t>(values[i])} * (2 * i + 1);
      CHECK(checksum == std::stoull(cells[4], nullptr, 16));
      CHECK(std::bit_cast<std::uint32_t>(values.front()) == std::stoul(cells[5], nullptr, 16));
      CHECK(std::bit_cast<std::uint32_t>(values[values.size() / 2]) == std::stoul(cells[6], nullptr, 16));
      CHECK(std::bit_cast<std::uint32_t>(values.back()) == std::stoul(cells[7], nullptr, 16));
    }
    CHECK(tensors == 36);
  }

  TEST_CASE("how the work is cut does not show") {
    const TensorFill fill{FillRule::devis, 3, 0, 0.5, 1};
    std::vector<float> whole(2'500'000), cut(whole.size()), parts(whole.size());
    fill_values(fill, 0, whole);
    const std::array<FillTarget, 1> targets{{{fill, cut}}};
    fill_all(targets, 3);
    CHECK(whole == cut);
    fill_values(fill, 0, std::span(parts).first(777));
    fill_values(fill, 777, std::span(parts).subspan(777));
    CHECK(whole == parts);
  }

  TEST_CASE("what a rule leaves alone has the value of a fresh model") {
    const auto rows = keys_from(
        "key\tshape\tdtype\tkind\talias_of\n"
        "w\t3x2\tfloat32\tparam\t\n"
        "attn.relative_position_index\t4x4\tint64\tbuffer\t\n"
        "num_batches_tracked\tscalar\tint64\tbuffer\t\n"
        "criterion.empty_weight\t3\tfloat32\tbuffer\t\n"
        "w2\t3x2\tfloat32\tparam\tw\n"
        "last\t2\tfloat32\tparam\t\n",
        "list.tsv");
    const auto filled = fill_keys(rows, FillRule::vita);
    const auto* index = reinterpret_cast<const std::int64_t*>(filled.bytes[1].data());
    // A window of 2 x 2: (dy + 1) * 3 + (dx + 1), query minus key.
    CHECK(std::vector<std::int64_t>(index, index + 16) ==
          std::vector<std::int64_t>{4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4});
    CHECK(*reinterpret_cast<const std::int64_t*>(filled.bytes[2].data()) == 0);
    CHECK(std::ranges::equal(floats_of(filled, 3), std::array{1.0F, 1.0F, 0.1F}));
    CHECK(filled.bytes[4].data() == filled.bytes[0].data());

    // The rules number what follows differently: aot counts everything, devis float tensors that are no aliases.
    const auto aot = fill_keys(rows, FillRule::aot), devis = fill_keys(rows, FillRule::devis);
    CHECK(floats_of(aot, 5)[1] == static_cast<float>(0.1 * fill_unit<FillRule::aot>(5, 1)));
    CHECK(floats_of(devis, 5)[1] == static_cast<float>(0.1 * fill_unit<FillRule::devis>(2, 1)));
    CHECK(floats_of(fill_keys(rows, FillRule::aot, {.number = 10}), 5)[1] ==
          static_cast<float>(0.1 * fill_unit<FillRule::aot>(15, 1)));
    CHECK(floats_of(fill_keys(rows, FillRule::vita, {.prefix = "backbone."}), 5)[1] ==
          static_cast<float>(0.1 * fill_unit<FillRule::vita>(fill_hash("backbone.last"), 1)));
  }

  TEST_CASE("an unknown rule is answered with those that are known") {
    CHECK_THROWS_WITH_AS(static_cast<void>(fill_rule_from("vitae")), doctest::Contains("did you mean 'vita'?"), Error);
  }

  TEST_CASE("half-precision lists are refused by name") {
    const auto rows = keys_from("key\tshape\tdtype\tkind\nw\t2\tfloat16\tparam\n", "list.tsv");
    CHECK_THROWS_WITH_AS(static_cast<void>(fill_keys(rows, FillRule::aot)), doctest::Contains("float16"), Error);
  }
}
