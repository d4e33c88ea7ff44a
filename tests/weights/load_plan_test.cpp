#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <vos/weights/keys.hpp>
#include <vos/weights/load_plan.hpp>

#include "test.hpp"

using namespace vos;

namespace {

using Names = std::vector<std::string>;
using Sizes = std::vector<std::int64_t>;

/// Tensors "name" [2] or "name:3x4"; "name=other" is tied to an earlier one.
std::vector<TensorLabel> labels(const Names& texts) {
  std::vector<TensorLabel> out;
  for (const auto& text : texts) {
    const auto tie = split(text, '=');
    const auto parts = split(tie[0], ':');
    TensorLabel label{.name = parts[0], .sizes = {2}, .same_as = out.size()};
    if (parts.size() > 1) label.sizes = *detail::shape_from(parts[1]);
    for (std::size_t i = 0; tie.size() > 1 && i < out.size(); ++i)
      if (out[i].name == tie[1]) label.same_as = i;
    out.push_back(label);
  }
  return out;
}

/// "file>module" for each step of a plan.
Names steps_of(const LoadPlan& plan, const std::vector<TensorLabel>& file, const std::vector<TensorLabel>& module) {
  Names steps;
  for (const auto& step : plan.steps) steps.push_back(file[step.file].name + ">" + module[step.module].name);
  return steps;
}

struct Planned {
  Names steps;
  LoadReport report;
  LoadPlan plan;
};

Planned planned(const Names& file, const Names& module, const LoadRules& rules = {}) {
  const auto from = labels(file), to = labels(module);
  auto plan = plan_load(from, to, rules);
  return {steps_of(plan, from, to), plan.report, plan};
}

Names names_of(const std::vector<LoadReport::Key>& keys) {
  Names names;
  for (const auto& key : keys) names.push_back(key.name);
  return names;
}

std::string captures(const char* pattern, std::string_view name) {
  const auto found = KeyPattern(pattern).match(name);
  return found ? "<" + join(*found, "|") + ">" : "no";
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("a star stands for part of a name, two stars for any run") {
    CHECK(captures("a.b", "a.b") == "<>");
    CHECK(captures("a.b", "a.bc") == "no");
    CHECK(captures("a.*", "a.b") == "<b>");
    CHECK(captures("a.*", "a.b.c") == "no");
    CHECK(captures("a.*", "a.") == "no");
    CHECK(captures("a.**", "a.b.c") == "<b.c>");
    CHECK(captures("a**", "a") == "<>");
    CHECK(captures("layer*.*.bn*.*", "layer1.0.bn2.running_mean") == "<1|0|2|running_mean>");
    CHECK(captures("**.weight", "a.weight.weight") == "<a.weight>");
    CHECK(captures("**.*.x", "a.b.c.x") == "<a.b|c>");
    CHECK(captures("**", "") == "<>");
    CHECK(captures("", "") == "<>");
    CHECK(captures("", "a") == "no");
    CHECK(KeyPattern("res2.*.conv*.norm.*").filled({"0", "2", "bias"}) == "res2.0.conv2.norm.bias");
  }

  TEST_CASE("no name makes a pattern slow") {
    const std::string name(1000, 'a');
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(KeyPattern("**a**a**a**a**a**a**a**a**b").matches(name));
    CHECK_FALSE(KeyPattern("**").matches(std::string(100'000, 'a')));           // no name of ours is as long
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));  // 1 ms here
  }

  TEST_CASE("module. goes only where the rest is a name of the model") {
    const LoadRules rules{.unneeded = {"fc.**"}};
    CHECK(planned({"module.a", "b"}, {"a", "b"}, rules).steps == Names{"module.a>a", "b>b"});
    CHECK(planned({"module.a"}, {"module.a"}, rules).steps == Names{"module.a>module.a"});
    const auto other = planned({"a", "module.c"}, {"a"}, rules);
    CHECK(names_of(other.report.unexpected) == Names{"module.c"});
    // The classifier of a file that DataParallel has saved is as unneeded as that of another.
    const auto classifier = planned({"module.a", "module.fc.weight"}, {"a"}, rules);
    CHECK(names_of(classifier.report.dropped) == Names{"module.fc.weight"});
    CHECK(classifier.report.complete());
  }

  TEST_CASE("module. goes before every other rule") {
    CHECK(planned({"module.encoder.a"}, {"a"}, {.keys = {strip_prefix("encoder.")}}).steps ==
          Names{"module.encoder.a>a"});
    CHECK(planned({"module.a", "module.c"}, {"b", "d"},
                  {.keys = {{.from = "a", .to = "b", .if_file_has = "c"}, {"c", "d"}}})
              .steps == Names{"module.a>b", "module.c>d"});
    CHECK(planned({"module.x.a"}, {"module.a"}, {.keys = {{"module.x.*", "module.*"}}}).steps ==
          Names{"module.x.a>module.a"});
  }

  TEST_CASE("a part's rules serve a whole model, and a part takes its own out of a whole model's file") {
    const LoadRules rules{.keys = {{"res2.**", "layer1.**"}, {.from = "n.*", .to = "m.*", .if_file_has = "res2.**"}},
                          .unneeded = {"fc.**", batch_counters},
                          .optional = {"norm*.*"},
                          .untouched = {"**.index"},
                          .fits = {{"head.*", Fit::keep_init}}};
    const Names file{"e.res2.w",    "e.n.w",      "e.fc.bias",      "e.x.num_batches_tracked",
                     "e.t.index:3", "e.head.w:7", "decoder.norm0.w"};
    const Names part{"layer1.w", "m.w", "norm1.w", "t.index", "head.w"};
    Names whole{"decoder.norm0.w"};
    for (const auto& name : part) whole.push_back("e." + name);

    const auto in_whole = planned(file, whole, under("e.", rules));
    CHECK(in_whole.report.complete());
    CHECK(in_whole.steps == Names{"decoder.norm0.w>decoder.norm0.w", "e.res2.w>e.layer1.w", "e.n.w>e.m.w"});
    CHECK(names_of(in_whole.report.dropped) == Names{"e.fc.bias", "e.x.num_batches_tracked"});
    CHECK(names_of(in_whole.report.absent) == Names{"e.norm1.w"});
    CHECK(names_of(in_whole.report.untouched) == Names{"e.t.index"});
    CHECK(in_whole.report.kept.size() == 1);
    // Not what the rules say of the part.
    CHECK(names_of(planned({"e.res2.w"}, {"e.layer1.w", "norm0.w"}, under("e.", rules)).report.missing) ==
          Names{"norm0.w"});

    for (const std::string wrapper : {"", "module."}) {
      auto wrapped = file;
      for (auto& name : wrapped) name.insert(0, wrapper);
      const auto alone = planned(wrapped, part, from_part("e.", rules));
      CHECK(alone.report.complete());
      CHECK(alone.steps == Names{wrapper + "e.res2.w>layer1.w", wrapper + "e.n.w>m.w"});
      CHECK(alone.report.outside == 1);
      CHECK(alone.report.summary().find("1 in other parts of the file") != std::string::npos);
    }
    CHECK(planned({"a.b.c", "a.d"}, {"c"}, from_part("a.", from_part("b."))).report.complete());
    // Outside of the part no name counts, whatever it is.
    CHECK(planned({"c"}, {"c"}, from_part("a.")).steps.empty());
  }

  TEST_CASE("a rule that invents part of a name is refused by name") {
    CHECK_THROWS_WITH_AS(planned({"a.b"}, {"c"}, {.keys = {{"a.*", "c.*.*"}}}), doctest::Contains("'a.*' -> 'c.*.*'"),
                         Error);
  }

  TEST_CASE("rules that may be needed cost no more than their number") {
    LoadRules rules;
    for (int i = 0; i < 60; ++i) rules.keys.push_back(if_needed({"**", std::to_string(i) + ".**"}));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(planned({"a"}, {"b"}, rules).steps.empty());
    CHECK(planned({"a"}, {"59.a"}, rules).steps == Names{"a>59.a"});
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));  // 2 ms here; 2^60 before
  }

