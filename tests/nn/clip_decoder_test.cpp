// Queries over a clip, their memory, and what a mask tells the next frame: against decoders written out in torch.nn, and
// against the figures of the official one.
#include <ATen/autocast_mode.h>

#include <vos/nn/clip_decoder/clip_decoder.hpp>
#include <vos/nn/clip_decoder/ste.hpp>
#include <vos/weights/expect_keys.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "figures.hpp"
#include "token_cases.hpp"

using namespace vos;

namespace {

constexpr ClipDecoderOptions small{.channels = 32,
                                   .heads = 4,
                                   .hidden = 48,
                                   .encoder_layers = 3,
                                   .decoder_layers = 2,
                                   .window = 0,
                                   .frame_tokens = 4,
                                   .queries = 5,
                                   .classes = 3};

ClipDecoderOptions remembering() {
  auto options = small;
  options.encoder_layers = 1, options.memory = true;
  return options;
}

at::Tensor begun(const ClipDecoder& head, std::int64_t clips) { return head->begin().expand({clips, -1, -1}); }

void check_clip(const std::string& name, std::int64_t window, std::int64_t frames, bool training) {
  auto options = small;
  options.window = window;
  ClipDecoder head(options);
  head->train(training);
  test::fill_double(*head);
  const auto tokens = test::given("frame tokens", {2, frames, 4, 32}),
             finest = test::given("finest", {2 * frames, 32, 3, 4});
  const auto encoded = head->encode(tokens);
  const auto [layers, state] = head->decode(encoded, begun(head, 2));
  REQUIRE(layers.size() == (training ? 2 : 1));
  test::Named outputs{{"encoded", encoded},
                      {"state", state},
                      {"mask features", head->mask_features(finest)},
                      {"sim frame", head->sim_embed_frame(encoded)},
                      {"sim clip", head->sim_embed_clip(layers.back().tokens)}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto number = std::to_string(i + 2 - layers.size());
    outputs.emplace_back("tokens" + number, layers[i].tokens);
    outputs.emplace_back("logits" + number, layers[i].logits);
    outputs.emplace_back("mask embeddings" + number, layers[i].mask_embeddings);
  }
  test::check_case(name, *head, outputs, {{"frame tokens", tokens}, {"finest", finest}});
}

/// A memory in which frame f of one slot has written the key f and the value f, in one channel.
QueryMemory counted(QueryMemoryOptions options, std::int64_t frames, std::int64_t slots = 1) {
  QueryMemory memory(options);
  for (std::int64_t f = 0; f < frames; ++f)
    memory.add(at::zeros({1, slots, 1}), at::full({1, slots, 1}, static_cast<double>(f)), f);
  return memory;
}

/// With keys of zero a read is the mean of what is kept.
double mean_of(const QueryMemory& memory, std::int64_t slot = 0, std::int64_t slots = 1) {
  return memory.read(at::zeros({1, slots, 1}))[0][slot][0].item<double>();
}

double mean(const std::vector<std::int64_t>& numbers) {
  double sum = 0;
  for (const auto each : numbers) sum += static_cast<double>(each);
  return sum / static_cast<double>(numbers.size());
}

}  // namespace

