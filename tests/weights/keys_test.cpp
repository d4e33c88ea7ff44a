#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <vos/weights/keys.hpp>

#include "test.hpp"

using namespace vos;

namespace {

struct Counts {
  std::size_t rows = 0, parameters = 0, aliases = 0, integers = 0;
  std::int64_t numbers = 0;  // in parameters
};

Counts counts_of(const std::vector<KeyRow>& rows) {
  Counts counts{.rows = rows.size()};
  for (const auto& row : rows) {
    counts.integers += row.dtype == DType::i64;
    counts.aliases += !row.alias_of.empty();
    if (!row.parameter || !row.alias_of.empty()) continue;
    ++counts.parameters;
    counts.numbers += row.numel();
  }
  return counts;
}

std::string fault_of(const std::string& text) {
  try {
    static_cast<void>(keys_from(text, "list.tsv"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("every key list has as many tensors and parameters as its model") {
    struct Expected {
      std::size_t rows;
      std::int64_t numbers;
    };
    // Counted on the official models when the lists were made.
    const std::map<std::string, Expected> expected{
        {"aot_aott", {323, 5734099}},
        {"aot_aots", {357, 6998235}},
        {"aot_aotb", {391, 8262371}},
        {"aot_aotl", {391, 8262371}},
        {"aot_r50_aotl", {346, 14909923}},
        {"aot_r101_aotl", {601, 33849827}},
        {"aot_rs101_aotl", {851, 36367427}},
        {"aot_swinb_aotl", {455, 65398683}},
        {"aot_deaott", {325, 7238188}},
        {"aot_deaots", {362, 10202765}},
        {"aot_deaotb", {399, 13167342}},
        {"aot_deaotl", {399, 13167342}},
        {"aot_r50_deaotl", {354, 19814894}},
        {"aot_swinb_deaotl", {463, 70303654}},
        {"aot_encoder_mobilenetv3", {262, 0}},
        {"aot_encoder_resnest50", {329, 0}},
        {"vita_r50", {706, 57135058}},
        {"vita_swinl", {798, 228712390}},
        {"devis_r50", {704, 0}},
        {"devis_r50_ablation4_conv3d", {690, 0}},
        {"devis_swinl", {796, 0}},
        {"deformable_mask_head_r50", {655, 0}},
        {"deformable_detr_r50", {597, 0}},
    };
    std::size_t lists = 0;
    for (const auto& entry : std::filesystem::directory_iterator(test::file("golden/keys"))) {
      const auto name = entry.path().stem().string();
      CAPTURE(name);
      REQUIRE(expected.contains(name));
      const auto counts = counts_of(read_keys(entry.path()));
      CHECK(counts.rows == expected.at(name).rows);
      if (expected.at(name).numbers > 0) CHECK(counts.numbers == expected.at(name).numbers);
      ++lists;
    }
    CHECK(lists == expected.size());
  }

  TEST_CASE("the box heads of DeVIS are two names for one tensor") {
    const auto counts = counts_of(read_keys(test::file("golden/keys/devis_r50.tsv")));
    CHECK(counts.aliases == 36);
    CHECK(counts.rows - counts.aliases - counts.integers == 668);
    CHECK(counts_of(read_keys(test::file("golden/keys/devis_swinl.tsv"))).integers == 24);
  }

  TEST_CASE("a line says what its columns are named for") {
    const auto rows = keys_from(
        "key\tshape\tdtype\tkind\toptimizer_group\talias_of\tlr_mult\ttrainable\r\n"
        "a.weight\t64x3x7x7\tfloat32\tparam\tbase\t\t0.1\t1\r\n"
        "a.seen\tscalar\tint64\tbuffer\t\t\t\t\r\n"
        "b.weight\t64x3x7x7\tfloat32\tparam\tbase\ta.weight\t\t0\r\n",
        "list.tsv");
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].shape == std::vector<std::int64_t>{64, 3, 7, 7});
    CHECK(rows[0].numel() == 64 * 3 * 49);
    CHECK(rows[0].lr_mult == 0.1);
    CHECK(rows[0].trainable == true);
    CHECK(rows[0].optimizer_group == "base");
    CHECK(rows[1].shape.empty());
    CHECK(rows[1].numel() == 1);
    CHECK(rows[1].dtype == DType::i64);
    CHECK_FALSE(rows[1].parameter);
    CHECK_FALSE(rows[1].trainable.has_value());
    CHECK_FALSE(rows[1].weight_decay.has_value());
    CHECK(rows[2].alias_of == "a.weight");
    CHECK(shape_text(rows[0].shape) == "64x3x7x7");
    CHECK(shape_text(rows[1].shape) == "scalar");
  }

  TEST_CASE("a fault in a list is named with its line") {
    const std::string head = "key\tshape\tdtype\tkind\talias_of\n", good = "a\t2x3\tfloat32\tparam\t\n";
    CHECK(fault_of(head + good) == "");
    const std::vector<std::pair<std::string, std::string>> faults{
        {"", "the key list is empty"},
        {head, "the key list is empty"},
        {"key\tshape\tdtype\n", "the column 'kind' must be there once"},
        {"key\tkey\tshape\tdtype\tkind\n", "the column 'key' must be there once"},
        {"key\tshapes\tdtype\tkind\n", "did you mean 'shape'?"},
        {head + "a\t2x3\tfloat32\n", "the line has 3 cells, the first line 5"},
        {head + "a\t2x\tfloat32\tparam\t\n", "'2x' is not a shape"},
        {head + "a\t-2\tfloat32\tparam\t\n", "'-2' is not a shape"},
        {head + "a\t4294967296x4294967296\tfloat32\tparam\t\n", "is not a shape"},
        {head + "a\t2\tfloat33\tparam\t\n", "'float33' is not a type"},
        {head + "a\t2\tfloat32\tparameter\t\n", "'parameter' is not a kind"},
        {head + "\t2\tfloat32\tparam\t\n", "the key is empty"},
        {head + good + good, "'a' stands in an earlier line too"},
        {head + good + "b\t2x3\tfloat32\tparam\tc\n", "'c' is no earlier tensor"},
        {head + good + "b\t2x3\tfloat32\tparam\tb\n", "'b' is no earlier tensor"},
        {head + good + "b\t3x2\tfloat32\tparam\ta\n", "an alias of 'a' that differs"},
    };
    for (const auto& [text, what] : faults) {
      CAPTURE(text);
      CHECK(fault_of(text).find(what) != std::string::npos);
    }
    CHECK(fault_of(head + good + "\nb\t2\tfloat32\t?\t\n").find("list.tsv, line 4") != std::string::npos);
  }

  TEST_CASE("every beginning of a list is read or refused") {
    const std::string whole =
        "key\tshape\tdtype\tkind\tlr_mult\nab.c\t2x3\tfloat32\tparam\t0.5\nab.d\tscalar\tint64\tbuffer\t\n";
    std::size_t read = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size) read += fault_of(whole.substr(0, size)).empty();
    // After the first row's last tab and each digit of "0.5" ("0." is a number too), its line feed; the same for the second.
    CHECK(read == 7);
  }
}
