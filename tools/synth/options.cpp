#include "options.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>

#include <vos/data/synthetic.hpp>

namespace vos::synth {
namespace {

constexpr const char* footer = R"(Examples:
  vos-synth --scene train --layout davis --videos 100 --frames 60 --output world
  vos-synth --scene crossing --layout ytvos --videos 10 --size 640x360 --objects 6 --output crossing
  vos-synth --scene train --layout coco --videos 200 --frames 5 --split val --output stills

Video i of N, counted from 0, is the input synthetic:SCENE,seed=SEED+i: what is written can be drawn again. docs/synthetic.md
shows the scenes. Exit codes: 0 done, 1 error, 2 wrong usage, 130 interrupted (nothing is left behind).
)";

void check(const Options& options, const tool::CommandLine& line) {
  const auto in_range = [&](const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high)
      throw line.usage(std::string{name} + " " + std::to_string(value) + " is not usable",
                       "use a number from " + std::to_string(low) + " to " + std::to_string(high));
  };
  if (options.output.empty()) throw line.usage("--output is missing: where shall the dataset go?");
  in_range("--videos", options.videos, 1, 1'000'000);
  in_range("--frames", options.frames, 0, 99'999 / options.stride());  // stems have five digits
  in_range("--seed", options.seed, 0, std::int64_t{1} << 62);
  in_range("--threads", options.threads, 0, 1024);
  in_range("--quality", options.quality, 1, 100);
  // 255 is void in these layouts' palettes.
  const bool palette = options.layout == Options::Layout::davis || options.layout == Options::Layout::ytvos;
  in_range("--objects", options.objects, 0, palette ? 254 : 1000);
  if (options.common.quiet && options.common.verbose)
    throw line.usage("--quiet and --verbose contradict each other", "give one of them");
  check_scene(options.scene_of(0));  // names, sizes and numbers that the scene itself refuses
}

}  // namespace

const std::vector<std::string>& Options::layout_names() {
  static const std::vector<std::string> names{"davis", "ytvos", "ytvis", "coco"};
  return names;
}

std::string Options::input(std::int64_t i) const {
  std::string text = scene;
  const auto add = [&](const char* key, const std::string& value) { text += std::string{","} + key + '=' + value; };
  if (frames > 0) add("frames", std::to_string(frames * stride()));
  if (!size.empty()) add("size", size);
  if (objects > 0) add("objects", std::to_string(objects));
  if (!fps.empty()) add("fps", fps);
  if (!look.empty()) add("look", look);
  add("seed", std::to_string(seed + i));
  return text;
}

Scene Options::scene_of(std::int64_t i) const { return scene_from(input(i)); }

std::string Options::video_name(std::int64_t i) const {
  char number[24];
  std::snprintf(number, sizeof number, "-%04lld", static_cast<long long>(i + 1));
  return scene + number;
}

Options parse(const std::vector<std::string>& words) {
  Options options;
  tool::CommandLine line("vos-synth",
                         "Writes synthetic videos with exact masks as a dataset, in the layouts of DAVIS,\n"
                         "YouTube-VOS, YouTube-VIS and COCO.",
                         options.common);
  line.usage_line("--output DIR [OPTIONS]");
  line.footer(footer);
  std::string output, layout = "davis", split = "train";
  std::optional<std::int64_t> seed;

  line.group("What");
  line.option(
      "--scene", options.scene, "NAME",
      "demo, crossing, occlusion, reentry, crowd, tiny, deforming, twins, zoo, or train: scenes at random, to learn "
      "from (default: train)");
  line.option("--videos", options.videos, "N", "how many (default: 1); each has a seed of its own");
  line.option("--frames", options.frames, "N", "frames to write of each (default: what the scene has)");
  line.option("--objects", options.objects, "N", "objects in each (default: what the scene has)");
  line.option("--size", options.size, "WxH", "size of the frames (default: 854x480)");
  line.option("--fps", options.fps, "X", "frames a second, for the lists; the motion per frame stays (default: 25)");
  line.option("--look", options.look, "NAME",
              "varied: a named scene's objects as figures of many classes (default: plain)");
  line.option("--seed", seed, "N", "the first video's; the next ones count up (default: 1, and 1000001 for val)");

  line.group("Where and how");
  line.option("-o,--output", output, "DIR", "the folder for the dataset; it appears when all is written");
  line.option("--layout", layout, "NAME", "davis, ytvos, ytvis or coco (default: davis)");
  line.option("--split", split, "NAME", "train or val (default: train)");
  line.option("--quality", options.quality, "Q", "of the JPEG pictures, 1 to 100 (default: 95)");
  line.flag("--png", options.png, "write pictures as PNG, without loss");
  line.option("--threads", options.threads, "N",
              "videos drawn at a time; the files do not depend on it (default: all cores)");
  line.flag("--overwrite", options.overwrite, "replace a dataset that an earlier run wrote");

  if (options.text = line.parse(words); !options.text.empty()) return options;
  options.output = output;
  const auto& layouts = Options::layout_names();
  const auto found = std::find(layouts.begin(), layouts.end(), layout);
  if (found == layouts.end())
    throw line.usage("there is no layout '" + layout + "'" + did_you_mean(layout, layouts),
                     "layouts: " + join(layouts, ", "));
  options.layout = static_cast<Options::Layout>(found - layouts.begin());
  if (split != "train" && split != "val") throw line.usage("there is no split '" + split + "'", "use train or val");
  options.training_split = split == "train";
  options.seed = seed.value_or(options.training_split ? 1 : 1'000'001);  // so that the splits differ
  check(options, line);
  options.threads = static_cast<std::int64_t>(tool::thread_count(options.threads));
  return options;
}

}  // namespace vos::synth