TEST_SUITE("clip decoder") {
  TEST_CASE("windows, whole clips and heads agree with the decoder written out, in value and gradient") {
    check_clip("window of 3, training", 3, 8, true);
    check_clip("window of 3", 3, 8, false);
    check_clip("window of 4", 4, 9, false);
    check_clip("whole clip", 0, 5, false);
  }

  TEST_CASE("the figures of the official model") {
    ClipDecoder head;
    fill_module(*head, FillRule::vita, {.prefix = "vita_module."});
    head->eval();
    const at::NoGradGuard no_grad;
    const auto encoded = head->encode(test::official_frames().said.back().tokens.unsqueeze(0));
    CHECK(encoded.sizes() == at::IntArrayRef{1, 8, 100, 256});
    // The figures are of twelve frames, four of them padding, which is not kept here: their places within the eight.
    const auto flat = encoded.flatten();
    const std::vector<std::pair<std::int64_t, double>> places{
        {0, -0.634520}, {1, -0.534476}, {12 * 25600 / 3, -0.616680}, {12 * 25600 / 2, -0.657389}};
    for (const auto& [place, value] : places) CHECK(std::abs(flat[place].item<double>() - value) <= 3e-5);  // float32
    const auto said = head->decode(encoded, begun(head, 1)).layers.back();
    test::check_moments(
        said.logits,
        {{1, 100, 41}, -0.2482412, 0.9700590, 0.7719516, {-0.365363, -0.519353, -1.128820, -0.382822, -2.158074}});
    test::check_moments(
        said.mask_embeddings,
        {{1, 100, 256}, 0.0304782, 0.5741450, 0.4565111, {-0.824558, 0.096910, 0.162748, -0.818640, -0.017540}});
    test::check_moments(
        head->sim_embed_frame(encoded),
        {{1, 8, 100, 256}, -0.0598991, 0.8997087, 0.7089486, {0.023080, 0.080175, -0.175514, 0.043782, 0.524582}});
    test::check_moments(
        head->sim_embed_clip(said.tokens),
        {{1, 100, 256}, -0.0407189, 0.9033508, 0.7082282, {1.764863, 0.411480, 0.369220, 1.757791, -1.012801}});
    // The best ten of query and class, all of class 32: scores are times the masks' quality over the video, at the size the
    // network saw; masks are at the frames' own.
    const auto [scores, best] = said.logits[0].softmax(1).narrow(1, 0, 40).flatten().topk(10);
    CHECK(best.remainder(40).eq(32).all().item<bool>());
    const auto embeddings = said.mask_embeddings.index_select(1, best.div(40, "floor")).expand({8, -1, -1});
    const auto logits =
        masks_of(embeddings, head->mask_features(test::official_frames().features.finest));  // [T,10,h,w]
    const auto shown = at::upsample_bilinear2d(logits, {64, 96}, false).narrow(2, 0, 60).narrow(3, 0, 90);
    const auto soft = shown.sigmoid();
    const auto inside = soft.gt(0.5);
    const auto quality = (soft * inside).sum({0, 2, 3}) / (inside.sum({0, 2, 3}) + 1e-6);  // [10]
    const auto [sorted, order] = (scores * quality).sort(0, true);
    const auto near = [&](std::int64_t place, double value) {
      return std::abs(sorted[place].item<double>() - value) < 1e-6;
    };
    CHECK(near(0, 0.1130226));
    CHECK(near(1, 0.1130012));
    CHECK(near(9, 0.1118459));
    const auto pixels = at::upsample_bilinear2d(shown, {120, 180}, false).gt(0).sum({2, 3}).t();  // [10,T]
    CHECK(at::equal(pixels[order[0].item<std::int64_t>()],
                    at::tensor({802, 618, 657, 716, 652, 523, 641, 765}, at::kLong)));
    CHECK(at::equal(pixels[order[9].item<std::int64_t>()],
                    at::tensor({801, 606, 652, 714, 648, 519, 635, 761}, at::kLong)));
    CHECK(pixels.sum().item<std::int64_t>() == 53289);
  }

  TEST_CASE("the parameters are those of VITA's checkpoints, and GenVIS' four beside them") {
    CHECK(join(key_differences(*ClipDecoder(), test::keys_below("vita_r50", "vita_module.", true)), "\n") == "");
    CHECK(join(key_differences(*ClipDecoder(ClipDecoderOptions{.frame_tokens = 200}),
                               test::keys_below("vita_swinl", "vita_module.", true)),
               "\n") == "");
    auto rows = test::keys_below("vita_r50", "vita_module.", true);
    for (const std::string name :
         {"pre_memory_embed_k", "pre_memory_embed_v", "pre_query_embed_k", "pre_query_embed_v"}) {
      rows.push_back({.key = name + ".weight", .shape = {256, 256}});
      rows.push_back({.key = name + ".bias", .shape = {256}});
    }
    CHECK(join(key_differences(*ClipDecoder(ClipDecoderOptions{.window = 0, .memory = true}), rows), "\n") == "");
  }

  TEST_CASE("queries that travel with a memory agree with the same written out, in value and gradient") {
    ClipDecoder head(remembering());
    test::fill_double(*head);
    const auto tokens = test::given("frame tokens", {2, 4, 4, 32});
    test::Named outputs;
    QueryMemory memory({.frames = 0});
    auto state = begun(head, 2);
    for (std::int64_t t = 0; t < 4; ++t) {
      const auto said = head->decode(head->encode(tokens.narrow(1, t, 1)), head->recall(state, memory));
      state = said.state;
      head->memorize(said.layers.back().tokens, t, memory);
      outputs.emplace_back("logits of frame " + std::to_string(t), said.layers.back().logits);
      outputs.emplace_back("state of frame " + std::to_string(t), state);
    }
    test::check_case("memory", *head, outputs, {{"frame tokens", tokens}});
  }

  TEST_CASE("gradients reach every parameter") {
    ClipDecoder head(remembering());
    const auto tokens = at::randn({2, 3, 4, 32});
    QueryMemory memory;
    auto state = begun(head, 2);
    auto loss = head->mask_features(at::randn({2, 32, 3, 4})).square().sum();
    for (std::int64_t t = 0; t < 3; ++t) {
      const auto encoded = head->encode(tokens.narrow(1, t, 1));
      const auto said = head->decode(encoded, head->recall(state, memory));
      state = said.state;
      head->memorize(said.layers.back().tokens, t, memory);
      loss = loss + head->sim_embed_frame(encoded).square().sum();
      for (const auto& layer : said.layers)
        loss = loss + layer.logits.square().sum() + layer.mask_embeddings.square().sum() +
               head->sim_embed_clip(layer.tokens).square().sum();
    }
    loss.backward();
    for (const auto& item : head->named_parameters()) {
      CAPTURE(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
      // A bias of the keys moves every score of a query alike, which a softmax does not see: what it has is rounding.
      if (item.key() != "pre_memory_embed_k.bias") CHECK(test::largest(item.value().grad()) > 1e-6);
    }
  }

  TEST_CASE("a clip's batch mates and, out of training, its length in windows leave it alone") {
    auto options = small;
    options.window = 2;
    ClipDecoder head(options);
    head->eval();
    const at::NoGradGuard no_grad;
    const auto tokens = at::randn({3, 7, 4, 32});
    const auto together = head->encode(tokens);
    CHECK(at::equal(together, head->encode(tokens)));
    for (std::int64_t b = 0; b < 3; ++b)
      CHECK(at::allclose(head->encode(tokens.narrow(0, b, 1))[0], together[b], 0, 1e-5));  // other sizes of products
    // Three layers of windows of two, the second shifted by one: the first frame sees no further than the third's window.
    auto changed = tokens.clone();
    changed.narrow(1, 4, 3).normal_();
    CHECK(at::allclose(head->encode(changed).narrow(1, 0, 2), together.narrow(1, 0, 2), 0, 1e-5));
    CHECK_FALSE(at::allclose(head->encode(changed).narrow(1, 3, 1), together.narrow(1, 3, 1), 0, 1e-2));
  }

  TEST_CASE("slots begin anew with the learned query, others keep what they are") {
    ClipDecoder head(small);
    const auto state = at::randn({2, 5, 32});
    const std::vector<std::int64_t> slots{1, 4};
    const auto anew = head->begin_anew(state, slots);
    for (std::int64_t slot = 0; slot < 5; ++slot)
      for (std::int64_t b = 0; b < 2; ++b)
        CHECK(at::equal(anew[b][slot], slot == 1 || slot == 4 ? head->begin()[slot] : state[b][slot]));
    CHECK(head->begin_anew(state, {}).is_same(state));
  }

  TEST_CASE("bfloat16 stays near float32, through frames that remember") {
    at::manual_seed(1);
    ClipDecoder head(remembering());
    head->eval();
    const at::NoGradGuard no_grad;
    const auto tokens = at::randn({1, 5, 4, 32});
    const auto run = [&](at::ScalarType type) {
      QueryMemory memory;
      auto state = begun(head, 1);
      at::Tensor last;
      for (std::int64_t t = 0; t < 5; ++t) {
        const auto said = head->decode(head->encode(tokens.narrow(1, t, 1).to(type)), head->recall(state, memory));
        state = said.state, last = said.layers.back().tokens;
        head->memorize(last, t, memory);
      }
      CHECK(state.dtype() == type);
      return last.to(at::kFloat);
    };
    const auto exact = run(at::kFloat);
    to_dtype(*head, at::kBFloat16);
    CHECK(test::largest(run(at::kBFloat16) - exact) < 0.2);  // normed, of size 1: 8 bits through some 40 layers
  }

  TEST_CASE("what cannot be is refused in words") {
    CHECK_THROWS_WITH_AS(ClipDecoder(ClipDecoderOptions{.queries = 0}), doctest::Contains("0 queries"), Error);
    ClipDecoder head(small);
    CHECK_THROWS_WITH_AS(head->encode(at::zeros({1, 2, 3, 32})), doctest::Contains("frame tokens"), Error);
    CHECK_THROWS_WITH_AS(head->decode(at::zeros({1, 2, 4, 32}), at::zeros({1, 4, 32})), doctest::Contains("queries"),
                         Error);
    CHECK_THROWS_WITH_AS(QueryMemory({.frames = -1}), doctest::Contains("-1 frames"), Error);
    CHECK_THROWS_WITH_AS(Ste(SteOptions{.channels = 12}), doctest::Contains("12 channels"), Error);
  }
}

TEST_SUITE("query memory") {
  TEST_CASE("slots read by unscaled dot products, each its own") {
    QueryMemory memory;
    const auto pairs = [](std::vector<double> numbers) { return at::tensor(numbers).view({1, 2, 2}); };
    memory.add(pairs({1, 0, 1, 1}), pairs({10, 0, 0, 10}), 0);
    memory.add(pairs({0, 1, 0, .5}), pairs({0, 20, 20, 0}), 1);
    // softmax(1,0) and softmax(2,1) are .731059 and .268941
    const auto expected = pairs({7.310586, 5.378829, 5.378829, 7.310586});
    CHECK(at::allclose(memory.read(pairs({1, 0, 0, 2})), expected, 0, 1e-6));  // six digits on record
  }

  TEST_CASE("scores are summed and compared in float32") {
    // 256 products of 1.0078125, the first bfloat16 after 1, against 256: bfloat16 has nothing between 256 and 258.
    QueryMemory memory;
    const auto full = [](double value) { return at::full({1, 1, 256}, value).to(at::kBFloat16); };
    memory.add(full(1), full(0), 0);
    memory.add(full(1.0078125), full(1), 1);
    const auto read = memory.read(full(0.5));
    CHECK(read.dtype() == at::kBFloat16);
    const double expected = 1 / (1 + std::exp(-1.0));  // the scores differ by 256 * 0.5 * 0.0078125 = 1
    CHECK(read[0][0][0].item<double>() == doctest::Approx(expected).epsilon(0.004));  // 8 bits

    // Nor does autocast change it: in bfloat16 the second key would be the first.
    QueryMemory single;
    single.add(at::full({1, 1, 256}, 1.0), at::zeros({1, 1, 256}), 0);
    single.add(at::full({1, 1, 256}, 1.001), at::ones({1, 1, 256}), 1);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const auto automatic = single.read(at::full({1, 1, 256}, 1 / 0.256));  // scores differ by 256 / 0.256 * 0.001 = 1
    at::autocast::set_autocast_enabled(at::kCPU, false);
    CHECK(automatic[0][0][0].item<double>() == doctest::Approx(expected).epsilon(0.004));
  }

  TEST_CASE("an empty memory gives zeros") {
    CHECK(at::equal(QueryMemory().read(at::randn({2, 3, 4})), at::zeros({2, 3, 4})));
  }

  TEST_CASE("a bounded memory reads as an unbounded one until it is full") {
    at::manual_seed(2);
    QueryMemory bounded({.frames = 6}), exact({.frames = 0});
    for (std::int64_t f = 0; f < 6; ++f) {
      const auto keys = at::randn({2, 3, 4}), values = at::randn({2, 3, 4}), query = at::randn({2, 3, 4});
      bounded.add(keys, values, f), exact.add(keys, values, f);
      CHECK(at::equal(bounded.read(query), exact.read(query)));
    }
  }

  TEST_CASE("it keeps the last half and a uniform choice of what was before, and does not grow") {
    std::vector<double> kept(200);
    for (std::int64_t start = 0; start < 4000; start += 40) {
      QueryMemory memory({.frames = 8});
      std::size_t most = 0;
      for (std::int64_t f = start; f < start + 200; ++f) {
        memory.add(at::zeros({1, 1, 1}), at::zeros({1, 1, 1}), f);
        most = std::max(most, memory.frames().size());
      }
      const auto frames = memory.frames();
      CHECK(most == 8);
      REQUIRE(frames.size() == 8);
      CHECK(std::is_sorted(frames.begin(), frames.end()));
      for (std::size_t i = 4; i < 8; ++i) CHECK(frames[i] == start + 192 + static_cast<std::int64_t>(i));
      for (std::size_t i = 0; i < 4; ++i) kept[static_cast<std::size_t>(frames[i] - start)] += 1;
    }
    // 400 choices among 196: quarters of them hold 100 each, give or take four deviations of sqrt(75).
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
      const auto begin = kept.begin() + static_cast<std::ptrdiff_t>(49 * quarter);
      CHECK(std::abs(std::accumulate(begin, begin + 49, 0.0) - 100) < 35);
    }
  }

  TEST_CASE("each slot keeps its first frame alive, which counts once") {
    QueryMemory memory({.frames = 4});
    for (std::int64_t f = 0; f < 60; ++f) {
      const auto alive = at::tensor({f >= 0 ? 1 : 0, f >= 20 ? 1 : 0, 0}).to(at::kBool);
      memory.add(at::zeros({1, 3, 1}), at::full({1, 3, 1}, static_cast<double>(f)), f, alive);
    }
    const auto frames = memory.frames();
    REQUIRE(frames.size() == 4);
    const auto with = [&](std::int64_t anchor) {
      auto all = frames;
      if (std::find(all.begin(), all.end(), anchor) == all.end()) all.push_back(anchor);
      return mean(all);
    };
    CHECK(mean_of(memory, 0, 3) == doctest::Approx(with(0)));
    CHECK(mean_of(memory, 1, 3) == doctest::Approx(with(20)));
    CHECK(mean_of(memory, 2, 3) == doctest::Approx(mean(frames)));  // never alive
    // Somewhere on the way the anchor was still among the frames that are kept: it counts once there.
    for (std::int64_t count = 1; count < 30; ++count) {
      auto all = counted({.frames = 4}, count).frames();
      if (std::find(all.begin(), all.end(), 0) == all.end()) all.push_back(0);
      CHECK(mean_of(counted({.frames = 4}, count)) == doctest::Approx(mean(all)));
    }
  }

  TEST_CASE("a slot that begins anew has nothing to read, and gets its own anchor") {
    auto memory = counted({.frames = 4}, 20, 2);
    const auto other = mean_of(memory, 1, 2);
    const std::vector<std::int64_t> first{0};
    memory.reset(first);
    CHECK(mean_of(memory, 0, 2) == 0);
    CHECK(mean_of(memory, 1, 2) == other);
    for (std::int64_t f = 20; f < 40; ++f)
      memory.add(at::zeros({1, 2, 1}), at::full({1, 2, 1}, static_cast<double>(f)), f);
    auto seen = memory.frames();
    std::erase_if(seen, [](std::int64_t frame) { return frame < 20; });
    if (std::find(seen.begin(), seen.end(), 20) == seen.end()) seen.push_back(20);
    CHECK(mean_of(memory, 0, 2) == doctest::Approx(mean(seen)));
    memory.clear();
    CHECK(memory.empty());
    CHECK_THROWS_WITH_AS(counted({}, 2).reset(std::vector<std::int64_t>{1}), doctest::Contains("no slot 1"), Error);
  }

  TEST_CASE("a copy is a snapshot") {
    at::manual_seed(5);
    QueryMemory memory({.frames = 4});
    const auto add = [](QueryMemory& to, std::int64_t frame) {
      to.add(at::full({1, 2, 3}, 0.01 * static_cast<double>(frame)), at::full({1, 2, 3}, static_cast<double>(frame)),
             frame);
    };
    for (std::int64_t f = 0; f < 10; ++f) add(memory, f);
    const auto query = at::randn({1, 2, 3});
    const auto before = memory.read(query);
    const auto snapshot = memory;
    for (std::int64_t f = 10; f < 20; ++f) add(memory, f);
    memory.reset(std::vector<std::int64_t>{0, 1});
    CHECK(at::equal(snapshot.read(query), before));
    auto again = snapshot;
    for (std::int64_t f = 10; f < 20; ++f) add(again, f);
    memory = snapshot;
    for (std::int64_t f = 10; f < 20; ++f) add(memory, f);
    CHECK(at::equal(again.read(query), memory.read(query)));
  }

  TEST_CASE("gradients reach eight frames back and stop there, values do not change") {
    std::vector<at::Tensor> written;
    QueryMemory memory({.frames = 0});
    for (std::int64_t f = 0; f < 11; ++f) {
      written.push_back(at::full({1, 1, 1}, static_cast<double>(f)).requires_grad_());
      memory.add(at::zeros({1, 1, 1}), written.back() * 1, f);
    }
    const auto read = memory.read(at::zeros({1, 1, 1}));
    CHECK(read.item<double>() == doctest::Approx(5));
    read.backward(at::ones_like(read));
    for (std::size_t f = 0; f < written.size(); ++f) CHECK(written[f].grad().defined() == (f >= 3));
  }

  TEST_CASE("frame numbers rise and sizes stay") {
    auto memory = counted({}, 3);
    CHECK_THROWS_WITH_AS(memory.add(at::zeros({1, 1, 1}), at::zeros({1, 1, 1}), 2),
                         doctest::Contains("frame 2 comes after"), Error);
    CHECK_THROWS_WITH_AS(memory.add(at::zeros({1, 2, 1}), at::zeros({1, 2, 1}), 3), doctest::Contains("in use"), Error);
  }
}

