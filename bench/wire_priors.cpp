/// Prints include/vos/wire/mask_priors.hpp: how likely each decision of the mask codec is, counted on videos.
///
///   wire_priors FOLDER ... > include/vos/wire/mask_priors.hpp
///
/// The header in the tree was made from `vos-synth --scene train --videos 6 --objects 2 --frames 40`, no real video. Another
/// header is another format: see docs/wire.md.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <vos/wire/mask_encode.hpp>
#include <vos/wire/mask_scan.hpp>

#include "label_videos.hpp"

namespace {

using Counts = std::array<std::array<std::uint64_t, 2>, vos::detail::mask_bits::count>;

/// Writes nothing, and counts how each decision goes.
class CountingCoder {
 public:
  static constexpr bool encodes = true;

  CountingCoder(vos::detail::MaskModel& model, Counts& counts) : first_(&model[0]), counts_(&counts) {}
  bool bit(vos::AdaptiveBit& model, bool yes) {
    ++(*counts_)[static_cast<std::size_t>(&model - first_)][yes ? 1 : 0];
    return yes;
  }
  std::uint32_t bits(int, std::uint32_t value) { return value; }

 private:
  vos::AdaptiveBit* first_;
  Counts* counts_;
};

void print(const char* name, const Counts& counts) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::printf("inline constexpr std::string_view %s =\n", name);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (i % 64 == 0) std::printf("    \"");
    const double odds = std::log((static_cast<double>(counts[i][1]) + 0.4) / (static_cast<double>(counts[i][0]) + 0.4));
    std::putchar(letters[std::clamp(std::lround(4 * odds + 31.5), 0L, 63L)]);
    if (i % 64 == 63) std::printf(i + 1 < counts.size() ? "\"\n" : "\";\n");
  }
}

}  // namespace

int main(int argc, char** argv) try {
  Counts key{}, delta{};
  for (int i = 1; i < argc; ++i)
    for (const auto& [name, video] : bench::label_videos_in(argv[i])) {
      vos::MaskFrame base;
      for (std::size_t t = 0; t < video.size(); ++t) {
        auto now = vos::masks_from_labels(video[t].ids, video[t].height, video[t].width);
        vos::detail::MaskModel key_model{false}, delta_model{true};
        CountingCoder key_coder{key_model, key}, delta_coder{delta_model, delta};
        vos::detail::code_layers<CountingCoder, false>(key_coder, key_model, nullptr, now, {});
        if (t > 0) {
          const auto motion = vos::detail::motion_between(base, now);
          if (motion.helps())
            vos::detail::code_layers<CountingCoder, true>(delta_coder, delta_model, &base, now, motion.shifts);
        }
        base = std::move(now);
      }
    }
  std::printf(
      "#pragma once\n\n// Printed by bench/wire_priors.cpp. These numbers are part of the format.\n\n#include "
      "<array>\n#include "
      "<cstdint>\n#include <string_view>\n\nnamespace vos::detail {\n\n/// The chances, of 65536, that A-Z, a-z, 0-9, "
      "- and _ "
      "stand for: 1 / (1 + exp(-(k - 31.5) / 4)), k from 0 to 63.\ninline constexpr std::array<std::uint16_t, 64> "
      "mask_prior_chances = {\n");
  for (int k = 0; k < 64; ++k)
    std::printf("%s%ld,%s", k % 12 == 0 ? "    " : " ",
                std::clamp(std::lround(65536 / (1 + std::exp(-(k - 31.5) / 4))), 33L, 65503L),
                k % 12 == 11 || k == 63 ? "\n" : "");
  std::printf("};\n\n/// The first chance of each decision in a frame on its own, by its place in `mask_bits`.\n");
  print("mask_key_priors", key);
  std::printf("\n/// The same in a difference.\n");
  print("mask_delta_priors", delta);
  std::printf("\n}  // namespace vos::detail\n");
} catch (const std::exception& error) {
  std::fprintf(stderr, "wire_priors: %s\n", error.what());
  return 1;
}
