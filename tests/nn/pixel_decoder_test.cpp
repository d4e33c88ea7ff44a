// The pixel decoders: names, figures and what they ask of a backbone.
#include <vos/nn/backbone/resnet.hpp>
#include <vos/nn/backbone/tiny.hpp>
#include <vos/nn/pixel_decoder/bilinear.hpp>
#include <vos/nn/pixel_decoder/deformable.hpp>
#include <vos/nn/to_dtype.hpp>
#include <vos/weights/expect_keys.hpp>
#include <vos/weights/fill_module.hpp>
#include <vos/weights/load.hpp>

#include <cmath>

#include <torch/csrc/autograd/autograd.h>

#include "figures.hpp"

using namespace vos;

namespace {

using test::check_moments, test::keys_below, test::largest, test::named;

/// Levels of a backbone over a picture of this size, without the backbone.
std::vector<FeatureMap> maps_for(const std::vector<FeatureLevel>& levels, std::int64_t height, std::int64_t width) {
  std::vector<FeatureMap> maps;
  for (const auto& [channels, stride] : levels) {
    const auto ceil = [&](std::int64_t size) { return (size + stride - 1) / stride; };
    maps.push_back({named("map" + std::to_string(stride), {2, channels, ceil(height), ceil(width)}, 2), stride});
  }
  return maps;
}

/// A decoder with weights by their names.
template <class Decoder, class Options>
Decoder filled(const std::vector<FeatureLevel>& levels, Options options) {
  Decoder decode(levels, options);
  fill_module(*decode, FillRule::vita);
  decode->eval();
  return decode;
}

const std::vector<FeatureLevel> narrow{{8, 4}, {12, 8}, {16, 16}, {24, 32}};
constexpr BilinearPixelDecoderOptions light{.channels = 32};
constexpr DeformablePixelDecoderOptions small{.channels = 32, .heads = 4, .hidden = 48, .points = 2, .layers = 2};

}  // namespace

