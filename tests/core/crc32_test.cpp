#include <vos/core/crc32.hpp>

#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "../test.hpp"

namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// By the definition: a bit at a time.
std::uint32_t crc_by_bits(std::span<const std::uint8_t> bytes) {
  std::uint32_t state = 0xFFFFFFFF;
  for (const auto byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = (state & 1) != 0 ? (state >> 1) ^ 0xEDB88320 : state >> 1;
  }
  return ~state;
}

std::vector<std::uint8_t> noise(std::size_t size) {
  std::mt19937 random{7};
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

}  // namespace

TEST_SUITE("core") {
  TEST_CASE("CRC-32 of known texts") {
    CHECK(vos::crc32_of({}) == 0);
    CHECK(vos::crc32_of(bytes_of("123456789")) == 0xCBF43926);  // the check value in catalogues of CRCs
    CHECK(vos::crc32_of(bytes_of("little")) == 0x19E33D85);     // these two as PyTorch's zip files have them
    CHECK(vos::crc32_of(bytes_of("3\n")) == 0x55679ED1);
    CHECK(vos::crc32_of(std::vector<std::uint8_t>(1 << 20)) == 0xA738EA1C);  // python: zlib.crc32(bytes(1 << 20))
  }

  TEST_CASE("every length and alignment gives the CRC of the definition") {
    const auto bytes = noise(600);
    for (std::size_t begin = 0; begin < 17; ++begin)
      for (std::size_t size = 0; begin + size <= bytes.size(); ++size) {
        const auto part = std::span{bytes}.subspan(begin, size);
        const auto expected = crc_by_bits(part);
        REQUIRE(vos::crc32_of(part) == expected);
        REQUIRE(~vos::detail::crc_by_tables(~0U, part.data(), part.size()) == expected);
      }
  }

  TEST_CASE("products and tables agree on any state they start from") {
#if defined(__x86_64__)
    if (!vos::detail::has_crc_products()) return vos::test::skip("this processor has no PCLMULQDQ");
    const auto bytes = noise(5000);
    std::mt19937 random{11};
    for (int round = 0; round < 2000; ++round) {
      const auto size = 64 + random() % 2000, begin = random() % 3000;
      const auto state = static_cast<std::uint32_t>(random());
      REQUIRE(vos::detail::crc_by_products(state, &bytes[begin], size) ==
              vos::detail::crc_by_tables(state, &bytes[begin], size));
    }
#else
    vos::test::skip("this is no x86-64");
#endif
  }

  TEST_CASE("a message in parts has the CRC of the whole") {
    const auto bytes = noise(3000);
    const auto whole = vos::crc32_of(bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); cut += 13)
      REQUIRE(vos::crc32_of(std::span{bytes}.subspan(cut), vos::crc32_of(std::span{bytes}.first(cut))) == whole);
  }
}
