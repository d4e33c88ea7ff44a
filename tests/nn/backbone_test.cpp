// The backbones against what torchvision, timm and the official models compute, and the files they load.
#include <vos/nn/backbone/entries.hpp>
#include <vos/nn/backbone/fold_norms.hpp>
#include <vos/nn/to_dtype.hpp>
#include <vos/weights/expect_keys.hpp>
#include <vos/weights/fill_module.hpp>
#include <vos/weights/keys.hpp>
#include <vos/weights/load.hpp>

#include <cmath>
#include <set>

#include "figures.hpp"

using namespace vos;

namespace {

using test::check_figures, test::check_moments, test::keys_below, test::largest, test::made, test::Moments, test::named,
    test::noise_frames, test::sum_of;

// --- weights from key lists ---------------------------------------------------------------------------------------------

/// How a module differs from a list's part below a prefix; empty where it does not, order included.
std::string differences(const torch::nn::Module& module, const std::string& list, const std::string& prefix) {
  return join(key_differences(module, keys_below(list, prefix, true)), "\n");
}

Weights golden_file(const std::string& name) {
  return filled_weights(read_keys(test::file("nn/golden/" + name + ".keys.tsv")), FillRule::vita);
}

// --- what is compared -----------------------------------------------------------------------------------------------------

const test::Goldens goldens("nn/golden/backbones.tsv");

// Both sides compute in double, from the same float32 weights: what is left is the order of sums, amplified by some hundred
// layers, and the twelve digits on record.
constexpr double double_tolerance = 1e-9;

/// The levels, and the gradients on record for the image and some weights.
template <class Impl>
void check_case(BackboneHolder<Impl> encode, const std::string& name, at::IntArrayRef sizes) {
  CAPTURE(name);
  to_dtype(*encode, at::kDouble);
  const auto images = named("images", sizes, 2).to(at::kDouble).requires_grad_();
  std::vector<std::pair<std::string, at::Tensor>> weights;  // those with a gradient on record
  for (const auto& item : encode->named_parameters()) {
    const bool recorded = goldens.has(name, "grad:" + item.key());
    item.value().set_requires_grad(recorded);
    if (recorded) weights.emplace_back("grad:" + item.key(), item.value());
  }
  REQUIRE(!weights.empty());
  const auto maps = encode(images);
  auto loss = at::zeros({}, at::kDouble);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const auto level = "level" + std::to_string(i + 1);
    CAPTURE(level);
    check_figures(maps[i].values, goldens(name, level), double_tolerance);
    loss = loss + (maps[i].values * named(level, maps[i].values.sizes()).to(at::kDouble)).sum();
  }
  loss.backward();
  check_figures(images.grad(), goldens(name, "grad:images"), double_tolerance);
  for (const auto& [key, weight] : weights) {
    CAPTURE(key);
    check_figures(weight.grad(), goldens(name, key), double_tolerance);
  }
}

/// A network with the weights that its own names give it.
template <class Impl>
BackboneHolder<Impl> filled(std::shared_ptr<Impl> impl) {
  fill_module(*impl, FillRule::vita);
  impl->eval();
  return impl;
}

ResNet filled_resnet(ResNetOptions options) { return filled(std::make_shared<ResNetImpl>(options)); }

/// Loads a file of ImageNet weights as NAME.keys.tsv lists it, and compares what the network then computes.
template <class Impl>
void check_file(BackboneHolder<Impl> encode, const std::string& list, const LoadRules& rules, at::IntArrayRef sizes,
                const std::string& name) {
  CAPTURE(list);
  CHECK(load_weights(*encode, golden_file(list), rules).complete());
  encode->eval();
  to_dtype(*encode, at::kDouble);
  const at::NoGradGuard no_grad;
  const auto maps = encode(named("images", sizes, 2).to(at::kDouble));
  for (std::size_t i = 0; i < maps.size(); ++i)
    check_figures(maps[i].values, goldens(name, "level" + std::to_string(i + 1)), double_tolerance);
}

}  // namespace

