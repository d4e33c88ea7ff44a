#include <vos/weights/values.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "../test.hpp"
#include "made.hpp"

using namespace vos;

namespace {

double number_of(DType dtype, std::vector<std::uint8_t> bytes) {
  double value = 0;
  read_numbers(dtype, bytes, {&value, 1});
  return value;
}

template <class Stored>
std::vector<std::uint8_t> bytes_of_value(Stored value) {
  std::vector<std::uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class Stored>
Stored written(DType dtype, double number) {
  std::vector<std::uint8_t> bytes(sizeof(Stored));
  write_numbers(dtype, {&number, 1}, bytes);
  Stored stored;
  std::memcpy(&stored, bytes.data(), sizeof stored);
  return stored;
}

std::string text_of(std::initializer_list<float> values) {
  std::string text;
  for (const auto value : values) text.append(reinterpret_cast<const char*>(&value), sizeof value);
  return text;
}

std::vector<double> numbers_in_order(const Checkpoint& file, const TensorRecord& tensor) {
  std::vector<double> all;
  TensorNumbers numbers(file, tensor);
  for (auto some = numbers.next(); !some.empty(); some = numbers.next())
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace

TEST_SUITE("weights/values") {
  TEST_CASE("numbers of every type are what their bits say") {
    CHECK(number_of(DType::u8, {200}) == 200);
    CHECK(number_of(DType::i8, {200}) == -56);
    CHECK(number_of(DType::boolean, {2}) == 1);
    CHECK(number_of(DType::i16, bytes_of_value<std::int16_t>(-300)) == -300);
    CHECK(number_of(DType::u16, bytes_of_value<std::uint16_t>(65'000)) == 65'000);
    CHECK(number_of(DType::i64, bytes_of_value<std::int64_t>(-(std::int64_t{1} << 40))) == -0x1p40);
    CHECK(number_of(DType::u64, bytes_of_value<std::uint64_t>(std::uint64_t{1} << 63)) == 0x1p63);
    CHECK(number_of(DType::f32, bytes_of_value(0.1F)) == static_cast<double>(0.1F));
    CHECK(number_of(DType::f64, bytes_of_value(0.1)) == 0.1);
    CHECK(number_of(DType::f16, bytes_of_value<std::uint16_t>(0x3C00)) == 1);
    CHECK(number_of(DType::f16, bytes_of_value<std::uint16_t>(0xFBFF)) == -65504);
    CHECK(number_of(DType::f16, bytes_of_value<std::uint16_t>(0x0001)) == 0x1p-24);
    CHECK(std::isinf(number_of(DType::f16, bytes_of_value<std::uint16_t>(0x7C00))));
    CHECK(std::isnan(number_of(DType::f16, bytes_of_value<std::uint16_t>(0x7C01))));
    CHECK(number_of(DType::bf16, bytes_of_value<std::uint16_t>(0xC049)) == -3.140625);
  }

  TEST_CASE("floats of 8 bits have the ends that their standards give them") {
    CHECK(number_of(DType::f8_e5m2, {0x7B}) == 57344);
    CHECK(std::isinf(number_of(DType::f8_e5m2, {0x7C})));
    CHECK(std::isnan(number_of(DType::f8_e5m2, {0x7D})));
    CHECK(number_of(DType::f8_e5m2, {0x01}) == 0x1p-16);
    CHECK(number_of(DType::f8_e4m3fn, {0x7E}) == 448);
    CHECK(std::isnan(number_of(DType::f8_e4m3fn, {0x7F})));
    CHECK(number_of(DType::f8_e4m3fn, {0x81}) == -0x1p-9);
    CHECK(number_of(DType::f8_e5m2fnuz, {0x7F}) == 57344);
    CHECK(std::isnan(number_of(DType::f8_e5m2fnuz, {0x80})));
    CHECK(number_of(DType::f8_e4m3fnuz, {0x7F}) == 240);
    CHECK(std::isnan(number_of(DType::f8_e4m3fnuz, {0x80})));
    CHECK(number_of(DType::f8_e8m0fnu, {0x7F}) == 1);
    CHECK(number_of(DType::f8_e8m0fnu, {0x00}) == 0x1p-127);
    CHECK(std::isnan(number_of(DType::f8_e8m0fnu, {0xFF})));
  }

  TEST_CASE("a byte of four-bit floats holds two, the first in its low half") {
    std::vector<double> numbers(2);
    const std::vector<std::uint8_t> byte{0xF1};
    read_numbers(DType::f4_e2m1fn_x2, byte, numbers);
    CHECK(numbers == std::vector<double>{0.5, -6});
  }

  TEST_CASE("each number of 16 bits is itself when it is written again") {
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
      const auto stored = static_cast<std::uint16_t>(bits);
      const double half = number_of(DType::f16, bytes_of_value(stored)),
                   brain = number_of(DType::bf16, bytes_of_value(stored));
      if (!std::isnan(half)) REQUIRE(written<std::uint16_t>(DType::f16, half) == stored);
      else REQUIRE(std::isnan(number_of(DType::f16, bytes_of_value(written<std::uint16_t>(DType::f16, half)))));
      if (!std::isnan(brain)) REQUIRE(written<std::uint16_t>(DType::bf16, brain) == stored);
      else REQUIRE(std::isnan(number_of(DType::bf16, bytes_of_value(written<std::uint16_t>(DType::bf16, brain)))));
    }
  }

  TEST_CASE("writing rounds to the nearest, ties to even") {
    // Between two neighbours of f16 and bf16: a quarter of the way, half, three quarters.
    for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
      const auto low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
      const double a = number_of(DType::f16, bytes_of_value(low)), b = number_of(DType::f16, bytes_of_value(high));
      REQUIRE(written<std::uint16_t>(DType::f16, a + (b - a) / 4) == low);
      REQUIRE(written<std::uint16_t>(DType::f16, a + (b - a) / 2) == (low % 2 == 0 ? low : high));
      REQUIRE(written<std::uint16_t>(DType::f16, a + (b - a) * 3 / 4) == high);
    }
    CHECK(written<std::uint16_t>(DType::bf16, 1 + 0x1p-9) == 0x3F80);      // a quarter above 1
    CHECK(written<std::uint16_t>(DType::bf16, 1 + 0x1p-8) == 0x3F80);      // half: to the even one below
    CHECK(written<std::uint16_t>(DType::bf16, 1 + 3 * 0x1p-8) == 0x3F82);  // to the even one above
    CHECK(written<float>(DType::f32, 0.1) == 0.1F);
  }

  TEST_CASE("what is too large for a type becomes infinite, and what is nearly so does not") {
    CHECK(written<std::uint16_t>(DType::f16, 65519.9) == 0x7BFF);
    CHECK(written<std::uint16_t>(DType::f16, 65520) == 0x7C00);
    CHECK(written<std::uint16_t>(DType::f16, -1e9) == 0xFC00);
    CHECK(written<std::uint16_t>(DType::bf16, 1e38) != 0x7F80);
    CHECK(written<std::uint16_t>(DType::bf16, std::numeric_limits<float>::max()) == 0x7F80);
  }

  TEST_CASE("a transposed view is read along its own axes") {
    test::CheckpointMaker make;
    const auto storage = make.storage(DType::f32, text_of({0, 1, 2, 3, 4, 5, 6}));
    const auto id = make.tensor({3, 2}, storage, 1, {1, 3});
    const auto file = make.root(id);
    const auto& tensor = file->tensors[0];
    CHECK(!is_contiguous(tensor));
    CHECK(numbers_in_order(*file, tensor) == std::vector<double>{1, 4, 2, 5, 3, 6});
  }

  TEST_CASE("a tensor at an odd address is read like any other") {
    test::CheckpointMaker make;
    const auto id = make.tensor({2}, make.storage(DType::f32, text_of({1.5F, -2}), 1), 0);
    const auto file = make.root(id);
    CHECK(numbers_in_order(*file, file->tensors[0]) == std::vector<double>{1.5, -2});
  }

  TEST_CASE("a long tensor comes in pieces without gaps") {
    test::CheckpointMaker make;
    const auto count = static_cast<std::int64_t>(2 * TensorNumbers::at_once + 7);
    std::string bytes;
    for (std::int64_t i = 0; i < count; ++i) bytes.append(reinterpret_cast<const char*>(&i), sizeof i);
    const auto file = make.root(make.tensor({count}, make.storage(DType::i64, bytes), 0));
    const auto numbers = numbers_in_order(*file, file->tensors[0]);
    REQUIRE(numbers.size() == static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < numbers.size(); ++i) REQUIRE(numbers[i] == static_cast<double>(i));
  }

  TEST_CASE("quantised numbers have their scale applied") {
    test::CheckpointMaker make;
    const auto id = make.tensor({2}, make.storage(DType::qint8, std::string{"\x05\xFF", 2}), 0);
    make.record(id).scale = 0.5;
    make.record(id).zero_point = 1;
    const auto file = make.root(id);
    CHECK(numbers_in_order(*file, file->tensors[0]) == std::vector<double>{2, -1});
  }

  TEST_CASE("a repeated number is read as often as its shape says") {
    test::CheckpointMaker make;
    const auto file = make.root(make.tensor({2, 3}, make.storage(DType::f32, text_of({7})), 0, {0, 0}));
    CHECK(numbers_in_order(*file, file->tensors[0]) == std::vector<double>(6, 7));
  }

  TEST_CASE("a tensor without elements has no numbers") {
    test::CheckpointMaker make;
    const auto file = make.root(make.tensor({0, 4}));
    CHECK(numbers_in_order(*file, file->tensors[0]).empty());
  }
}
