#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <vos/error.hpp>

namespace vos::serve {

/// Letters, digits, - and _ that nobody can guess: six bits each.
inline std::string random_secret(std::size_t letters = 32) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string secret(letters, ' ');
  std::array<std::uint8_t, 256> bytes{};  // what getentropy gives at most
  for (std::size_t i = 0; i < letters; ++i) {
    if (i % bytes.size() == 0 && ::getentropy(bytes.data(), bytes.size()) != 0)
      throw Error({.what = "the system gives no random numbers"});
    secret[i] = alphabet[bytes[i % bytes.size()] % alphabet.size()];
  }
  return secret;
}

/// Whether both are the same, in a time that tells nothing about where they differ, nor how long the right one is.
inline bool same_secret(std::string_view a, std::string_view b) {
  const auto digest = [](std::string_view text) {
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    return hash;
  };
  const auto x = digest(a), y = digest(b);
  return CRYPTO_memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace vos::serve
