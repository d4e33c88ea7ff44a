#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vos/core/shape.hpp>
#include <vos/criterion/clip_prediction.hpp>
#include <vos/frame/detector.hpp>
#include <vos/model/vita_tcovis/options.hpp>
#include <vos/nn/association_head.hpp>
#include <vos/nn/backbone/any.hpp>
#include <vos/nn/clip_decoder/clip_decoder.hpp>
#include <vos/nn/clip_decoder/query_memory.hpp>
#include <vos/nn/clip_decoder/ste.hpp>
#include <vos/nn/frame_head.hpp>

namespace vos {

/// VITA-TCOVIS: a frame's object tokens, and what ties them to those of other frames.
///
/// A token is one of so many learned vectors that look at a frame and each take one object, or nothing: class, mask and embedding
/// are read off it. Where queries propagate, slots look at a frame's tokens in their turn: a slot's query recalls what it was in
/// earlier frames (memory, STE), decodes the tokens, and what comes out is its query for the next frame.
///
/// The names of its parameters are the official VITA's (backbone, sem_seg_head, vita_module), and reid_embed and ste beside
/// them.
struct VitaTcovisImpl : torch::nn::Module {
  /// Where queries that propagate stand. A copy is a snapshot: nothing in it is ever written to.
  struct State {
    at::Tensor queries = {};   ///< [B,Q,C] that the next frame begins with; undefined before the first
    QueryMemory memory{};      ///< what slots were in earlier frames
    at::Tensor masks = {};     ///< [B,Q,h,w] logits of the frame before; with an STE only
    at::Tensor features = {};  ///< [B,C,h,w] what they were made of
    std::int64_t frame = 0;    ///< frames seen
  };

  explicit VitaTcovisImpl(VitaTcovisNetworkOptions o = {}) : options(std::move(o)) {
    expect_usable(options);
    const auto c = options.channels;
    backbone = make_backbone(options.backbone, {.norm = options.norm == "live" ? NormKind::live : NormKind::frozen});
    register_module("backbone", backbone.module());
    const FrameHeadOptions head{.pixel_decoder = options.pixel_decoder,
                                .encoder_layers = options.encoder_layers,
                                .encoder_hidden = options.encoder_hidden,
                                .mask_stride = options.mask_stride,
                                .tokens = {.channels = c,
                                           .heads = options.heads,
                                           .hidden = options.hidden,
                                           .layers = options.layers,
                                           .tokens = options.tokens,
                                           .levels = options.levels,
                                           .classes = options.classes,
                                           .masked = options.masked,
                                           .dropout = options.dropout}};
    sem_seg_head = register_module("sem_seg_head", FrameHead(backbone.levels(), head));
    if (options.embedding > 0) {
      const AssociationHeadOptions association{.channels = c, .embedding = options.embedding};
      reid_embed = register_module("reid_embed", AssociationHead(association));
    }
    if (!options.propagate) return;
    const ClipDecoderOptions clip{.channels = c,
                                  .heads = options.heads,
                                  .hidden = options.hidden,
                                  .encoder_layers = options.clip_encoder_layers,
                                  .decoder_layers = options.clip_layers,
                                  .window = 0,
                                  .frame_tokens = options.tokens,
                                  .queries = options.slots,
                                  .classes = options.classes,
                                  .memory = true};
    vita_module = register_module("vita_module", ClipDecoder(clip));
    if (options.ste == "off") return;
    ste = register_module("ste", Ste(SteOptions{.channels = c, .correlate = options.ste == "pool+corr"}));
  }

  /// images [N,3,H,W], ImageNet-normalised, of any size: each by itself. Masks are [N,Q,ceil(H/stride),ceil(W/stride)].
  FrameDetections forward(const at::Tensor& images) { return detect(images); }

  FrameDetections detect(const at::Tensor& images) {
    const auto features = pixels(images);
    auto said = sem_seg_head->predictor->last(features);
    return {.logits = std::move(said.logits),
            .masks = masks_of(said.mask_embeddings, without_padding(features.masks, images)),
            .tokens = said.tokens,
            .embeddings = embedded(said.tokens)};
  }