TEST_SUITE("ste") {
  struct Case {
    at::Tensor queries = test::given("queries", {2, 3, 32}), before = test::given("before", {2, 32, 5, 7}),
               now = test::given("now", {2, 32, 5, 7});
    at::Tensor masks = [] {
      auto logits = 4 * test::given("masks", {2, 3, 5, 7}).detach();
      logits[0][1].fill_(-9);  // 35 sigmoids of -9 are less than a pixel
      return logits;
    }();
  };

  TEST_CASE("it agrees with itself written out query by query, in value and gradient") {
    for (const bool correlate : {false, true}) {
      Ste ste(SteOptions{.channels = 32, .correlate = correlate});
      test::fill_double(*ste);
      const Case c;
      const auto out = ste(c.queries, c.masks, c.before, c.now);
      test::Named inputs{{"queries", c.queries}, {"before", c.before}};
      if (correlate) inputs.emplace_back("now", c.now);
      test::check_case(correlate ? "ste, pool and correlation" : "ste, pool", *ste, {{"out", out}}, inputs);
      CHECK(at::equal(out[0][1], c.queries[0][1]));  // its mask has nothing to tell
    }
  }

  TEST_CASE("it begins as the identity, bit for bit, and learns from there") {
    for (const bool correlate : {false, true})
      for (const auto type : {at::kFloat, at::kBFloat16}) {
        Ste ste(SteOptions{.channels = 32, .correlate = correlate});
        to_dtype(*ste, type);
        const Case c;
        const auto queries = c.queries.detach().to(type).requires_grad_();
        const auto out = ste(queries, c.masks.to(type), c.before.detach().to(type), c.now.detach().to(type));
        CHECK(at::equal(out, queries));
        out.sum().backward();
        CHECK(at::allclose(queries.grad(), at::ones_like(queries), 0, type == at::kFloat ? 1e-5 : 0.1));
        (out.detach() * 0 + ste(queries, c.masks.to(type), c.before.detach().to(type), c.now.detach().to(type)))
            .square()
            .sum()
            .backward();
        CHECK(test::largest(ste->fuse->layers->at<torch::nn::LinearImpl>(1).weight.grad()) > 0);
      }
  }

  TEST_CASE("no gradient goes through the masks of the frame before, and one to every parameter") {
    Ste ste(SteOptions{.channels = 32, .correlate = true});
    fill_module(*ste, FillRule::vita);
    const Case c;
    const auto single = [](const at::Tensor& x) { return x.detach().to(at::kFloat).requires_grad_(); };
    const auto queries = single(c.queries), masks = single(c.masks), before = single(c.before), now = single(c.now);
    ste(queries, masks, before, now).square().sum().backward();
    CHECK_FALSE(masks.grad().defined());
    for (const auto& each : {queries, before, now}) CHECK(test::largest(each.grad()) > 0);
    for (const auto& item : ste->named_parameters()) {
      CAPTURE(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(test::largest(item.value().grad()) > 0);
    }
  }

  TEST_CASE("names and shapes are those of the description") {
    std::vector<KeyRow> rows;
    const auto add = [&](const std::string& name, std::vector<std::int64_t> weight, bool bias = true) {
      rows.push_back({.key = name + ".weight", .shape = std::move(weight)});
      if (bias) rows.push_back({.key = name + ".bias", .shape = {256}});
    };
    add("pos_proj", {256, 256}), add("corr_q", {256, 256}), add("corr_k", {256, 256}, false), add("gate", {256, 768});
    add("fuse.layers.0", {256, 512}), add("fuse.layers.1", {256, 256}), add("norm", {256});
    CHECK(join(key_differences(*Ste(SteOptions{.correlate = true}), rows), "\n") == "");
  }
}
