#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/options.hpp>
#include <vos/core/text.hpp>
#include <vos/data/scene.hpp>
#include <vos/data/synthetic/named.hpp>
#include <vos/data/synthetic/training.hpp>
#include <vos/error.hpp>

namespace vos {

/// Reads "crossing,frames=90,size=854x480,objects=4,seed=1,fps=25,noise=4,look=varied", or "train,…" for a scene at
/// random.
inline Scene scene_from(std::string_view text) {
  static const std::vector<std::string> keys{"frames", "size", "objects", "seed", "fps", "noise", "look"};
  const auto parts = split(text, ',');
  std::map<std::string, std::string> given;
  const auto refuse = [&](const std::string& what, const std::string& mend) -> void {
    throw Error({.what = what, .where = "synthetic:" + std::string{text}, .mend = mend, .exit_code = exit_code::usage});
  };
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equals = parts[i].find('=');
    const auto key = parts[i].substr(0, equals);
    if (equals == std::string::npos || std::find(keys.begin(), keys.end(), key) == keys.end())
      refuse("'" + parts[i] + "' is not a setting of a synthetic clip" + did_you_mean(key, keys),
             "settings: frames=N, size=WxH, objects=N, seed=N, fps=X, noise=X, look=plain|varied|alike");
    given[key] = parts[i].substr(equals + 1);
  }
  const auto number = [&]<class Number>(const std::string& key, Number usual, Number low, Number high) {
    if (!given.contains(key)) return usual;
    const auto value = number_from<Number>(given[key]);
    if (!value || !(*value >= low && *value <= high))
      refuse("'" + given[key] + "' is not a usable " + key,
             "use a number from " + detail::option_text(low) + " to " + detail::option_text(high));
    return *value;
  };
  const auto seed = number("seed", std::int64_t{1}, std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
  const auto objects = number("objects", std::int64_t{0}, std::int64_t{0}, std::int64_t{1000});
  const auto most_frames = std::int64_t{1} << 40;
  const auto train_frames = number("frames", TrainingSceneOptions{}.frames, std::int64_t{0}, most_frames);
  auto scene = parts[0] == "train"
                   ? training_scene(static_cast<std::uint64_t>(seed), {.objects = objects, .frames = train_frames})
                   : scene_named(parts[0], objects, static_cast<std::uint64_t>(seed));
  scene.frames = number("frames", scene.frames, std::int64_t{0}, most_frames);
  scene.fps = number("fps", scene.fps, 0.001, 1000.0);
  scene.noise = number("noise", scene.noise, 0.0, 255.0);
  if (given.contains("look")) {
    if (given["look"] == "varied") vary_look(scene);
    else if (given["look"] == "alike") make_alike(scene);
    else if (given["look"] != "plain") refuse("'" + given["look"] + "' is not a look", "use plain, varied or alike");
  }
  if (given.contains("size")) {
    const auto sides = split(given["size"], 'x');
    const auto side = [&](std::size_t i) {
      return sides.size() == 2 ? number_from<std::int64_t>(sides[i]) : std::nullopt;
    };
    if (!side(0) || !side(1)) refuse("'" + given["size"] + "' is not a size", "write WIDTHxHEIGHT, as 854x480");
    scene.width = *side(0);
    scene.height = *side(1);
  }
  return scene;
}

}  // namespace vos