  /// The next frame of a video, image [1,3,H,W], where queries propagate: query n is slot n, and the same object as long as it
  /// lives.
  FrameDetections step(const at::Tensor& image, State& state) {
    expect_propagation();
    const auto features = pixels(image);
    const auto map = without_padding(vita_module->mask_features(features.finest), image);
    const auto tokens = sem_seg_head->predictor->last(features).tokens;
    auto said = advance(vita_module->encode(tokens.unsqueeze(1)), map, state).back();
    return {.logits = std::move(said.logits),
            .masks = state.masks.defined() ? state.masks : masks_of(said.mask_embeddings, map),
            .tokens = said.tokens,
            .embeddings = embedded(said.tokens)};
  }

  /// Slots whose objects have died begin anew, and forget.
  void reset_slots(State& state, std::span<const std::int64_t> slots) {
    expect_propagation();
    if (state.frame == 0 || slots.empty()) return;
    state.queries = vita_module->begin_anew(state.queries, slots);
    state.memory.reset(slots);
    if (!state.masks.defined()) return;
    const auto places = at::tensor(at::IntArrayRef(slots.data(), slots.size()), at::kLong).to(state.masks.device());
    state.masks = state.masks.index_fill(1, places, -100);  // a mask of no pixel has nothing to tell
  }

  /// What frames say by themselves, and slots that follow them.
  struct Prediction {
    ClipPrediction frames = {};
    ClipPrediction slots = {};  ///< without layers where nothing propagates
  };

  /// clips [B,T,3,H,W]: every layer's word, for a criterion. Its keys are the caller's. Where queries propagate, the slots'.
  ClipPrediction predict(const at::Tensor& clips) {
    auto said = predict_all(clips, /*frames=*/!vita_module);
    return vita_module ? std::move(said.slots) : std::move(said.frames);
  }

  /// Both, of one pass: where the detector learns beside the slots, as in VITA.
  Prediction predict_all(const at::Tensor& clips) { return predict_all(clips, true); }

  const VitaTcovisNetworkOptions options;
  AnyBackbone backbone;
  FrameHead sem_seg_head{nullptr};
  AssociationHead reid_embed{nullptr};
  ClipDecoder vita_module{nullptr};  ///< where queries propagate
  Ste ste{nullptr};

 private:
  /// What the network sees is padded with zeros, to the right and below, to what the coarsest level divides. As in the
  /// official models nothing tells padding from picture.
  static at::Tensor padded(const at::Tensor& images) {
    constexpr std::int64_t multiple = 32;
    const auto missing = [](std::int64_t size) { return (multiple - size % multiple) % multiple; };
    const auto down = missing(images.size(2)), right = missing(images.size(3));
    return down == 0 && right == 0 ? images : at::constant_pad_nd(images, {0, right, 0, down});
  }

  PixelFeatures pixels(const at::Tensor& images) {
    expect_shape(images, {any_size, 3, any_size, any_size}, "images [N,3,H,W]");
    auto ready = padded(images);
    // On the CPU convolutions and their ways back are faster so; for inference, whoever prepares the network decides.
    if (ready.is_cpu() && at::GradMode::is_enabled()) ready = ready.contiguous(at::MemoryFormat::ChannelsLast);
    return sem_seg_head->pixels(backbone(ready));
  }

  /// The part of a map [N,C,h,w] that shows picture.
  at::Tensor without_padding(const at::Tensor& map, const at::Tensor& images) const {
    const auto cells = [&](std::int64_t axis) {
      return (images.size(axis) + options.mask_stride - 1) / options.mask_stride;
    };
    return map.narrow(2, 0, cells(2)).narrow(3, 0, cells(3));
  }

  at::Tensor embedded(const at::Tensor& tokens) { return reid_embed ? reid_embed(tokens) : at::Tensor{}; }