  TEST_CASE("prefixes come and go") {
    CHECK(planned({"encoder.a"}, {"a"}, {.keys = {strip_prefix("encoder.")}}).steps == Names{"encoder.a>a"});
    CHECK(planned({"a"}, {"backbone.a"}, {.keys = {add_prefix("backbone.")}}).steps == Names{"a>backbone.a"});
    // A detector's file in a model that holds a detector and more: what has its place keeps it.
    CHECK(planned({"query_embed", "mask_head.w", "def_detr.x"}, {"def_detr.query_embed", "mask_head.w", "def_detr.x"},
                  {.keys = {if_needed(add_prefix("def_detr."))}})
              .steps == Names{"query_embed>def_detr.query_embed", "mask_head.w>mask_head.w", "def_detr.x>def_detr.x"});
    // Rules that are needed only with each other.
    CHECK(planned({"x.encoder.a"}, {"a"}, {.keys = {if_needed(strip_prefix("x.")), strip_prefix("encoder.")}}).steps ==
          Names{"x.encoder.a>a"});
  }

  TEST_CASE("names are rewritten, torchvision's into detectron2's") {
    LoadRules rules{.keys = {{"conv1.*", "stem.conv1.*"}, {"bn1.*", "stem.conv1.norm.*"}},
                    .unneeded = {"fc.*", batch_counters}};
    for (int stage = 1; stage <= 4; ++stage) {
      const auto from = "layer" + std::to_string(stage) + ".*.", to = "res" + std::to_string(stage + 1) + ".*.";
      rules.keys.push_back({from + "conv*.*", to + "conv*.*"});
      rules.keys.push_back({from + "bn*.*", to + "conv*.norm.*"});
      rules.keys.push_back({from + "downsample.0.*", to + "shortcut.*"});
      rules.keys.push_back({from + "downsample.1.*", to + "shortcut.norm.*"});
    }
    const auto result = planned(
        {"conv1.weight", "bn1.weight", "bn1.num_batches_tracked", "layer1.0.conv2.weight", "layer4.2.bn3.running_var",
         "layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias", "fc.weight", "fc.bias"},
        {"stem.conv1.weight", "stem.conv1.norm.weight", "res2.0.conv2.weight", "res5.2.conv3.norm.running_var",
         "res3.0.shortcut.weight", "res3.0.shortcut.norm.bias"},
        rules);
    CHECK(result.steps == Names{"conv1.weight>stem.conv1.weight", "bn1.weight>stem.conv1.norm.weight",
                                "layer1.0.conv2.weight>res2.0.conv2.weight",
                                "layer4.2.bn3.running_var>res5.2.conv3.norm.running_var",
                                "layer2.0.downsample.0.weight>res3.0.shortcut.weight",
                                "layer2.0.downsample.1.bias>res3.0.shortcut.norm.bias"});
    CHECK(result.report.complete());
    CHECK(names_of(result.report.dropped) == Names{"bn1.num_batches_tracked", "fc.weight", "fc.bias"});
    CHECK(result.report.renamed.size() == 6);
  }

