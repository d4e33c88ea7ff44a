// Object tokens against a decoder written out in torch.nn, and against the figures of the official one.
#include <vos/nn/to_dtype.hpp>
#include <vos/nn/token_decoder.hpp>
#include <vos/weights/expect_keys.hpp>
#include <vos/weights/fill_module.hpp>

#include "figures.hpp"
#include "token_cases.hpp"

using namespace vos;

namespace {

struct Sizes {
  std::vector<std::pair<std::int64_t, std::int64_t>> levels;
  std::int64_t height, width;  // of the masks
};

/// Two frames' features, functions of their names.
PixelFeatures given_features(const Sizes& sizes, std::int64_t channels = 32) {
  PixelFeatures features{.masks = test::given("masks", {2, channels, sizes.height, sizes.width}), .stride = 4};
  for (const auto& [h, w] : sizes.levels)
    features.levels.push_back(test::given("level" + std::to_string(features.levels.size()), {2, channels, h, w}));
  return features;
}

/// Small features of one frame, of normal numbers.
PixelFeatures random_features(const TokenDecoderOptions& o, std::int64_t height, std::int64_t width) {
  PixelFeatures features{.masks = at::randn({1, o.channels, height, width}), .stride = 4};
  for (auto l = o.levels; l > 0; --l) {
    const auto less = [&](std::int64_t size) { return std::max<std::int64_t>(size >> l, 1); };
    features.levels.push_back(at::randn({1, o.channels, less(height), less(width)}));
  }
  return features;
}

constexpr TokenDecoderOptions small{.channels = 32, .heads = 4, .hidden = 48, .layers = 4, .tokens = 7, .classes = 3};

void check_case(const std::string& name, const TokenDecoderOptions& options, const Sizes& sizes) {
  TokenDecoder decode(options);
  test::fill_double(*decode);
  const auto features = given_features(sizes);
  const auto said = decode(features);
  REQUIRE(said.size() == static_cast<std::size_t>(options.layers) + 1);
  test::Named outputs, inputs{{"masks", features.masks}};
  for (std::size_t i = 0; i < said.size(); ++i) {
    const auto number = std::to_string(i);
    outputs.emplace_back("tokens" + number, said[i].tokens);
    outputs.emplace_back("logits" + number, said[i].logits);
    outputs.emplace_back("masks" + number, masks_of(said[i].mask_embeddings, features.masks));
  }
  for (std::size_t l = 0; l < features.levels.size(); ++l)
    inputs.emplace_back("level" + std::to_string(l), features.levels[l]);
  test::check_case(name, *decode, outputs, inputs);

  // What inference leaves out changes nothing.
  const auto last = decode->last(features);
  CHECK(at::equal(last.tokens, said.back().tokens));
  CHECK(at::equal(last.logits, said.back().logits));
  CHECK(at::equal(last.mask_embeddings, said.back().mask_embeddings));
}

}  // namespace

