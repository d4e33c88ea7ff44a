#pragma once

// Printed by bench/wire_priors.cpp. These numbers are part of the format.

#include <array>
#include <cstdint>
#include <string_view>

namespace vos::detail {

/// The chances, of 65536, that A-Z, a-z, 0-9, - and _ stand for: 1 / (1 + exp(-(k - 31.5) / 4)), k from 0 to 63.
inline constexpr std::array<std::uint16_t, 64> mask_prior_chances = {
    33,    33,    41,    53,    68,    87,    111,   143,   184,   236,   302,   387,   497,   636,   815,   1042,
    1333,  1701,  2168,  2758,  3500,  4427,  5577,  6992,  8714,  10782, 13226, 16062, 19282, 22849, 26695, 30723,
    34813, 38841, 42687, 46254, 49474, 52310, 54754, 56822, 58544, 59959, 61109, 62036, 62778, 63368, 63835, 64203,
    64494, 64721, 64900, 65039, 65149, 65234, 65300, 65352, 65393, 65425, 65449, 65468, 65483, 65495, 65503, 65503,
};

/// The first chance of each decision in a frame on its own, by its place in `mask_bits`.
inline constexpr std::string_view mask_key_priors =
    "MvAggoggUgggdvggViggXqggSZggPlagZpKgnkXXagggdqggglgggkggggggXhgg"
    "LgQgfpggLYSgcsggggggggggIOWgEiagInLghjblAgNgbwWjgggggaggBaQgLiPj"
    "VpUggrggggggggggYlggggggaaggggggglggghgggggggggggggggggggggggggg"
    "ggggggggggggglggggggggggaYgggigggggggfgggggggdgggggggggggggggkgg"
    "AgAgggggggggggggggggggggggggglggRgOgghqggggggggggggggggggggggggg"
    "MgPgegggRgQgglYgggggggggQgSgalWjIgDgghhgJgHgZmawggggggggOgNgKlMi"
    "LUIRgRgTggggggggggggggggggggggggRUaVYKgOgggggggggggggggggggggggg"
    "aYgggTggYXgggUggggggggggXWgggWggggYgaQXagggggPaggggggggggggggSgg"
    "UYAYglggggggggggSaATahaWSXCPQdQOggLgggWgggggggggggMaglgggaNgglgY"
    "ggRgggggggSgggggggRgggggKOAPJaITggNgggegggQgggYoYgQgggXgIYAaJeMR"
    "MnPhgoggggggggggLhHegrggTZKXgpggggVggngYggggggggggUYgngdgagdgggl"
    "ggggggggggggggggggggggggPPMUghgdggggggggggggglggggYggggggaXTavUh"
    "UgAgggggggggggggggDYggggggAXglgcggPgggngggggggggggLgggggggOggggg"
    "ggSgggggggTgggggggWgggggRgAagYTeggGggghgggJgggXoggNgggigSgCgVfTd"
    "YgAWgggWggggggggSgATgggNggBIglgWagNUgggOggggggggggHSgggOggNOgggN"
    "ggWgggggggVgggggggWgggggXYABgdXQggIgggagggMgggMgggJgggYgagEGggSc"
    "Wceiw8q1NSSTUSSRiikmkmmmeGgggggg___zxvgggggggggggggggggggggggggg";

/// The same in a difference.
inline constexpr std::string_view mask_delta_priors =
    "AYOcnirpAgagZcggQZemWpgdGOgggTggQeUfurxlRgTgggggObbZggghgggggggg"
    "GOKcSSnoHgUggXggIMglaPgiaagggUggSYVfglrtQgYgggagagPdgggpgggggggg"
    "BmNgikggAgYggaggQadgacggHQggYaggDhGcitgiDgQgggadQeRfgngocgggaggg"
    "AgVggaggDgggggggSUgggTggUgggaXggHgEaggloAgDgggggcTUggggpjggggggg"
    "MVPfXhgsQgXgagggFXQggsgwMVXjaaggagUoggrtggWgggggWaangggpggalgggl"
    "APGagglpMgQgggggCLGVgelpPRNRggggggQgggr3ggPggglngbUfggl0ggPZgggo"
    "QgOgYaggTggggcggSaQigggsLRUcgYgaPgTlggglagYgggggOeajgogvaglqgggg"
    "EgKgggggLgYggaggXaIUgTgoQTQRggggMgQfggtvNgBgggggPaafgggzTgRbgggg"
    "KJgaijgkAKYgQUalAAaYakgiAAgYNcgXggggourpXgTgmoQagYSQgogggggVgggf"
    "IKaWaXkjAMagTYliDDgagbgnBAgaSYgoggXagjnsQgagithiaaZXgngqggaSgngc"
    "RgggdlggAWggAXggRPggglglHMXgPdggggggnngtPaUgVVTcaWgSgpgnaXgggfgg"
    "XgggggggAgggGPaYUSgggcggMQggOSgggaXgglqpAaLgJdQXYTYWggggaYWagggg"
    "UXagZlaaPaQgelUaOKTYglguKTQcSkadggXgggglggRgggUaggRQgggiggTRglgc"
    "LNUSbgclHURaZceiAAMFgcghIAMNTeYjggaagaqrTgOgYWfjggMTgkgmggLXgnSn"
    "ggagggggRggggagggXgagpgrQSPegignggggggggggYgggZZggURgjgiYaXeglgg"
    "SgXgggggEgSaIKgaSPRQgdggIILRSXXeggPaggsxEgFaGKDSgWONghgmaXPTaXYi"
    "Tfch53g9gIHNLGLLgimlnrmlgNgggggg___9-vtg0YjfbQaggggggggggggggggg";

}  // namespace vos::detail