  TEST_CASE("a rule for one make of a file leaves the others alone") {
    const LoadRules rules{.keys = {{.from = "layers.1.down", .to = "layers.0.down", .if_file_has = "layers.2.down"}}};
    CHECK(planned({"layers.1.down"}, {"layers.1.down"}, rules).steps == Names{"layers.1.down>layers.1.down"});
    CHECK(planned({"layers.1.down", "layers.2.down"}, {"layers.0.down", "layers.2.down"}, rules).steps ==
          Names{"layers.1.down>layers.0.down", "layers.2.down>layers.2.down"});
  }

  TEST_CASE("an old name is read as the new one") {
    const LoadRules rules{.keys = {if_needed({"**static_query.*", "**query_feat.*"})}};
    CHECK(planned({"p.static_query.weight"}, {"p.query_feat.weight"}, rules).steps ==
          Names{"p.static_query.weight>p.query_feat.weight"});
    CHECK(planned({"p.query_feat.weight"}, {"p.query_feat.weight"}, rules).report.renamed.empty());
  }

  TEST_CASE("with suffixes each name takes the longest in the file that it ends in") {
    const LoadRules rules{.suffixes = true, .unneeded = {"stem.fc.**"}};
    const auto result =
        planned({"stem.conv1.weight", "conv1.weight", "stem.fc.weight", "res2.0.conv1.weight"},
                {"backbone.stem.conv1.weight", "backbone.res2.0.conv1.weight", "backbone.conv1.weight"}, rules);
    CHECK(result.steps == Names{"stem.conv1.weight>backbone.stem.conv1.weight",
                                "res2.0.conv1.weight>backbone.res2.0.conv1.weight",
                                "conv1.weight>backbone.conv1.weight"});
    CHECK(result.report.complete());
    CHECK(names_of(result.report.dropped) == Names{"stem.fc.weight"});
    CHECK(planned({"v1.weight"}, {"a.conv1.weight"}, rules).steps.empty());  // whole parts only

    const auto twice = planned({"norm.weight"}, {"a.norm.weight", "b.norm.weight"}, rules);
    CHECK_FALSE(twice.report.complete());
    REQUIRE(twice.report.clashes.size() == 1);
    CHECK(twice.report.clashes[0] == "the file's 'norm.weight' is the end of 'a.norm.weight' and of 'b.norm.weight'");
    CHECK(planned({"norm.weight"}, {"a.norm.weight", "b.norm.weight=a.norm.weight"}, rules).report.complete());
    // What is unneeded is not offered at all.
    CHECK(
        planned({"norm.weight", "a.w"}, {"x.norm.weight", "x.a.w"}, {.suffixes = true, .unneeded = {"norm.*"}}).steps ==
        Names{"a.w>x.a.w"});
  }

