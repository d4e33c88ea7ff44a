#pragma once

#include <vos/weights/network_metadata.hpp>

namespace vos::test {

/// A network of VITA-TCOVIS as small as it gets, whatever the preset; what makes the presets differ stays.
inline const NetworkSettings small_network{{"backbone", "tiny-backbone"},
                                           {"classes", "3"},
                                           {"tokens", "8"},
                                           {"slots", "8"},
                                           {"channels", "32"},
                                           {"heads", "4"},
                                           {"hidden", "64"},
                                           {"layers", "2"},
                                           {"encoder_layers", "1"},
                                           {"encoder_hidden", "64"},
                                           {"clip_layers", "1"},
                                           {"clip_encoder_layers", "1"},
                                           {"embedding", "16"}};

}  // namespace vos::test