TEST_SUITE("pixel decoder") {
  TEST_CASE("the deformable one has Mask2Former's names and computes VITA's figures") {
    ResNet encode;
    const auto file = filled_weights(keys_below("vita_r50", "backbone.", false), FillRule::vita);
    CHECK(load_weights(*encode, file, from_part("backbone.", resnet_rules())).complete());
    DeformablePixelDecoder decode(encode.levels());
    const std::string prefix = "sem_seg_head.pixel_decoder.";
    CHECK(join(key_differences(*decode, keys_below("vita_r50", prefix, true)), "\n") == "");
    fill_module(*decode, FillRule::vita, {.prefix = prefix});
    encode->eval(), decode->eval();
    const at::NoGradGuard no_grad;
    const auto features = decode(encode(test::noise_frames(8)));
    CHECK(features.stride == 4);
    REQUIRE(features.levels.size() == 3);
    check_moments(
        features.levels[0],
        {{8, 256, 2, 3}, 0.0073093, 0.9900043, 0.7881086, {0.515215, 0.763613, -0.386987, 0.711000, -0.000262}});
    check_moments(
        features.levels[1],
        {{8, 256, 4, 6}, 0.0055513, 0.9905421, 0.7908384, {0.827182, 0.196720, -0.838188, 0.632009, -0.318855}});
    check_moments(
        features.levels[2],
        {{8, 256, 8, 12}, 0.0052278, 0.9894150, 0.7869400, {-0.098925, 0.560152, 0.057552, 0.005456, -1.308082}});
    check_moments(features.finest,
                  {{8, 256, 16, 24}, 0.4053640, 0.5808211, 0.4053640, {0.177468, 0.133520, 0, 0.013728, 0.277784}});
    check_moments(
        features.masks,
        {{8, 256, 16, 24}, -0.0389110, 0.6909424, 0.5571648, {-0.088094, -0.016179, -0.328904, -0.273444, -0.548586}});
  }

  TEST_CASE("the deformable one has the names of VITA with Swin-L, too") {
    const std::vector<FeatureLevel> swin{{192, 4}, {384, 8}, {768, 16}, {1536, 32}};
    CHECK(join(key_differences(*DeformablePixelDecoder(swin),
                               keys_below("vita_swinl", "sem_seg_head.pixel_decoder.", true)),
               "\n") == "");
  }

  TEST_CASE("the bilinear one is what its parts compute, from the coarsest level down") {
    auto decode = filled<BilinearPixelDecoder>(narrow, light);
    const auto maps = maps_for(narrow, 50, 70);
    const at::NoGradGuard no_grad;
    const auto features = decode(maps);
    const auto parts = decode->named_parameters();
    const auto normed = [&](const std::string& name, const at::Tensor& x, std::int64_t pad) {
      const auto convolved = at::conv2d(x, parts[name + ".weight"], {}, 1, pad);
      return at::group_norm(convolved, 32, parts[name + ".norm.weight"], parts[name + ".norm.bias"]);
    };
    const auto same = [](const at::Tensor& a, const at::Tensor& b) {
      return largest(a - b) < 1e-4;  // numbers around 1 in float32; convolutions for inference sum in another order
    };
    at::Tensor above;
    for (const auto level : {3, 2, 1}) {  // strides 32, 16, 8: adapter_3 to adapter_1
      const auto& map = maps[static_cast<std::size_t>(level)].values;
      auto x = normed("adapter_" + std::to_string(level), map, 0);
      if (above.defined()) x += at::upsample_bilinear2d(above, {map.size(2), map.size(3)}, false);
      above = normed("layer_" + std::to_string(level), x, 1).relu();
      CHECK(same(features.levels[static_cast<std::size_t>(3 - level)], above));
    }
    CHECK(features.finest.is_same(features.levels.back()));
    CHECK(same(features.masks, at::conv2d(above, parts["mask_features.weight"], parts["mask_features.bias"])));
  }

  TEST_CASE("levels have a backbone's sizes, coarsest first, at any size of picture") {
    const at::NoGradGuard no_grad;
    const auto check = [](auto decode, std::vector<std::int64_t> strides, std::int64_t stride) {
      for (const auto& [height, width] : {std::pair{50, 70}, {64, 96}, {1, 7}}) {
        const auto maps = maps_for(narrow, height, width);
        const auto features = decode(maps);
        const auto has_stride = [&](const at::Tensor& map, std::int64_t of) {
          const auto ceil = [&](std::int64_t size) { return (size + of - 1) / of; };
          CHECK(map.sizes() == at::IntArrayRef{2, 32, ceil(height), ceil(width)});
        };
        REQUIRE(features.levels.size() == strides.size());
        for (std::size_t i = 0; i < strides.size(); ++i) has_stride(features.levels[i], strides[i]);
        CHECK(features.stride == stride);
        has_stride(features.finest, stride);
        has_stride(features.masks, stride);
        const auto again = decode(maps);
        CHECK(again.masks.equal(features.masks));
        CHECK(again.levels[0].equal(features.levels[0]));
      }
    };
    check(filled<BilinearPixelDecoder>(narrow, light), {32, 16, 8}, 8);
    auto sharp = light;
    sharp.stride = 4;
    check(filled<BilinearPixelDecoder>(narrow, sharp), {32, 16, 8, 4}, 4);
    auto options = small;
    check(filled<DeformablePixelDecoder>(narrow, options), {32, 16, 8}, 4);
    options.levels = 2;  // strides 8 and 4 are merged in
    check(filled<DeformablePixelDecoder>(narrow, options), {32, 16}, 4);
    options.levels = 3, options.stride = 8;  // nothing is
    check(filled<DeformablePixelDecoder>(narrow, options), {32, 16, 8}, 8);
    options.levels = 1, options.stride = 32, options.layers = 0;
    check(filled<DeformablePixelDecoder>(narrow, options), {32}, 32);
  }

  TEST_CASE("gradients are those of a difference along a direction, of maps and of every parameter") {
    const auto check = [](auto decode) {
      to_dtype(*decode, at::kDouble);
      auto maps = maps_for(narrow, 40, 33);
      std::vector<at::Tensor> leaves;
      for (auto& map : maps) map.values = map.values.to(at::kDouble).requires_grad_();
      const auto run = [&] {
        const auto features = decode(maps);
        auto loss = (features.masks * named("masks", features.masks.sizes()).to(at::kDouble)).sum();
        for (const auto& level : features.levels)
          loss = loss + (level * named("level", level.sizes()).to(at::kDouble)).sum();
        return loss;
      };
      std::vector<std::pair<std::string, at::Tensor>> all;
      for (const auto& item : decode->named_parameters()) all.emplace_back(item.key(), item.value());
      for (std::size_t i = decode->options.stride == 4 ? 0 : 1; i < maps.size(); ++i)
        all.emplace_back("map" + std::to_string(maps[i].stride), maps[i].values);
      for (const auto& [name, value] : all) leaves.push_back(value);
      const auto grads = torch::autograd::grad({run()}, leaves);
      const at::NoGradGuard no_grad;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string& name = all[i].first;
        CAPTURE(name);
        const auto direction = named("direction", leaves[i].sizes()).to(at::kDouble);
        const auto along = test::sum_of(grads[i] * direction);
        constexpr double step = 1e-6;
        leaves[i].add_(direction, step);
        const auto above = test::sum_of(run());
        leaves[i].sub_(direction, 2 * step);
        const auto below = test::sum_of(run());
        leaves[i].add_(direction, step);
        // The second power of the step, and sums of some ten thousand terms rounded over it.
        CHECK((above - below) / (2 * step) == doctest::Approx(along).epsilon(1e-6).scale(10));
      }
    };
    check(filled<BilinearPixelDecoder>(narrow, light));
    check(filled<DeformablePixelDecoder>(narrow, small));
  }

  TEST_CASE("channels last and half precision change nothing but rounding") {
    const at::NoGradGuard no_grad;
    const auto check = [](auto decode) {
      const auto run = [&](const auto& convert) {
        auto maps = maps_for(narrow, 50, 70);
        for (auto& map : maps) map.values = convert(map.values);
        return decode(maps).masks.to(at::kFloat);
      };
      const auto plain = run([](const at::Tensor& x) { return x; });
      const auto last = run([](const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); });
      CHECK(largest(last - plain) < 1e-4);  // sums in another order, through norms
      to_dtype(*decode, at::kBFloat16);
      const auto half = run([](const at::Tensor& x) { return x.to(at::kBFloat16); });
      // 8 bits of numbers around 1, through some ten roundings: a few hundredths, most of them far less.
      CHECK(largest(half - plain) < 0.25);
      CHECK(test::sum_of((half - plain).abs()) < 0.02 * static_cast<double>(plain.numel()));
    };
    check(filled<BilinearPixelDecoder>(narrow, light));
    check(filled<DeformablePixelDecoder>(narrow, small));
  }

  TEST_CASE("weights begin as Mask2Former's do") {
    const auto bound = [](const at::Tensor& weight, double fan) {
      // Of thousands of numbers, the largest is near the bound of a uniform distribution and never above it.
      CHECK(largest(weight) <= fan);
      CHECK(largest(weight) > 0.95 * fan);
    };
    const DeformablePixelDecoder decode(narrow, DeformablePixelDecoderOptions{.channels = 64, .layers = 1});
    const auto parts = decode->named_parameters();
    bound(parts["mask_features.weight"], std::sqrt(3.0 / 64));
    bound(parts["layer_1.weight"], std::sqrt(3.0 / (9 * 64)));
    bound(parts["adapter_1.weight"], std::sqrt(3.0 / 8));
    bound(parts["input_proj.0.0.weight"], std::sqrt(6.0 / (24 + 64)));
    bound(parts["transformer.encoder.layers.0.linear1.weight"], std::sqrt(6.0 / (64 + 1024)));
    bound(parts["transformer.encoder.layers.0.linear1.bias"], std::sqrt(1.0 / 64));
    for (const auto* zero : {"mask_features.bias", "input_proj.0.0.bias"}) CHECK(largest(parts[zero]) == 0);
    CHECK(std::abs(parts["transformer.level_embed"].std().item<double>() - 1) < 0.2);  // 192 numbers
  }

  TEST_CASE("what a backbone does not have cannot be asked for") {
    CHECK_THROWS_WITH_AS(BilinearPixelDecoder(narrow, BilinearPixelDecoderOptions{.stride = 2}),
                         doctest::Contains("no level at stride 2"), Error);
    CHECK_THROWS_WITH_AS(DeformablePixelDecoder(narrow, DeformablePixelDecoderOptions{.levels = 5}),
                         doctest::Contains("pick 1 to 4 levels"), Error);
    CHECK_THROWS_WITH_AS(DeformablePixelDecoder(narrow, DeformablePixelDecoderOptions{.channels = 30}),
                         doctest::Contains("30 channels"), Error);
  }

  TEST_CASE("a backbone's own levels go in") {
    TinyBackbone encode;
    BilinearPixelDecoder decode(encode.levels(), BilinearPixelDecoderOptions{.channels = 32, .stride = 4});
    const auto features = decode(encode(named("images", {1, 3, 33, 50}, 2)));
    CHECK(features.masks.sizes() == at::IntArrayRef{1, 32, 9, 13});
  }
}