  TEST_CASE("what the model needs is not dropped by a rule that would") {
    const LoadRules rules{.unneeded = {"head.*", "**attn_mask"}};
    const auto result = planned({"head.weight", "b.attn_mask", "c"}, {"head.weight"}, rules);
    CHECK(result.steps == Names{"head.weight>head.weight"});
    CHECK(names_of(result.report.dropped) == Names{"b.attn_mask"});
    CHECK(names_of(result.report.unexpected) == Names{"c"});
  }

  TEST_CASE("a name may be missing where the rules say so") {
    const auto result =
        planned({"a"}, {"a", "LSTT.mask_token", "norm0.weight", "b"}, {.optional = {"LSTT.mask_token", "norm*.*"}});
    CHECK(names_of(result.report.absent) == Names{"LSTT.mask_token", "norm0.weight"});
    CHECK(names_of(result.report.missing) == Names{"b"});
    CHECK(result.report.at_init() == 3);
    CHECK_FALSE(result.report.complete());
  }

  TEST_CASE("another shape is an error unless a rule makes it fit") {
    const auto refused = planned({"a:3", "b"}, {"a:4", "b"});
    REQUIRE(refused.report.misshapen.size() == 1);
    CHECK(refused.report.misshapen[0].key == "a");
    CHECK(refused.report.misshapen[0].file.sizes == Sizes{3});
    CHECK(refused.report.misshapen[0].module.sizes == Sizes{4});
    CHECK(refused.report.missing.empty());
    CHECK(refused.report.at_init() == 1);

    const LoadRules rules{.fits = {{"**class_embed.*", Fit::keep_init},
                                   {"**relative_position_bias_table", Fit::window_table},
                                   {"**absolute_pos_embed", Fit::positions}}};
    const auto fits = [&](const std::string& key, const std::string& from, const std::string& to) {
      const auto report = planned({key + ":" + from}, {key + ":" + to}, rules).report;
      return !report.misshapen.empty() ? "no"
             : !report.kept.empty()    ? "kept"
             : !report.fitted.empty()  ? "fitted"
                                       : "same";
    };
    CHECK(fits("x.class_embed.weight", "41x256", "26x256") == std::string{"kept"});
    CHECK(fits("x.class_embed.weight", "41x256", "41x256") == std::string{"same"});
    CHECK(fits("x.relative_position_bias_table", "169x4", "529x4") == std::string{"fitted"});
    CHECK(fits("x.relative_position_bias_table", "169x4", "529x8") == std::string{"no"});
    CHECK(fits("x.relative_position_bias_table", "168x4", "529x4") == std::string{"no"});
    CHECK(fits("x.relative_position_bias_table", "144x4", "529x4") ==
          std::string{"no"});  // 12 x 12: no window has that
    CHECK(fits("x.relative_position_bias_table", "0x4", "529x4") == std::string{"no"});
    CHECK(fits("absolute_pos_embed", "1x49x8", "1x144x8") == std::string{"fitted"});
    CHECK(fits("absolute_pos_embed", "1x50x8", "1x144x8") == std::string{"no"});
    CHECK(fits("absolute_pos_embed", "1x8x7x7", "1x8x5x9") == std::string{"fitted"});
    CHECK(fits("absolute_pos_embed", "1x8x7x7", "1x9x5x9") == std::string{"no"});
  }

