#include <array>
#include <vector>

#include <vos/core/options.hpp>
#include <vos/core/random.hpp>
#include <vos/track/bisoftmax.hpp>
#include <vos/track/embedding_bank.hpp>
#include <vos/track/embedding_products.hpp>

#include "../test.hpp"

using namespace vos;

namespace {

using Vector = std::vector<float>;

/// What a bank remembers after each of four embeddings, one of which is a wrong association.
std::vector<Vector> memories(const EmbeddingBankOptions& options) {
  EmbeddingBank bank;
  std::vector<Vector> after;
  for (const auto& [score, e] : {std::pair{0.9, Vector{1, 0}}, {0.8, {0.8F, 0.6F}}, {0.3, {-1, 0.2F}}, {0.7, {0, 1}}}) {
    bank.add(e, score, options);
    after.emplace_back(bank.memory().begin(), bank.memory().end());
  }
  return after;
}

void check_near(const Vector& value, const Vector& expected) {
  REQUIRE(value.size() == expected.size());
  // The references are given to six digits.
  for (std::size_t i = 0; i < value.size(); ++i) CHECK(value[i] == doctest::Approx(expected[i]).epsilon(2e-6));
}

}  // namespace

TEST_SUITE("track") {
  TEST_CASE("guided by similarity, one wrong association does not move the memory") {
    const auto after = memories({.update = "guided", .momentum = 1, .unit = false});
    check_near(after[0], {1, 0});
    check_near(after[1], {0.84F, 0.48F});
    check_near(after[2], {0.84F, 0.48F});
    check_near(after[3], {0.617087F, 0.617993F});
  }

  TEST_CASE("a fixed momentum follows whatever comes") {
    const auto after = memories({.update = "momentum", .momentum = 0.75, .unit = false});
    check_near(after[1], {0.85F, 0.45F});
    check_near(after[2], {-0.5375F, 0.2625F});
    check_near(after[3], {-0.134375F, 0.815625F});
  }

  TEST_CASE("weighted in time, the newest and the surest count most") {
    const auto after = memories({.update = "temporal", .unit = false});
    check_near(after[1], {0.8875F, 0.3375F});
    check_near(after[2], {0.276667F, 0.285F});
    check_near(after[3], {0.219231F, 0.517308F});
  }

  TEST_CASE("by direction alone, the memory has length 1 and a longer embedding counts no more") {
    for (const char* update : {"momentum", "guided", "temporal"}) {
      EmbeddingBank plain, scaled;
      const EmbeddingBankOptions options{.update = update};
      for (const auto& e : {Vector{3, 0, 1}, Vector{1, 1, 0}, Vector{2, 0, 2}}) {
        plain.add(e, 0.5, options);
        scaled.add(Vector{7 * e[0], 7 * e[1], 7 * e[2]}, 0.5, options);
      }
      CHECK(length(plain.memory()) == doctest::Approx(1).epsilon(1e-6));
      check_near({plain.memory().begin(), plain.memory().end()}, {scaled.memory().begin(), scaled.memory().end()});
    }
  }

  TEST_CASE("warm, the first embeddings have equal shares") {
    const EmbeddingBankOptions warm{.update = "momentum", .momentum = 0.2, .unit = false};
    EmbeddingBank bank;
    for (const float value : {1.0F, 2.0F, 6.0F}) bank.add(Vector{value}, 1, warm);
    check_near({bank.memory().begin(), bank.memory().end()}, {3});
    auto cold = warm;
    cold.warm = false;
    EmbeddingBank other;
    for (const float value : {1.0F, 2.0F}) other.add(Vector{value}, 1, cold);
    check_near({other.memory().begin(), other.memory().end()}, {1.2F});
  }

  TEST_CASE("a bank looks back on no more than its cache") {
    const EmbeddingBankOptions options{.update = "temporal", .cache = 2, .unit = false};
    EmbeddingBank bank;
    for (const float value : {100.0F, 1.0F, 1.0F}) bank.add(Vector{value}, 0.5, options);
    check_near({bank.memory().begin(), bank.memory().end()}, {1});
  }

  TEST_CASE("what a bank looks back on is weighed by its age, however often the cache has been filled") {
    // Ages weigh 1/3, 2/3 and 1, scores 0: the mean of 3, 4 and 5 is (3 + 2*4 + 3*5) / 6.
    EmbeddingBank bank;
    for (const float value : {1.0F, 2.0F, 3.0F, 4.0F, 5.0F})
      bank.add(Vector{value}, 0, {.update = "temporal", .cache = 3, .unit = false});
    check_near({bank.memory().begin(), bank.memory().end()}, {26.0F / 6});
  }

  TEST_CASE("a bank's unusable options are refused with what would do") {
    CHECK_THROWS_WITH_AS(expect_usable(EmbeddingBankOptions{.update = "guide"}), doctest::Contains("guided"), Error);
    CHECK_THROWS_AS(expect_usable(EmbeddingBankOptions{.momentum = 1.5}), Error);
    CHECK_THROWS_AS(expect_usable(EmbeddingBankOptions{.cache = 0}), Error);
  }

  TEST_CASE("bi-softmax agrees with the reference") {
    const Vector detections{2, 0, 1, 1.5F, 0.5F, 0, 0, 0, 3}, memory{1, 0, 0, 0, 1, 0, 0, 0, 1};
    auto scores = all_dots(detections, memory, 3);
    bisoftmax(scores, 3, 3);
    check_near(scores,
               {0.619669F, 0.182050F, 0.179462F, 0.488370F, 0.341543F, 0.091127F, 0.061487F, 0.159674F, 0.876619F});
  }

  TEST_CASE("bi-softmax of dot products in the thousands is still a number, and a lonely pair is certain") {
    Vector scores{5000, -5000, -5000, 5000};
    bisoftmax(scores, 2, 2);
    check_near(scores, {1, 0, 0, 1});
    Vector one{-3};
    bisoftmax(one, 1, 1);
    check_near(one, {1});
    bisoftmax({}, 0, 5);
  }

  TEST_CASE("all dot products are those of each pair, whatever the sizes") {
    CounterRandom random{1};
    for (const std::size_t width : {1, 3, 4, 7, 64, 130})
      for (const std::size_t rows : {1, 2, 5})
        for (const std::size_t columns : {1, 4, 6}) {
          Vector a(rows * width), b(columns * width);
          for (auto& value : a) value = static_cast<float>(random.uniform(-1, 1));
          for (auto& value : b) value = static_cast<float>(random.uniform(-1, 1));
          const auto dots = all_dots(a, b, width);
          for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) {
              double sum = 0;
              for (std::size_t k = 0; k < width; ++k) sum += double{a[i * width + k]} * b[j * width + k];
              // 130 products below 1, each rounded to float.
              CHECK(dots[i * columns + j] == doctest::Approx(sum).epsilon(1e-4));
              CHECK(dots[i * columns + j] ==
                    dot(std::span{a}.subspan(i * width, width), std::span{b}.subspan(j * width, width)));
            }
        }
  }
}