TEST_SUITE("tokens") {
  TEST_CASE("tokens, classes and masks agree with the decoder written out, in value and gradient") {
    check_case("masked", small, {{{2, 3}, {4, 6}, {8, 12}}, 16, 24});
    check_case("masked, sizes that do not divide", small, {{{2, 3}, {3, 5}, {6, 10}}, 11, 19});
    auto light = small;
    light.layers = 3, light.levels = 1, light.masked = false;
    check_case("light", light, {{{3, 5}}, 11, 19});
  }

  TEST_CASE("the figures of the official model's first and last prediction") {
    const auto& [features, said] = test::official_frames();
    REQUIRE(said.size() == 10);
    test::check_moments(
        said.front().logits,
        {{8, 100, 41}, -0.0159622, 1.0054695, 0.8010403, {-0.905975, 0.109214, 0.339920, -0.905975, 1.374049}});
    test::check_moments(
        masks_of(said.front().mask_embeddings, features.masks),
        {{8, 100, 16, 24}, -0.0660102, 4.3349702, 3.4260103, {-0.980364, 0.836402, 5.061997, 1.490653, -9.212203}});
    test::check_moments(
        said.back().logits,
        {{8, 100, 41}, -0.2227947, 0.9966821, 0.8643489, {1.311230, 0.186631, 0.119694, 1.321358, 0.648370}});
    test::check_moments(
        masks_of(said.back().mask_embeddings, features.masks),
        {{8, 100, 16, 24}, -0.8288848, 2.1957227, 1.8790651, {-1.444028, -1.844536, -0.352128, -1.988460, -5.006762}});
    test::check_moments(
        said.back().tokens,
        {{8, 100, 256}, -0.0104042, 0.9867907, 0.7875019, {0.217384, 1.707835, 0.996933, 0.332742, -0.780053}});
  }

  TEST_CASE("the parameters are those of Mask2Former's checkpoints, in their order") {
    CHECK(join(key_differences(*TokenDecoder(), test::keys_below("vita_r50", "sem_seg_head.predictor.", true)), "\n") ==
          "");
    CHECK(join(key_differences(*TokenDecoder(TokenDecoderOptions{.tokens = 200}),
                               test::keys_below("vita_swinl", "sem_seg_head.predictor.", true)),
               "\n") == "");
  }

  TEST_CASE("a token whose mask is empty at a level looks everywhere there") {
    TokenDecoder decode(small);
    decode->eval();
    auto features = random_features(small, 16, 24);
    // Wherever a token looks, it finds the same; so does one that looks everywhere. NaN would stay NaN.
    for (auto& level : features.levels) level = level.mean({2, 3}, true).expand_as(level).contiguous();
    features.masks = at::zeros_like(features.masks);  // logits of 0 are inside: looks everywhere
    const at::NoGradGuard no_grad;
    decode->mask_embed->layers->at<torch::nn::LinearImpl>(2).bias.fill_(1);
    decode->mask_embed->layers->at<torch::nn::LinearImpl>(2).weight.zero_();
    const auto open = decode->last(features);
    features.masks.fill_(-1);  // every logit is -32: looks nowhere
    const auto nowhere = decode->last(features);
    CHECK(at::isfinite(nowhere.tokens).all().item<bool>());
    CHECK(at::equal(nowhere.tokens, open.tokens));
  }

  TEST_CASE("what lies outside a token's mask does not reach it") {
    // One level of more places than one block of the fused attention has, and only the last of them inside.
    auto options = small;
    options.levels = 1, options.layers = 1;
    TokenDecoder decode(options);
    decode->eval();
    const at::NoGradGuard no_grad;
    decode->mask_embed->layers->at<torch::nn::LinearImpl>(2).bias.fill_(1);
    decode->mask_embed->layers->at<torch::nn::LinearImpl>(2).weight.zero_();
    PixelFeatures features{
        .masks = at::full({1, 32, 30, 40}, -1.0), .levels = {at::randn({1, 32, 30, 40})}, .stride = 8};
    features.masks.slice(2, 29).fill_(1);
    const auto before = decode->last(features);
    CHECK(at::isfinite(before.tokens).all().item<bool>());
    features.levels[0].slice(2, 0, 29).fill_(100);
    CHECK(at::equal(decode->last(features).tokens, before.tokens));
    features.levels[0].slice(2, 29).fill_(100);
    CHECK_FALSE(at::allclose(decode->last(features).tokens, before.tokens));
  }

  TEST_CASE("one to two hundred tokens, maps of odd sizes and down to a single place") {
    for (const std::int64_t tokens : {1, 2, 200}) {
      auto options = small;
      options.tokens = tokens;
      TokenDecoder decode(options);
      decode->eval();
      const at::NoGradGuard no_grad;
      for (const auto& [h, w] : {std::pair<std::int64_t, std::int64_t>{17, 23}, {1, 1}, {5, 64}}) {
        const auto features = random_features(options, h, w);
        const auto said = decode->last(features);
        CHECK(masks_of(said.mask_embeddings, features.masks).sizes() == at::IntArrayRef{1, tokens, h, w});
        CHECK(at::isfinite(said.logits).all().item<bool>());
        CHECK(at::equal(decode->last(features).logits, said.logits));  // bit-equal twice in a row
      }
    }
  }

  TEST_CASE("gradients reach every parameter, through a frame seen before without them") {
    at::manual_seed(3);
    auto options = small;
    options.dropout = 0.1;
    TokenDecoder decode(options);
    const auto features = random_features(options, 16, 24);
    {
      const c10::InferenceMode inference;  // its position codes are kept, and used again below
      decode->last(features);
    }
    auto loss = at::zeros({});
    for (const auto& said : decode(features))
      loss = loss + said.logits.square().mean() + masks_of(said.mask_embeddings, features.masks).square().mean();
    loss.backward();
    for (const auto& item : decode->named_parameters()) {
      CAPTURE(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
      CHECK(test::largest(item.value().grad()) > 0);
    }
  }

  TEST_CASE("bfloat16 stays near float32") {
    at::manual_seed(4);
    auto options = small;
    options.masked = false;  // a mask's edge may fall to either side of 0, and then tokens differ by what lies there
    TokenDecoder decode(options);
    decode->eval();
    const at::NoGradGuard no_grad;
    auto features = random_features(options, 16, 24);
    const auto exact = decode->last(features);
    to_dtype(*decode, at::kBFloat16);
    const auto half = [&] {
      for (auto& level : features.levels) level = level.to(at::kBFloat16);
      features.masks = features.masks.to(at::kBFloat16);
      return decode->last(features);
    }();
    CHECK(half.tokens.dtype() == at::kBFloat16);
    // Normed tokens are of size 1; 8 bits of mantissa through 4 layers of 3 norms.
    CHECK(test::largest(half.tokens.to(at::kFloat) - exact.tokens) < 0.15);
    CHECK(test::largest((half.tokens.to(at::kFloat) - exact.tokens).abs().mean()) < 0.02);

    TokenDecoder masked(small);
    masked->eval();
    to_dtype(*masked, at::kBFloat16);
    CHECK(at::isfinite(masked->last(features).logits).all().item<bool>());
  }

  TEST_CASE("what cannot be built or seen is refused in words") {
    CHECK_THROWS_WITH_AS(TokenDecoder(TokenDecoderOptions{.tokens = 0}), doctest::Contains("0 tokens"), Error);
    CHECK_THROWS_WITH_AS(TokenDecoder(TokenDecoderOptions{.channels = 30, .heads = 3}),
                         doctest::Contains("position code"), Error);
    TokenDecoder decode(small);
    auto features = random_features(small, 16, 24);
    features.levels.pop_back();
    CHECK_THROWS_WITH_AS(decode->last(features), doctest::Contains("gives 2 levels"), Error);
    CHECK_THROWS_WITH_AS(masks_of(at::zeros({1, 3, 8}), at::zeros({1, 4, 2, 2})), doctest::Contains("mask embeddings"),
                         Error);
  }
}
