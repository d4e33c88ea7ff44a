#pragma once

#include <cstdint>
#include <string>

#include <vos/core/choice.hpp>
#include <vos/error.hpp>
#include <vos/segment/benchmark_options.hpp>
#include <vos/segment/online_options.hpp>
#include <vos/track/global_tracker.hpp>

namespace vos {

/// What the network is: these decide its parameters' names and shapes, and are kept with its weights.
struct VitaTcovisNetworkOptions {
  std::string backbone = "resnet50";
  std::string norm = "frozen";
  std::string pixel_decoder = "bilinear";
  std::int64_t encoder_layers = 6;
  std::int64_t encoder_hidden = 1024;
  std::int64_t mask_stride = 8;

  std::int64_t classes = 40;
  std::int64_t tokens = 50;
  std::int64_t channels = 256;
  std::int64_t heads = 8;
  std::int64_t hidden = 2048;
  std::int64_t layers = 3;
  std::int64_t levels = 1;
  bool masked = false;
  double dropout = 0;
  std::int64_t embedding = 128;

  bool propagate = false;
  std::int64_t slots = 100;
  std::int64_t clip_encoder_layers = 6;
  std::int64_t clip_layers = 3;
  std::int64_t memory = 64;
  std::string ste = "off";

  void visit(auto&& field) {
    field("backbone", backbone, "resnet50, swin-t, tiny-backbone, ...: what turns pictures into features");
    field("norm", norm, "its batch norms: frozen, or live, which learn");
    field("pixel_decoder", pixel_decoder, "bilinear, which is light, or msdeform: attention over all levels");
    field("encoder_layers", encoder_layers, "msdeform: its layers");
    field("encoder_hidden", encoder_hidden, "msdeform: width between the layers of their feed-forward blocks");
    field("mask_stride", mask_stride, "pixels of the picture to one of a mask, each way: 4 or 8");
    field("classes", classes, "kinds of objects, without nothing");
    field("tokens", tokens, "objects that a frame can have");
    field("channels", channels, "width of tokens and features");
    field("heads", heads, "of attention; they divide the channels");
    field("hidden", hidden, "width between the layers of feed-forward blocks");
    field("layers", layers, "of the token decoder");
    field("levels", levels, "of features that tokens look at, in turn, the coarsest first");
    field("masked", masked, "a token looks only where its mask was before");
    field("dropout", dropout, "in training, of the token decoder");
    field("embedding", embedding, "width of what objects are told apart by between frames; 0: none");
    field("propagate", propagate, "queries travel from frame to frame: a slot is an object's for as long as it lives");
    field("slots", slots, "propagate: objects that a video can have at a time");
    field("clip_encoder_layers", clip_encoder_layers, "propagate: layers among a frame's tokens");
    field("clip_layers", clip_layers, "propagate: layers from slots to tokens");
    field("memory", memory, "propagate: frames that slots remember; 0: all of them, which grows");
    field("ste", ste, "propagate: what a slot's last mask adds to it: off, pool or pool+corr; a reconstruction");
  }
};

/// Throws unless a network can be made of the options. Names of parts are looked at where they are made.
inline void expect_usable(const VitaTcovisNetworkOptions& options) {
  // The upper ends are far above any network and far below what a hostile file could ask for.
  const auto at_least = [](const char* name, std::int64_t value, std::int64_t least, double most = 16384) {
    expect_within(name, static_cast<double>(value), static_cast<double>(least), most);
  };
  choice("norm", options.norm, {"frozen", "live"});
  choice("pixel_decoder", options.pixel_decoder, {"bilinear", "msdeform"});
  if (options.mask_stride != 4 && options.mask_stride != 8)
    throw Error({.what = "masks of stride " + std::to_string(options.mask_stride),
                 .where = "option 'mask_stride'",
                 .mend = "use 4 or 8",
                 .exit_code = exit_code::usage});
  choice("ste", options.ste, {"off", "pool", "pool+corr"});
  at_least("encoder_layers", options.encoder_layers, 1, 64);
  at_least("encoder_hidden", options.encoder_hidden, 1);
  at_least("classes", options.classes, 1);
  at_least("tokens", options.tokens, 1);
  at_least("channels", options.channels, 1, 4096);
  at_least("hidden", options.hidden, 1);
  at_least("layers", options.layers, 1, 64);
  expect_within("levels", static_cast<double>(options.levels), 1, 3);
  expect_within("dropout", options.dropout, 0, 1);
  at_least("embedding", options.embedding, 0);
  at_least("slots", options.slots, 1);
  at_least("clip_encoder_layers", options.clip_encoder_layers, 0, 64);
  at_least("clip_layers", options.clip_layers, 1, 64);
  at_least("memory", options.memory, 0);
}

/// All that a preset says: the network, how it is shown a video, and how its answers become tracks.
struct VitaTcovisOptions {
  VitaTcovisNetworkOptions network = {};
  std::string mode = "stream";
  std::int64_t size = 0, max_size = 0;
  OnlineOptions online = {};
  BenchmarkOptions benchmark = {};
  GlobalTrackerOptions tracker = {};  ///< where queries propagate, its `book` alone counts

  void visit(auto&& field) {
    network.visit(field);
    field("mode", mode, "stream: tracks as the video runs; benchmark: ranked results when it is over, for AP");
    field("size", size, "the network sees frames whose shorter side has this many pixels; 0: as they are");
    field("max_size", max_size, "and whose longer side has no more than this; 0: any");
    online.visit(field);
    benchmark.visit(field);
    tracker.visit(field);
  }
};

}  // namespace vos