  /// Slots take one frame of B videos: encoded tokens [B,1,Q,C] and the map [B,C,h,w] of their masks. Every layer's word in
  /// training, else the last one's.
  std::vector<TokenPrediction> advance(const at::Tensor& encoded, const at::Tensor& map, State& state) {
    if (state.frame == 0) state.memory = QueryMemory({.frames = options.memory});
    const auto queries = state.frame == 0 ? vita_module->begin().expand({map.size(0), -1, -1}) : state.queries;
    auto recalled = vita_module->recall(queries, state.memory);
    if (state.masks.defined()) recalled = ste(recalled, state.masks, state.features, map);
    auto decoding = vita_module->decode(encoded, recalled);
    const auto& said = decoding.layers.back();
    const auto alive = said.logits.argmax(-1).ne(options.classes);  // [B,Q] what is not nothing
    vita_module->memorize(said.tokens, state.frame, state.memory, alive);
    state.queries = decoding.state;
    if (ste) state.masks = masks_of(said.mask_embeddings, map), state.features = map;
    ++state.frame;
    return std::move(decoding.layers);
  }

  Prediction predict_all(const at::Tensor& clips, bool with_frames) {
    expect_shape(clips, {any_size, any_size, 3, any_size, any_size}, "clips [B,T,3,H,W]");
    const auto clip_count = clips.size(0), frames = clips.size(1);
    // [B*T,*] -> [B,T,*]
    const auto by_clip = [&](const at::Tensor& x) { return x.unflatten(0, {clip_count, frames}); };
    const auto images = clips.flatten(0, 1);
    const auto features = pixels(images);
    // Of predictions of all B*T frames, and the map that their masks are made of.
    const auto prediction_of = [&](const std::vector<TokenPrediction>& layers, const at::Tensor& map) {
      std::vector<at::Tensor> embeddings;
      for (const auto& said : layers) embeddings.push_back(said.mask_embeddings);
      const auto count = static_cast<std::int64_t>(layers.size());
      // The masks of all layers are one product: [N,L*Q,h,w], taken apart in one go.
      const auto masks = masks_of(at::cat(embeddings, 1), map).unflatten(1, {count, -1}).unbind(1);
      ClipPrediction prediction;
      for (std::size_t i = 0; i < layers.size(); ++i)
        prediction.layers.push_back({by_clip(layers[i].logits), by_clip(masks[i])});
      if (reid_embed) prediction.embeddings = by_clip(reid_embed(layers.back().tokens));
      return prediction;
    };
    Prediction said;
    const auto layers =
        with_frames ? sem_seg_head->predictor->forward(features) : std::vector{sem_seg_head->predictor->last(features)};
    if (with_frames) said.frames = prediction_of(layers, without_padding(features.masks, images));
    if (!vita_module) return said;

    const auto map = without_padding(vita_module->mask_features(features.finest), images);  // [B*T,C,h,w]
    const auto encoded = by_clip(vita_module->encode(layers.back().tokens.unsqueeze(1)));   // [B,T,1,Q,C]
    const auto maps = by_clip(map);
    State state;
    std::vector<std::vector<TokenPrediction>> by_layer;  // [layer][frame]
    for (std::int64_t t = 0; t < frames; ++t) {
      auto of_frame = advance(encoded.select(1, t), maps.select(1, t), state);
      by_layer.resize(of_frame.size());
      for (std::size_t i = 0; i < of_frame.size(); ++i) by_layer[i].push_back(std::move(of_frame[i]));
    }
    std::vector<TokenPrediction> slots;
    for (const auto& of_frames : by_layer) {
      const auto joined = [&](at::Tensor TokenPrediction::* part) {
        std::vector<at::Tensor> all;
        for (const auto& each : of_frames) all.push_back(each.*part);
        return at::stack(all, 1).flatten(0, 1);  // [B*T,Q,*]
      };
      slots.push_back({joined(&TokenPrediction::tokens), joined(&TokenPrediction::logits),
                       joined(&TokenPrediction::mask_embeddings)});
    }
    said.slots = prediction_of(slots, map);
    return said;
  }

  void expect_propagation() const {
    if (!vita_module)
      throw Error({.what = "the queries of this network do not propagate",
                   .where = "VitaTcovis, step()",
                   .mend = "make it with propagate=true, or detect() each frame by itself and track",
                   .exit_code = exit_code::usage});
  }
};
TORCH_MODULE(VitaTcovis);
static_assert(FrameDetector<VitaTcovis>);

}  // namespace vos