TEST_SUITE("backbone") {
  TEST_CASE("ResNets agree with torchvision in value and gradient") {
    for (const auto depth : {18, 34, 101})
      check_case(filled_resnet({.depth = depth}), "resnet" + std::to_string(depth), {2, 3, 33, 49});
    check_case(filled_resnet({.output_stride = 8}), "resnet50, output stride 8", {1, 3, 33, 49});
  }

  TEST_CASE("a live norm learns as torchvision's does") {
    auto encode = filled_resnet({.depth = 18, .norm = NormKind::live});
    encode->train();
    check_case(encode, "resnet18, training", {2, 3, 33, 49});
    for (const auto* key : {"bn1.running_mean", "layer4.1.bn2.running_var", "bn1.num_batches_tracked"})
      check_figures(encode->named_buffers()[key], goldens("resnet18, training", key), double_tolerance);
  }

  TEST_CASE("MobileNetV2 agrees with torchvision in value and gradient") {
    check_case(filled(std::make_shared<MobileNetV2Impl>()), "mobilenet-v2", {2, 3, 33, 49});
  }

  TEST_CASE("Swin-T agrees with timm in value and gradient, from a file of timm's") {
    Swin encode;
    const auto file = golden_file("timm_swin_tiny");
    const auto report = load_weights(*encode, file, swin_rules());
    CHECK(report.renamed.size() == 9);  // three merges of three tensors
    CHECK(report.absent.size() == 8);   // norm0 to norm3
    encode->eval();
    check_case(encode, "timm_swin_tiny", {1, 3, 224, 224});
  }

  TEST_CASE("ImageNet files load under each of their makes' names") {
    check_file(ResNet(ResNetOptions{.depth = 18}), "torchvision_resnet18", resnet_rules(), {2, 3, 33, 49}, "resnet18");
    check_file(ResNet(ResNetOptions{.depth = 18, .norm = NormKind::live}), "torchvision_resnet18", resnet_rules(),
               {2, 3, 33, 49}, "resnet18");
    check_file(ResNet(), "detectron2_resnet50", resnet_rules(), {1, 3, 33, 49}, "detectron2_resnet50");
    check_file(MobileNetV2(), "torchvision_mobilenet_v2", mobilenet_v2_rules(), {2, 3, 33, 49}, "mobilenet-v2");
    check_file(MobileNetV2(), "timm_mobilenet_v2", mobilenet_v2_rules(), {2, 3, 33, 49}, "timm_mobilenet_v2");
    check_file(Swin(), "torchvision_swin_t", swin_rules(), {1, 3, 232, 256}, "torchvision_swin_t");
    check_file(Swin(), "official_swin_tiny", swin_rules(), {1, 3, 224, 224}, "official_swin_tiny");
  }

  TEST_CASE("an ImageNet file that DataParallel has saved loads, classifier and all, also out of a part") {
    for (const std::string prefix : {"module.", "module.encoder."}) {
      auto file = golden_file("torchvision_resnet18");
      for (auto& entry : file.entries) entry.name.insert(0, prefix);
      file.entries.push_back({"module.decoder.weight", at::ones({2})});
      const auto within = prefix.substr(std::string{"module."}.size());
      ResNet encode(ResNetOptions{.depth = 18});
      auto rules = encode->rules();
      rules.unneeded.emplace_back("decoder.*");
      const auto report = load_weights(*encode, file, from_part(within, rules));
      CHECK(report.complete());
      CHECK(report.loaded == report.module_tensors);
      CHECK(report.outside == (within.empty() ? 0 : 1));
    }
  }

  TEST_CASE("a file on the disk becomes a network for inference") {
    const test::Folder folder;
    const auto path = folder / "mobilenet_v2-b0353104.safetensors";
    write_weights(path, golden_file("torchvision_mobilenet_v2").entries);
    const auto images = named("images", {2, 3, 33, 49}, 2);
    // [load]
    MobileNetV2 encode(MobileNetV2Options{.stages = 3, .first_level = 2});
    const auto report = load_weights(*encode, path, mobilenet_v2_rules(encode->options));  // throws unless all is there
    encode->eval();
    fold_norms(*encode);  // the last step: what is folded neither trains nor saves
    const at::NoGradGuard no_grad;
    const auto maps = encode(images);  // [2,32,5,7] at stride 8 and [2,96,3,4] at stride 16
    // [load]
    CHECK(report.dropped.size() > 52);  // counters of batches, the last stage, the classifier
    REQUIRE(maps.size() == 2);
    // float32 against double
    check_figures(maps[0].values, goldens("mobilenet-v2", "level2"), 1e-5);
    check_figures(maps[1].values, goldens("mobilenet-v2", "level3"), 1e-5);
  }

  TEST_CASE("a network of fewer stages takes the files of the whole one") {
    const ResNetOptions resnet{.depth = 18, .stages = 3};
    check_file(ResNet(resnet), "torchvision_resnet18", resnet_rules(resnet), {2, 3, 33, 49}, "resnet18");
    const MobileNetV2Options mobilenet{.stages = 3};
    check_file(MobileNetV2(mobilenet), "torchvision_mobilenet_v2", mobilenet_v2_rules(mobilenet), {2, 3, 33, 49},
               "mobilenet-v2");
    SwinOptions swin;
    swin.stages = 2;
    for (const auto* list : {"official_swin_tiny", "timm_swin_tiny"})
      check_file(Swin(swin), list, swin_rules(swin), {1, 3, 224, 224}, list);
  }

  TEST_CASE("Swin takes a file of another window: tables are resized, the lookup stays its own") {
    SwinOptions options{.embed = 8, .depths = {1, 1, 1, 1}, .heads = {1, 1, 1, 1}, .window = 3};
    Swin trained(options);
    options.window = 4;
    Swin encode(options);
    Weights file;
    for (const auto& [name, value, parameter] : state_of(*trained)) file.entries.push_back({name, value});
    const auto index = encode->named_buffers()["layers.0.blocks.0.attn.relative_position_index"].clone();
    const auto report = load_weights(*encode, file, swin_rules(options));
    CHECK(report.fitted.size() == 4);
    CHECK(report.untouched.size() == 4);
    CHECK(encode->named_buffers()["layers.0.blocks.0.attn.relative_position_index"].equal(index));
    const auto name = "layers.3.blocks.0.attn.relative_position_bias_table";
    const auto middle = [&](Swin& swin, std::int64_t place) {
      return swin->named_parameters()[name][place].item<float>();
    };
    CHECK(middle(encode, 24) == doctest::Approx(middle(trained, 12)));  // the centres of 7x7 and of 5x5
  }

  TEST_CASE("a file of another network is refused and changes nothing") {
    ResNet encode(ResNetOptions{.depth = 34});
    const auto before = encode->conv1->weight.clone();
    const auto file = golden_file("torchvision_resnet18");
    CHECK_THROWS_WITH_AS(static_cast<void>(load_weights(*encode, file, resnet_rules())),
                         doctest::Contains("layer1.2.conv1.weight"), Error);
    CHECK(encode->conv1->weight.equal(before));
  }

  TEST_CASE("AOT's encoders have its names, and compute its figures") {
    struct Row {
      const char* list;
      std::shared_ptr<torch::nn::Module> module;
      std::function<std::vector<FeatureMap>(const at::Tensor&)> encode;
      LoadRules rules;
      std::int64_t height, width;
      std::vector<std::pair<double, double>> figures;  // sum and sum of |x| at 4x, 8x, 16x
    };
    const auto row = [](const char* list, auto encode, LoadRules rules, std::int64_t height, std::int64_t width,
                        std::vector<std::pair<double, double>> figures) {
      return Row{list,
                 encode.ptr(),
                 [encode](const at::Tensor& x) mutable { return encode(x); },
                 std::move(rules),
                 height,
                 width,
                 std::move(figures)};
    };
    auto swin = swin_options('B');
    swin.stages = 3;
    const std::vector<Row> rows{
        row("aot_aott", MobileNetV2(MobileNetV2Options{.output_stride = 16}), mobilenet_v2_rules(), 257, 289,
            {{862.478, 17229.26}, {-2984.86, 7039.288}, {725.401, 5017.287}}),
        row("aot_r50_aotl", ResNet(ResNetOptions{.stages = 3}), resnet_rules(), 257, 289,
            {{854307, 854307.2}, {322284, 322283.5}, {174351, 174351.3}}),
        row("aot_swinb_deaotl", Swin(swin), swin_rules(swin), 256, 288,
            {{401.206, 473420.3}, {41.2303, 235594.4}, {-519.595, 117817.2}}),
    };
    const at::NoGradGuard no_grad;
    for (const auto& [list, module, encode, rules, height, width, figures] : rows) {
      CAPTURE(list);
      CHECK(differences(*module, list, "encoder.") == "");
      const auto file = filled_weights(keys_below(list, "encoder.", false), FillRule::aot);
      CHECK(load_weights(*module, file, from_part("encoder.", rules)).complete());
      module->eval();
      const auto maps = encode(made<FillRule::aot>(1000, {1, 3, height, width}, 1.5));
      for (std::size_t i = 0; i < figures.size(); ++i) {
        // float32 in another program: 1e-5 of the sum of |x|, and half a unit of the last digit on record.
        const auto [sum, abs] = figures[i];
        CHECK(std::abs(sum_of(maps[i].values) - sum) <= 1e-5 * abs + 0.5);
        CHECK(std::abs(sum_of(maps[i].values.abs()) - abs) <= 1e-5 * abs + 0.05);
      }
    }
    CHECK(differences(*ResNet(ResNetOptions{.depth = 101, .stages = 3}), "aot_r101_aotl", "encoder.") == "");
  }

  TEST_CASE("VITA's ResNet-50 loads under detectron2's names and computes its figures") {
    ResNet encode;
    const auto file = filled_weights(keys_below("vita_r50", "backbone.", false), FillRule::vita);
    const auto report = load_weights(*encode, file, from_part("backbone.", resnet_rules()));
    CHECK(report.loaded == static_cast<std::int64_t>(file.entries.size()));
    const at::NoGradGuard no_grad;
    const auto maps = encode(noise_frames(8));
    const std::vector<Moments> expected{
        {{8, 256, 16, 24}, 1.1039377, 1.3519248, 1.1039377, {1.952416, 3.154976, 0.618163, 1.911470, 1.563345}},
        {{8, 512, 8, 12}, 1.2826458, 1.4253668, 1.2826458, {0, 0.126018, 0, 0, 1.322883}},
        {{8, 1024, 4, 6}, 1.4499969, 1.5580217, 1.4499969, {0.254628, 1.160519, 4.005220, 0.614721, 2.546558}},
        {{8, 2048, 2, 3}, 1.1352112, 1.3677664, 1.1352112, {1.873210, 2.698817, 2.133413, 1.589134, 6.419967}}};
    for (std::size_t i = 0; i < 4; ++i) check_moments(maps[i].values, expected[i]);
  }

  TEST_CASE("DeVIS' ResNet-50 has its names and computes its figures") {
    ResNet encode;
    const std::string prefix = "def_detr.backbone.0.body.";
    CHECK(differences(*encode, "devis_r50", prefix) == "");
    const auto file = filled_weights(keys_below("devis_r50", prefix, false), FillRule::devis);
    CHECK(load_weights(*encode, file, from_part(prefix, resnet_rules())).complete());
    const at::NoGradGuard no_grad;
    const auto maps = encode(made<FillRule::devis>(1000003, {6, 3, 64, 96}, 2));
    const auto check = [](const at::Tensor& map, double sum, std::vector<double> first_middle_last) {
      // float32 against float32 of another program; its figures ask for 1e-4.
      CHECK(sum_of(map) == doctest::Approx(sum).epsilon(1e-4));
      const auto flat = map.contiguous().flatten();
      const auto last = flat.numel() - 1;
      for (const auto& [i, value] : {std::pair{std::int64_t{0}, first_middle_last[0]},
                                     {flat.numel() / 2, first_middle_last[1]},
                                     {last, first_middle_last[2]}})
        CHECK(flat[i].item<double>() == doctest::Approx(value).epsilon(1e-4));
    };
    check(maps[0].values, 3499719.36, {9.320203, 10.292074, 0});
    check(maps[3].values, 53539533.2, {499.0584, 413.8705, 1730.6536});
  }

  TEST_CASE("Swin-L has VITA's and DeVIS' names and computes VITA's figures") {
    Swin encode(swin_options('L', 12));
    const auto rules = swin_rules(encode->options);
    encode->eval();
    const at::NoGradGuard no_grad;
    CHECK(differences(*encode, "vita_swinl", "backbone.") == "");
    CHECK(differences(*encode, "devis_swinl", "def_detr.backbone.0.body.") == "");
    const auto file = filled_weights(keys_below("vita_swinl", "backbone.", false), FillRule::vita);
    CHECK(load_weights(*encode, file, from_part("backbone.", rules)).complete());
    const auto maps = encode(noise_frames(1));
    const std::vector<Moments> expected{
        {{1, 192, 16, 24}, 0.002776751, 1.004114, 0.7969113, {0.351143, 0.895658, 0.508404, 0.587389, -0.552366}},
        {{1, 384, 8, 12}, 0.002826094, 1.004310, 0.7980108, {0.896516, 0.286467, 1.454516, -0.253723, -1.837705}},
        {{1, 768, 4, 6}, 0.0001473, 1.003357, 0.8015016, {-0.394398, -0.060751, 0.018865, 0.672557, 0.359511}},
        {{1, 1536, 2, 3}, 0.001244315, 0.9986936, 0.8000052, {-0.926520, -0.459298, -1.003580, 0.523663, -2.008654}}};
    for (std::size_t i = 0; i < 4; ++i) check_moments(maps[i].values, expected[i]);
  }

  TEST_CASE("levels() says what comes out, at any size of picture and for every choice of stages") {
    const at::NoGradGuard no_grad;
    const auto check = [](auto encode) {
      encode->eval();
      for (const auto& [height, width] : {std::pair{33, 50}, {1, 7}}) {  // odd, even, smaller than a stride
        const auto maps = encode(at::randn({1, 3, height, width}));
        const auto levels = encode.levels();
        REQUIRE(maps.size() == levels.size());
        for (std::size_t i = 0; i < maps.size(); ++i) {
          const auto stride = levels[i].stride;
          const auto ceil = [&](std::int64_t size) { return (size + stride - 1) / stride; };
          CHECK(maps[i].stride == stride);
          CHECK(maps[i].values.sizes() == at::IntArrayRef{1, levels[i].channels, ceil(height), ceil(width)});
        }
      }
    };
    for (const auto output_stride : {4, 8, 16, 32}) {
      const std::int64_t stages = output_stride == 4 ? 2 : 4;  // the last stages at stride 4 take seconds
      check(ResNet(ResNetOptions{.depth = 18, .stages = stages, .first_level = 2, .output_stride = output_stride}));
      check(MobileNetV2(MobileNetV2Options{.stages = stages, .first_level = 2, .output_stride = output_stride}));
    }
    check(ResNet(ResNetOptions{.stages = 3, .first_level = 3, .output_stride = 8}));
    SwinOptions swin{.embed = 16, .depths = {2, 1, 2, 1}, .heads = {1, 2, 4, 8}, .window = 3};
    check(Swin(swin));
    swin.stages = 3, swin.first_level = 2;
    check(Swin(swin));
    check(TinyBackbone());
    check(TinyBackbone(TinyOptions{.channels = {8, 12}}));
  }

  TEST_CASE("masks may come in beside the image") {
    const ResNetOptions options{.depth = 18, .stages = 1, .in_channels = 5};
    ResNet encode(options);
    CHECK(encode(at::randn({1, 5, 32, 32}))[0].values.size(1) == 64);
    CHECK_THROWS_WITH_AS(encode(at::randn({1, 3, 32, 32})), doctest::Contains("[*,5,*,*]"), Error);
  }

  TEST_CASE("options that make no network are refused") {
    CHECK_THROWS_WITH_AS(ResNet(ResNetOptions{.depth = 77}), doctest::Contains("no ResNet-77"), Error);
    CHECK_THROWS_WITH_AS(ResNet(ResNetOptions{.stages = 5}), doctest::Contains("no stage 5"), Error);
    CHECK_THROWS_WITH_AS(ResNet(ResNetOptions{.stages = 2, .first_level = 3}), doctest::Contains("1 to 2"), Error);
    CHECK_THROWS_WITH_AS(MobileNetV2(MobileNetV2Options{.output_stride = 12}), doctest::Contains("4, 8, 16"), Error);
    CHECK_THROWS_WITH_AS(swin_options('X'), doctest::Contains("T, S, B, L"), Error);
  }

  TEST_CASE("a Swin's heads divide its channels, and one block is a network") {
    CHECK_THROWS_WITH_AS(Swin(SwinOptions{.heads = {3, 5, 12, 24}}), doctest::Contains("192 channels do not make 5"),
                         Error);
    CHECK_THROWS_AS(Swin(SwinOptions{.window = 0}), Error);
    Swin encode(SwinOptions{.embed = 8, .depths = {1, 0, 0, 0}, .heads = {1, 1, 1, 1}, .window = 2, .stages = 1});
    encode->train();
    CHECK(encode(at::randn({1, 3, 16, 16}))[0].values.isfinite().all().item<bool>());
  }

  TEST_CASE("a folded network takes no weights any more, and says why") {
    MobileNetV2 encode(MobileNetV2Options{.stages = 1});
    const auto file = golden_file("torchvision_mobilenet_v2");
    fold_norms(*encode);
    for (const bool lenient : {false, true}) {
      auto rules = encode->rules();
      rules.lenient = lenient;
      CHECK_THROWS_WITH_AS(static_cast<void>(load_weights(*encode, file, rules)), doctest::Contains("folded"), Error);
    }
  }

  TEST_CASE("folded norms compute the same, once and twice") {
    const at::NoGradGuard no_grad;
    const auto check = [](auto encode) {
      to_dtype(*encode, at::kDouble);
      const auto images = named("images", {1, 3, 24, 40}, 2).to(at::kDouble);
      const auto before = encode(images);
      for (int i = 0; i < 2; ++i) {
        fold_norms(*encode);
        const auto after = encode(images);
        for (std::size_t level = 0; level < before.size(); ++level)
          CHECK(at::allclose(after[level].values, before[level].values, 1e-9, 1e-9));  // double: rounding alone
      }
      for (const auto& item : encode->named_modules())
        if (const auto* norm = item.value()->template as<Norm2dImpl>()) CHECK(norm->folded);
    };
    check(filled_resnet({.depth = 18}));
    check(filled_resnet({.stages = 2, .norm = NormKind::live}));
    check(filled(std::make_shared<MobileNetV2Impl>(MobileNetV2Options{.stages = 2})));
  }

  TEST_CASE("a frozen norm gives the same values with and without gradients, and never moves") {
    Norm2d norm(8, NormKind::frozen);
    fill_module(*norm, FillRule::aot);
    const auto x = named("x", {2, 8, 5, 6}, 3);
    const auto still = norm(x), moving = norm(x.clone().requires_grad_());
    CHECK(at::allclose(still, moving, 1e-6, 1e-6));  // float32: one rounding more
    CHECK(moving.requires_grad());
    const auto mean = norm->running_mean.clone();
    norm->train();
    norm(x);
    CHECK(norm->running_mean.equal(mean));
    CHECK(norm->parameters().empty());
    CHECK(at::allclose(Norm2d(8, NormKind::frozen)(x), x, 1e-6, 1e-6));  // as made, it changes nothing
  }

  TEST_CASE("channels-last pictures give the same features") {
    const at::NoGradGuard no_grad;
    const auto check = [](auto encode) {
      encode->eval();
      const auto images = named("images", {2, 3, 40, 56}, 2);
      const auto plain = encode(images);
      for (const auto& parameter : encode->parameters())
        if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
      const auto last = encode(images.contiguous(at::MemoryFormat::ChannelsLast));
      for (std::size_t i = 0; i < plain.size(); ++i) {
        CHECK(last[i].values.is_contiguous(at::MemoryFormat::ChannelsLast));
        // float32: other kernels sum in another order
        CHECK(largest(last[i].values - plain[i].values) <= 1e-4 * largest(plain[i].values));
      }
    };
    check(filled_resnet({.depth = 18}));
    check(filled(std::make_shared<MobileNetV2Impl>()));
    check(Swin(SwinOptions{.embed = 16, .depths = {2, 1, 1, 1}, .heads = {1, 2, 4, 8}, .window = 3}));
    check(TinyBackbone());
  }

  TEST_CASE("dropped paths keep their mean, sample by sample, and only in training") {
    const auto dropped = drop_path(at::ones({4000, 3}), 0.3);
    const auto kept = dropped.select(1, 0).gt(0);
    CHECK(dropped.eq(dropped.select(1, 0).unsqueeze(1)).all().item<bool>());
    CHECK(at::allclose(dropped.masked_select(kept.unsqueeze(1)), at::full({1}, 1 / 0.7)));
    // Four deviations of the mean of 4000 coins: once in 16,000 runs.
    CHECK(std::abs(kept.to(at::kFloat).mean().item<double>() - 0.7) < 4 * std::sqrt(0.21 / 4000));

    Swin encode(SwinOptions{.embed = 8, .depths = {2, 1, 1, 1}, .heads = {1, 1, 1, 1}, .window = 2, .drop_path = 0.9});
    const auto images = at::randn({8, 3, 32, 32});
    const auto last = [&] { return encode(images).back().values; };
    encode->eval();
    CHECK(last().equal(last()));
    encode->train();
    CHECK_FALSE(last().equal(last()));
  }

  TEST_CASE("a new network starts as its paper's does") {
    const ResNet resnet(ResNetOptions{.depth = 18});
    const auto deviation = [](const at::Tensor& weight) { return weight.std().item<double>(); };
    // 2.4 million samples: a deviation that is exact to a thousandth
    CHECK(deviation(resnet->named_parameters()["layer4.1.conv2.weight"]) ==
          doctest::Approx(std::sqrt(2.0 / (512 * 9))).epsilon(0.01));
    const Swin swin;
    CHECK(deviation(swin->named_parameters()["layers.3.blocks.0.mlp.fc1.weight"]) ==
          doctest::Approx(0.02).epsilon(0.01));
    CHECK(largest(swin->named_parameters()["layers.3.blocks.0.mlp.fc1.bias"]) == 0);
  }

  TEST_CASE("every parameter of the tiny backbone learns") {
    TinyBackbone encode;
    auto loss = at::zeros({});
    for (const auto& map : encode(at::randn({2, 3, 64, 64}))) loss = loss + map.values.square().mean();
    loss.backward();
    std::int64_t numbers = 0;
    for (const auto& item : encode->named_parameters()) {
      CAPTURE(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(largest(item.value().grad()) > 0);
      numbers += item.value().numel();
    }
    CHECK(numbers < 2'000'000);
  }

  TEST_CASE("a backbone made by its name is the one of its type, with the norms that are asked for") {
    torch::nn::Module model;
    // [any]
    AnyBackbone encode = make_backbone("mobilenet-v2", {.norm = NormKind::live});
    model.register_module("backbone", encode.module());  // "backbone.features.0.0.weight", ...
    // [any]
    CHECK(model.named_parameters().contains("backbone.features.0.1.weight"));
    const auto* typed = encode.module()->as<MobileNetV2Impl>();
    REQUIRE(typed != nullptr);
    CHECK(typed->options.norm == NormKind::live);
    CHECK((encode.levels() == MobileNetV2().levels()));
    encode.module()->eval();
    const at::NoGradGuard no_grad;
    const auto images = at::randn({1, 3, 40, 40});
    const auto copy = encode;
    CHECK(at::equal(copy(images).back().values, encode(images).back().values));
    CHECK_THROWS_WITH_AS(make_backbone("mobilenet"), doctest::Contains("known backbones: resnet18"), Error);
  }

  TEST_CASE("every entry has a name of its own, and makes a network that its weights load into") {
    const std::map<std::string, std::int64_t> windows{{"swin-t", 7},      {"swin-s", 7},    {"swin-b-w7", 7},
                                                      {"swin-b-w12", 12}, {"swin-l-w7", 7}, {"swin-l-w12", 12}};
    std::set<std::string> names;
    for (const auto& entry : backbone_entries()) {
      CAPTURE(entry.name);
      CHECK(names.insert(entry.name).second);
      const auto module = entry.make();
      Weights own{.where = "its own"};
      for (const auto& [name, value, parameter] : state_of(*module)) own.entries.push_back({name, value});
      auto report = load_weights(*module, own, entry.rules);
      CHECK(report.complete());
      CHECK(report.loaded + static_cast<std::int64_t>(report.untouched.size()) == report.module_tensors);
      if (const auto* swin = module->as<SwinImpl>()) CHECK(swin->options.window == windows.at(entry.name));
      if (entry.name == "mobilenet-v2")
        CHECK(load_weights(*module, golden_file("torchvision_mobilenet_v2"), entry.rules).complete());
    }
    CHECK(names.contains("resnet101"));
    for (const auto& [name, window] : windows) CHECK(names.contains(name));
  }
}