  TEST_CASE("fractions do not become integers") {
    auto from = labels({"a", "b"}), to = from;
    to[0].dtype = DType::i64;
    from[1].dtype = DType::bf16;
    const auto plan = plan_load(from, to, {});
    REQUIRE(plan.report.misshapen.size() == 1);
    CHECK(plan.report.text().find("a: [2] float32 in the file, [2] int64 in the model") != std::string::npos);
    CHECK(plan.report.loaded == 1);
  }

  TEST_CASE("what is to be left alone is left alone") {
    const auto result = planned({"query_embed", "class_embed:3", "a"}, {"query_embed", "class_embed:5", "a"},
                                {.untouched = {"query_embed", "class_embed"}});
    CHECK(result.steps == Names{"a>a"});
    CHECK(names_of(result.report.untouched) == Names{"query_embed", "class_embed"});
    CHECK(result.report.complete());
  }

  TEST_CASE("tied tensors need one name in the file, and two values for them are looked at") {
    const auto one = planned({"b"}, {"a", "b=a"});
    CHECK(one.report.complete());
    CHECK(one.report.loaded == 1);
    CHECK(one.report.module_tensors == 1);
    CHECK(planned({"a", "b=a"}, {"a", "b=a"}).plan.tied.empty());
    CHECK(planned({"a", "b"}, {"a", "b=a"}).plan.tied.size() == 1);
    CHECK(planned({"a", "b"}, {"a", "b"}).plan.tied.empty());
  }

  TEST_CASE("two values for one tensor are a conflict") {
    const LoadRules rules{.keys = {strip_prefix("module.")}};
    const auto both = planned({"module.a", "a"}, {"a"}, rules);
    CHECK(both.steps == Names{"a>a"});
    REQUIRE(both.report.clashes.size() == 1);
    CHECK(both.report.clashes[0] == "the file's 'a' and 'module.a' are both 'a'");
    CHECK(planned({"module.a", "a=module.a"}, {"a"}, rules).report.complete());
  }

  TEST_CASE("a missing name is shown beside the unexpected one that it may go by") {
    const auto report =
        planned({"p.static_query.weight:100x256", "p.level_embed.weight:3x256", "q.body.a.conv.weight:8x8"},
                {"p.query_feat.weight:100x256", "q.a.conv.weight:8x8", "z:7", "q.x"})
            .report;
    REQUIRE(report.missing.size() == 4);
    CHECK(report.missing[0].nearest == "p.static_query.weight");
    CHECK(report.missing[1].nearest == "q.body.a.conv.weight");
    CHECK(report.missing[2].nearest.empty());
    CHECK(report.text().find("p.query_feat.weight [100,256]   (the file has 'p.static_query.weight')") !=
          std::string::npos);
  }

  TEST_CASE("a report is short and says how much it leaves out") {
    Names file, module;
    for (int i = 0; i < 233; ++i) {
      file.push_back("theirs." + std::to_string(i) + "\n\x1b.weight");
      module.push_back("ours." + std::to_string(i) + ".weight");
    }
    const auto report = planned(file, module).report;
    CHECK(report.summary() == "0 of 233 tensors loaded, 233 missing, 233 unexpected");
    const auto text = report.text();
    const auto count = [&](const std::string& part) {
      std::size_t found = 0;
      for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
      return found;
    };
    CHECK(count("\n") == 2 * (20 + 2));
    CHECK(count("... and 213 more") == 2);
    CHECK(count("\x1b") == 0);
  }

  TEST_CASE("thousands of names that all differ are planned at once") {
    Names file, module;
    for (int i = 0; i < 5000; ++i) {
      file.push_back("module.a.rather.long.name.of.a.layer." + std::to_string(i) + ".weight");
      module.push_back("another.rather.long.name.of.a.layer." + std::to_string(i) + ".bias");
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto report = planned(file, module, {.keys = {if_needed(strip_prefix("module."))}}).report;
    CHECK(report.missing.size() == 5000);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));  // 0.1 s here
  }
}
