#include "weights/run.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include <vos/weights/keys.hpp>
#include <vos/weights/open.hpp>
#include <vos/weights/values.hpp>
#include <vos/weights/write_safetensors.hpp>

#include "weights/convert.hpp"
#include "weights/diff.hpp"
#include "weights/fold.hpp"
#include "weights/identify.hpp"
#include "weights/inspect.hpp"
#include "weights/shared.hpp"
#include "weights/stats.hpp"
#include "weights/text.hpp"
#include "weights/tree.hpp"

#include "../refusal.hpp"
#include "../test.hpp"
#include "../weights/made.hpp"

using namespace vos;
using weights::Options;
using Json = nlohmann::json;

namespace {

struct Ran {
  int code = 0;
  std::string out = {}, err = {};
};

Ran run_tool(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  Ran ran;
  ran.code = weights::run(weights::parse(words), out, err);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

Json json_of(std::vector<std::string> words, int code = 0) {
  words.push_back("--json");
  const auto ran = run_tool(words);
  CHECK(ran.code == code);
  return Json::parse(ran.out);
}

/// The Error with which a command line, or the run behind it, is refused.
Error refusal(const std::vector<std::string>& words) {
  return test::refused([&] { run_tool(words); });
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string legacy(const std::string& name) { return test::file("weights/golden/legacy/" + name).string(); }

template <class Value>
std::string bytes_of_all(const std::vector<Value>& values) {
  std::string bytes;
  for (const auto& value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  return bytes;
}

/// A tensor of float32 in a file that a test writes.
struct Made {
  std::string name;
  std::vector<std::int64_t> sizes;
  std::vector<float> values;
};

std::string write(const std::filesystem::path& path, const std::vector<Made>& tensors) {
  std::vector<TensorBytes> all;
  for (const auto& [name, sizes, values] : tensors)
    all.push_back({name, DType::f32, sizes, {reinterpret_cast<const std::uint8_t*>(values.data()), 4 * values.size()}});
  write_safetensors(path, all);
  return path.string();
}

std::vector<double> numbers_of(const Checkpoint& file, const std::string& name) {
  const auto* node = file.find(file.top(), name);
  REQUIRE(node != nullptr);
  std::vector<double> all;
  TensorNumbers numbers(file, file.tensors[static_cast<std::size_t>(node->integer)]);
  for (auto some = numbers.next(); !some.empty(); some = numbers.next())
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::string identified(const std::string& key_list, const std::string& prefix = "") {
  auto rows = read_keys(test::file("golden/keys/" + key_list + ".tsv"));
  std::vector<weights::NamedShape> shapes;
  for (auto& row : rows) row.key = prefix + row.key;
  for (const auto& row : rows) shapes.push_back({row.key, &row.shape});
  return weights::identify(shapes).what;
}

}  // namespace

TEST_SUITE("tools/weights") {
  TEST_CASE("a command line names a command and as many files as it takes") {
    const auto options = weights::parse({"diff", "a.pth", "b.pth", "--tolerance", "1e-3", "--ema"});
    CHECK(options.action == Options::Action::diff);
    CHECK(options.files.size() == 2);
    CHECK(options.tolerance == 1e-3);
    CHECK(options.select.ema);
    CHECK(weights::parse({"inspect", "--filter", "a b", "my file.pth"}).files.front() == "my file.pth");
    CHECK(weights::parse({"convert", "a", "b", "--rename", "x=y", "--rename", "a.**=b.**"}).rename.size() == 2);
    CHECK(weights::parse({"check", "a.pth", "--unknown", "keep", "--model", "m"}).reading.unknown ==
          UnknownTypes::keep);
  }

  TEST_CASE("a slip on the command line is named, with what to do") {
    const auto what = [](const std::vector<std::string>& words) {
      const auto error = refusal(words);
      CHECK(error.parts().exit_code == exit_code::usage);
      return std::string{error.what()};
    };
    CHECK(has(what({"inspekt", "a"}), "did you mean 'inspect'?"));
    CHECK(has(what({"inspect", "a", "--stat"}), "did you mean '--stats'?"));
    CHECK(has(what({"inspect"}), "inspect needs FILE"));
    CHECK(has(what({"diff", "a"}), "diff needs A and B, and was given one"));
    CHECK(has(what({"inspect", "a", "b"}), "'b' is one file too many"));
    CHECK(has(what({"convert", "a", "b.safetensors", "--dtype", "fp8"}), "use fp32, fp16 or bf16"));
    CHECK(has(what({"convert", "a", "b.safetensors", "--rename", "x"}), "OLD=NEW"));
    CHECK(has(what({"convert", "a", "b.safetensors", "--rename", "a.*=**.*"}), "number of wildcards"));
    CHECK(has(what({"convert", "a", "b.pth"}), "torch.save(safetensors.torch.load_file("));
    CHECK(has(what({"check", "a"}), "no model"));
    CHECK(has(what({"check", "a", "--model", "m", "--keys", "k"}), "two models"));
    CHECK(has(what({"fill", "--model", "m", "--out", "o.safetensors"}), "--rule is missing"));
    CHECK(has(what({"inspect", "a", "--unknown", "run"}), "neither refuse nor keep"));
    CHECK(has(what({}), "no command"));
    CHECK(has(what({"--json", "inspect", "a"}), "the command stands first"));
  }

  TEST_CASE("what stands behind -- is a file, whatever it begins with") {
    const auto options = weights::parse({"diff", "--ema", "a", "--", "--json"});
    CHECK(options.files == std::vector<std::filesystem::path>{"a", "--json"});
    CHECK_FALSE(options.common.json);
    CHECK(weights::parse({"inspect", "--json", "--", "diff"}).files.front() == "diff");
  }

  TEST_CASE("a model or rule that there is not is wrong usage, and found before any file is read") {
    test::Folder folder;
    const auto refused = [](const std::vector<std::string>& words, const std::string& where) {
      const auto parts = refusal(words).parts();
      CHECK(parts.exit_code == exit_code::usage);
      CHECK(parts.where == where);
    };
    const auto out = (folder / "out.safetensors").string();
    refused({"check", (folder / "no such file").string(), "--model", "nothing"}, "--model");
    refused({"fill", "--model", "nothing", "--rule", "aot", "--out", out}, "--model");
    refused({"fill", "--model", "resnet18", "--rule", "foo", "--out", out}, "--rule");
    CHECK(refusal({"check", (folder / "no such file").string(), "--model", "resnet18"}).parts().exit_code ==
          exit_code::error);
  }

  TEST_CASE("help tells the commands, and a command's help its options alone") {
    CHECK(has(run_tool({"--help"}).out, "diff A B"));
    const auto help = run_tool({"inspect", "--help"}).out;
    CHECK(has(help, "--stats"));
    CHECK_FALSE(has(help, "--rename"));
  }

  TEST_CASE("sizes and counts are written as people read them") {
    CHECK(weights::size_text(999) == "999 B");
    CHECK(weights::size_text(1000) == "1.00 kB");
    CHECK(weights::size_text(93'800'000) == "93.8 MB");
    CHECK(weights::size_text(999'600) == "1.00 MB");
    CHECK(weights::size_text(1'240'000'000) == "1.24 GB");
    CHECK(weights::count_text(0) == "0");
    CHECK(weights::count_text(999) == "999");
    CHECK(weights::count_text(-1234567) == "-1,234,567");
    CHECK(weights::count_text(100'000) == "100,000");
    CHECK(printable("a\x1b[31m\nb") == "a\\x1b[31m\\nb");
  }

  TEST_CASE("names that differ in a number or their last part are folded, of one shape and type alone") {
    const auto lines = [](const std::vector<weights::FoldName>& names) {
      std::vector<std::string> texts;
      for (const auto& line : weights::folded(names)) texts.push_back(line.name);
      return texts;
    };
    CHECK(lines({{"l.0.w", "a"}, {"l.0.b", "b"}, {"l.1.w", "a"}, {"l.1.b", "b"}, {"l.2.w", "a"}, {"l.2.b", "b"}}) ==
          std::vector<std::string>{"l.{0..2}.w", "l.{0..2}.b"});
    CHECK(lines({{"n.weight", "a"}, {"n.bias", "a"}}) == std::vector<std::string>{"n.{weight,bias}"});
    CHECK(lines({{"l.0.w", "a"}, {"l.1.w", "b"}, {"l.2.w", "b"}, {"l.4.w", "b"}}) ==
          std::vector<std::string>{"l.0.w", "l.{1,2,4}.w"});
    CHECK(lines({{"a.0.b.0.w", "x"}, {"a.0.b.1.w", "x"}, {"a.1.b.0.w", "x"}, {"a.1.b.1.w", "x"}}) ==
          std::vector<std::string>{"a.{0,1}.b.{0,1}.w"});
    CHECK(lines({{"conv1.w", "a"}, {"conv2.w", "a"}}) == std::vector<std::string>{"conv1.w", "conv2.w"});
    std::vector<weights::FoldName> loose;
    for (char c = 'a'; c < 'm'; ++c) loose.push_back({"p." + std::string(1, c), "k"});
    CHECK(lines(loose).size() == loose.size());  // a dozen names below one part are no pattern
    CHECK(lines({{"w", "k"}, {"b", "k"}, {"", "k"}}) == std::vector<std::string>{"w", "b", ""});  // nor names alone
  }

  TEST_CASE("pairs of names that agree from some part on are one rule") {
    const auto rules =
        weights::pair_rules({{"encoder.a.w", "net.a.w"}, {"encoder.b.w", "net.b.w"}, {"x", "y"}, {"w", "net.w"}});
    REQUIRE(rules.size() == 3);
    CHECK(rules[0].a == "encoder.**");
    CHECK(rules[0].b == "net.**");
    CHECK(rules[0].count == 2);
    CHECK(rules[1].a == "x");
    CHECK(rules[1].b == "y");
    CHECK(rules[2].a == "w");
    CHECK(rules[2].b == "net.w");
    const auto ties =
        weights::pair_rules({{"d.head.0.w", "head.0.w"}, {"d.head.0.b", "head.0.b"}, {"d.head.1.w", "head.1.w"}});
    REQUIRE(ties.size() == 1);
    CHECK(ties[0].a == "d.head.**");
    CHECK(ties[0].b == "head.**");
    CHECK(weights::common_tail("xhead.w", "head.w") == 1);  // whole parts alone
    const auto nested = weights::pair_rules({{"a.x", "b.x"}, {"a.x.y", "b.x.y"}});
    REQUIRE(nested.size() == 1);
    CHECK(nested[0].a == "a.**");
  }

  TEST_CASE("every name is in exactly one folded line") {
    std::vector<weights::FoldName> names;
    for (const auto& row : read_keys(test::file("golden/keys/vita_swinl.tsv")))
      names.push_back({row.key, text_of_sizes(row.shape)});
    std::vector<int> seen(names.size());
    const auto lines = weights::folded(names);
    for (const auto& line : lines)
      for (const auto member : line.members) ++seen[member];
    CHECK(std::count(seen.begin(), seen.end(), 1) == static_cast<std::ptrdiff_t>(names.size()));
    CHECK(lines.size() < names.size() / 4);
  }

  TEST_CASE("models are known by their names and shapes") {
    const std::map<std::string, std::string> expected{
        {"aot_aott", "AOT-T, MobileNetV2, 10 objects at a time"},
        {"aot_aots", "AOT-S, MobileNetV2, 10 objects at a time"},
        {"aot_aotl", "AOT-B or L, whose weights are alike, MobileNetV2, 10 objects at a time"},
        {"aot_deaots", "DeAOT-S, MobileNetV2, 10 objects at a time"},
        {"aot_r50_deaotl", "DeAOT-L, ResNet-50 without its last stage, 10 objects at a time"},
        {"aot_r101_aotl", "AOT-L, ResNet-101 without its last stage, 10 objects at a time"},
        {"aot_rs101_aotl", "AOT-L, ResNeSt-101 without its last stage, 10 objects at a time"},
        {"aot_swinb_deaotl", "DeAOT-L, Swin-B without its last stage, 10 objects at a time"},
        {"aot_encoder_mobilenetv3", "MobileNetV3-Large, a backbone alone"},
        {"aot_encoder_resnest50", "ResNeSt-50 without its last stage, a backbone alone"},
        {"vita_r50",
         "VITA (Mask2Former with a video head), ResNet-50, 40 classes, 100 queries, 100 queries of the video"},
        {"vita_swinl",
         "VITA (Mask2Former with a video head), Swin-L, 40 classes, 200 queries, 100 queries of the video"},
        {"deformable_detr_r50", "Deformable DETR, ResNet-50, 91 classes, 300 queries"},
        {"deformable_mask_head_r50", "Deformable DETR with a mask head, ResNet-50, 91 classes, 300 queries"},
        {"devis_r50", "DeVIS, ResNet-50, 40 classes, 180 queries, 6 frames a clip"},
        {"devis_swinl", "DeVIS, Swin-L, 40 classes, 180 queries, 6 frames a clip"}};
    for (const auto& [list, what] : expected) {
      CAPTURE(list);
      CHECK(identified(list) == what);
      CHECK(identified(list, "module.") == what);
      CHECK(identified(list, "net.model.") == what);
    }
    const std::vector<std::int64_t> shape{2, 3};
    CHECK(weights::identify({{"a.weight", &shape}, {"b.weight", &shape}}).what.empty());
    CHECK(weights::identify({}).what.empty());
  }

  TEST_CASE("what a model was taken for rests on tensors that are in the file") {
    const auto rows = read_keys(test::file("golden/keys/devis_r50.tsv"));
    std::vector<weights::NamedShape> shapes;
    for (const auto& row : rows) shapes.push_back({row.key, &row.shape});
    const auto likely = weights::identify(shapes);
    CHECK(likely.evidence.size() >= 4);
    for (const auto& evidence : likely.evidence)
      CHECK(std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
        return row.key == evidence.key && text_of_sizes(row.shape) == evidence.shape;
      }));
  }

  TEST_CASE("statistics leave NaN and infinities out and count them") {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    test::CheckpointMaker make;
    const std::vector<float> values{1, 2, nan, 3, inf, -inf, 6};
    const auto file = make.root(make.tensor({7}, make.storage(DType::f32, bytes_of_all(values)), 0));
    const auto stats = weights::stats_of(*file, file->tensors[0]);
    CHECK(stats.count == 7);
    CHECK(stats.nan == 1);
    CHECK(stats.infinite == 2);
    CHECK(stats.min == 1);
    CHECK(stats.max == 6);
    CHECK(stats.mean == doctest::Approx(3));
    CHECK(stats.std() == doctest::Approx(std::sqrt(3.5)));  // 4 + 1 + 0 + 9 over 4
  }

  TEST_CASE("statistics hold for a long tensor far from zero, where sums of squares would cancel") {
    test::CheckpointMaker make;
    std::vector<double> values(10'001);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1e9 + static_cast<double>(i % 3);
    const auto file = make.root(make.tensor({10'001}, make.storage(DType::f64, bytes_of_all(values)), 0));
    const auto stats = weights::stats_of(*file, file->tensors[0]);
    // 0, 1, 2 in turn: variance 2/3 but for the last pair, which moves it by less than a thousandth.
    CHECK(stats.std() == doctest::Approx(std::sqrt(2.0 / 3)).epsilon(1e-3));
    CHECK(stats.mean - 1e9 == doctest::Approx(1).epsilon(1e-3));
  }

  TEST_CASE("statistics of numbers near the end of their type are numbers or infinite, and valid JSON") {
    test::CheckpointMaker make;
    std::vector<double> values(5000, 1.5e308);  // more than are added up at once
    for (std::size_t i = 0; i < 2000; ++i) values[i] = -1.5e308;
    const auto file =
        make.root(make.dict({{"w", make.tensor({5000}, make.storage(DType::f64, bytes_of_all(values)), 0)}}));
    const auto stats = weights::stats_of(*file, file->tensors[0]);
    CHECK(stats.mean == doctest::Approx(0.3e308));  // (3000 - 2000) * 1.5e308 / 5000
    CHECK(stats.std() == std::numeric_limits<double>::infinity());
    const auto options = weights::parse({"inspect", "made.pth", "--stats"});
    CHECK(weights::to_json(weights::inspect(*file, options), options)["weights"][0]["std"] == "inf");
  }

  TEST_CASE("statistics do not depend on the threads") {
    const auto file = open_checkpoint(legacy("training.pth"));
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < file->tensors.size(); ++i) all.push_back(i);
    const auto one = weights::stats_of(*file, all, 1), many = weights::stats_of(*file, all, 7);
    REQUIRE(one.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(one[i].mean == many[i].mean);
      CHECK(one[i].squares == many[i].squares);
    }
  }

  TEST_CASE("inspect tells what is in a training checkpoint") {
    const auto json = json_of({"inspect", legacy("training.pth"), "--tree", "--stats"});
    CHECK(json["format"] == "torch.save, legacy format (before 1.6)");
    CHECK(json["tensors"].get<std::size_t>() == json["weights"].size());
    std::int64_t numbers = 0;
    for (const auto& sum : json["modules"]) numbers += sum["numbers"].get<std::int64_t>();
    CHECK(numbers >= json["numbers"].get<std::int64_t>());
    CHECK(json["complete"] == true);
    CHECK(json["holds_weights"] == true);
    bool optimizer = false;
    for (const auto& entry : json["beside"]) optimizer |= entry["name"] == "optimizer" && entry["tensors"] > 0;
    CHECK(optimizer);
    CHECK(json["tree"].is_object());
    for (const auto& tensor : json["weights"]) CHECK(tensor.contains("mean"));
    const auto text = run_tool({"inspect", legacy("training.pth"), "--tree"}).out;
    CHECK(has(text, "beside the weights"));
    CHECK(has(text, "param_groups"));
    CHECK(run_tool({"inspect", legacy("training.pth"), "--quiet"}).out.empty());
  }

  TEST_CASE("a filter takes a piece of a name or a pattern, and one that matches nothing is refused") {
    test::Folder folder;
    const auto file = write(folder / "a.safetensors",
                            {{"net.conv.weight", {1}, {1}}, {"net.conv.bias", {1}, {2}}, {"head.bias", {1}, {3}}});
    CHECK(json_of({"inspect", file, "--filter", "conv"})["tensors"] == 2);
    CHECK(json_of({"inspect", file, "--filter", "**.bias"})["tensors"] == 2);
    CHECK(json_of({"inspect", file, "--filter", "*.bias"})["tensors"] == 1);
    CHECK(has(refusal({"inspect", file, "--filter", "*.gamma"}).what(), "none of 3 names matches"));
  }

  TEST_CASE("what lies beside nested weights is listed, stripped and kept by its full path") {
    test::CheckpointMaker make;
    const auto moments = make.dict({{"m", make.tensor({3})}, {"v", make.tensor({3})}});
    const auto training =
        make.dict({{"model", make.dict({{"a.weight", make.tensor({2, 2})}, {"a.bias", make.tensor({2})}})},
                   {"epoch", make.number(3)},
                   {"optimizer", make.dict({{"state", moments}})}});
    const auto file = make.root(make.dict({{"training", training}, {"cfg", make.dict({{"x", make.number(1)}})}}));
    const auto names = [](const weights::Inspected& inspected) {
      std::vector<std::string> all;
      for (const auto& each : weights::beside(inspected)) all.push_back(each.name);
      return all;
    };
    const auto inspected = weights::inspect(*file, weights::parse({"inspect", "made.pth"}));
    CHECK(names(inspected) == std::vector<std::string>{"cfg", "training/epoch", "training/optimizer"});
    CHECK(weights::beside(inspected)[1].what == "3");
    CHECK(weights::beside(inspected)[2].tensors.tensors == 2);

    test::Folder folder;
    const auto to = (folder / "out.safetensors").string();
    const auto converted = [&](const std::string& strip) {
      return weights::convert(*file, weights::parse({"convert", "made.pth", to, "--strip", strip}));
    };
    using Names = std::vector<std::string>;
    CHECK(converted("epoch").stripped == Names{"training/epoch"});  // by its last part
    CHECK(converted("epoch").kept == Names{"cfg", "training/optimizer"});
    CHECK(converted("training/optimizer,cfg").kept == Names{"training/epoch"});
    CHECK(converted("training").kept == Names{"cfg"});
    CHECK(converted("training,training/epoch").not_found.empty());
    CHECK(converted("poch").not_found == Names{"poch"});
    // A part of an entry: the entry is stripped whole, or that is said.
    const auto part = converted("training/optimizer/state");
    CHECK(part.kept.size() == 3);
    CHECK(part.not_found.empty());
    CHECK(part.inside ==
          std::vector<std::pair<std::string, std::string>>{{"training/optimizer/state", "training/optimizer"}});
    CHECK(converted("optimizer,training/optimizer/state").inside.empty());

    // What was written is listed alike, although each tensor has a name of its own there, and strips alike.
    converted("cfg");
    const auto written = open_checkpoint(to);
    CHECK(names(weights::inspect(*written, weights::parse({"inspect", to}))) == Names{"training/optimizer"});
    const auto again = (folder / "again.safetensors").string();
    CHECK(weights::convert(*written, weights::parse({"convert", to, again, "--strip", "optimizer"})).kept ==
          Names{"training/epoch"});
    CHECK(open_checkpoint(again)->tensors.size() == 2);
    const auto ran = run_tool({"convert", to, again, "--overwrite", "--strip", "training/optimizer/state,poch"});
    CHECK(has(ran.err, "--strip poch: nothing beside the weights has this name"));
    CHECK(has(ran.err, "goes whole or not at all: --strip training/optimizer\n"));
  }

  TEST_CASE("a part or averages that a file lacks are told with what to do instead") {
    const auto training = legacy("training.pth");
    CHECK(has(refusal({"inspect", training, "--part", "modle"}).what(), "no part 'modle'; in it: "));
    CHECK(has(refusal({"inspect", training, "--part", "modle"}).what(), "did you mean 'model'?"));
    CHECK(json_of({"inspect", training, "--part", "optimizer"})["tensors"] > 0);
    test::Folder folder;
    const auto file = write(folder / "a.safetensors", {{"w", {1}, {1}}});
    CHECK(has(refusal({"inspect", file, "--ema"}).what(), "leave out --ema"));
  }

  TEST_CASE("a file without weights says so and lists the tensors that it has") {
    test::CheckpointMaker make;
    const auto options = weights::parse({"inspect", "made.pth"});
    const auto text = [&](NodeId root) {
      std::ostringstream out;
      weights::print(out, weights::inspect(*make.root(root), options), options);
      return out.str();
    };
    const auto moments = make.dict({{"exp_avg", make.tensor({2})}});
    const auto some = text(make.dict({{"optimizer", make.dict({{"state", moments}})}, {"epoch", make.number(3)}}));
    CHECK(has(some, "holds no weights; its tensors are listed"));
    CHECK(has(some, "optimizer.state.exp_avg"));
    CHECK(has(some, "epoch"));
    const auto none = text(make.dict({{"epoch", make.number(3)}}));
    CHECK(has(none, "holds no weights and no tensors"));
    CHECK(has(none, "epoch"));
    CHECK_FALSE(has(none, "shape"));  // no empty table
  }

  TEST_CASE("names and paths cannot move the terminal's cursor, and an empty name is seen") {
    test::Folder folder;
    const auto file = write(folder / "a\x1b[2J.safetensors", {{"", {1}, {1}}, {"x\x1b[31m", {2}, {1, 2}}});
    const auto text = run_tool({"inspect", file}).out + run_tool({"inspect", file, "--stats"}).out +
                      run_tool({"diff", file, file}).out;
    CHECK_FALSE(has(text, "\x1b"));
    CHECK(has(text, "\\x1b[2J.safetensors"));
    CHECK(has(text, "  '' "));
  }

  TEST_CASE("long tables are cut, which --verbose undoes") {
    test::Folder folder;
    std::vector<Made> tensors, others;
    for (int i = 0; i < 30; ++i) {
      const auto name = "w" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i) + "x";
      tensors.push_back({name, {1}, {1}});
      others.push_back({name, {1}, {2}});
    }
    const auto a = write(folder / "a.safetensors", tensors), b = write(folder / "b.safetensors", others);
    const auto brief = run_tool({"diff", a, b}).out, whole = run_tool({"diff", a, b, "--verbose"}).out;
    CHECK(has(brief, "... and 10 more; --verbose prints them"));
    CHECK_FALSE(has(brief, "wd29x"));
    CHECK_FALSE(has(whole, "..."));
    CHECK(has(whole, "wd29x"));
    const auto training = legacy("training.pth");
    CHECK(has(run_tool({"inspect", training, "--tree"}).out, "; --verbose shows more"));
    CHECK_FALSE(has(run_tool({"inspect", training, "--tree", "--verbose"}).out, "--verbose"));
  }

  TEST_CASE("memory with several names is told, and counted once") {
    test::CheckpointMaker make;
    const auto storage = make.storage(DType::f32, bytes_of_all(std::vector<float>(12)));
    const auto tied = make.tensor({2, 3}, storage, 0), again = make.tensor({2, 3}, storage, 0);
    const auto part = make.tensor({3}, storage, 3), apart = make.tensor({6}, storage, 6);
    const auto other = make.tensor({4});
    const auto file = make.root(make.dict({{"a", tied}, {"b", again}, {"c", other}, {"d", apart}}));
    const auto shared = weights::shared_names(*file, weights_in(*file));
    REQUIRE(shared.size() == 1);
    CHECK(shared[0].same);
    CHECK(shared[0].names == std::vector<std::string>{"a", "b"});
    CHECK(weights::amount_of(*file, weights_in(*file)).bytes == (6 + 4 + 6) * 4);
    make.node(file->root).items.push_back(make.text("e"));
    make.node(file->root).items.push_back(part);
    const auto overlapping = weights::shared_names(*file, weights_in(*file));
    REQUIRE(overlapping.size() == 1);
    CHECK_FALSE(overlapping[0].same);
    CHECK(overlapping[0].names == std::vector<std::string>{"a", "b", "e"});
  }

  TEST_CASE("a tree that holds itself, or the same list a billion times, is shown within bounds") {
    test::CheckpointMaker make;
    auto list = make.list({make.number(1)});
    make.node(list).items.push_back(list);
    for (int i = 0; i < 40; ++i) list = make.list({list, list, list});
    const auto file = make.root(make.dict({{"bomb", list}, {"w", make.tensor({1})}}));
    std::ostringstream out;
    weights::print_tree(out, *file, {.depth = 50, .items = 8, .values = 500}, "");
    const auto text = out.str();
    CHECK(std::count(text.begin(), text.end(), '\n') < 1000);
    CHECK(has(text, "the same as further up"));
    bool cut = false;
    const auto json = weights::tree_json(
        *file, file->root, {.depth = 64, .items = 8, .values = 500},
        [](NodeId, const std::string&) { return nlohmann::ordered_json{}; }, "", &cut);
    CHECK(cut);
    CHECK(json.dump().size() < 100'000);
  }

  TEST_CASE("a value that is made from a few others stands on one line") {
    test::CheckpointMaker make;
    const auto node = [&](NodeKind kind, std::string_view text, std::vector<NodeId> items) {
      const auto id = make.list(std::move(items));
      make.node(id).kind = kind;
      make.node(id).text = text;
      return id;
    };
    const auto nan = node(NodeKind::real, "", {});
    make.node(nan).real = std::numeric_limits<double>::quiet_NaN();
    const auto made_from = node(NodeKind::tuple, "", {make.text("cuda"), make.number(3)});
    const auto device = node(NodeKind::object, "torch.device", {made_from});
    const auto file = make.root(make.dict({{"device", device}, {"loss", nan}}));
    std::ostringstream out;
    weights::print_tree(out, *file, {}, "");
    CHECK(out.str() == "dict of 2\n  device: torch.device('cuda', 3)\n  loss: nan\n");
  }

  TEST_CASE("64-bit integers are compared as integers") {
    test::Folder folder;
    const auto saved = [&](const std::string& name, DType dtype, const std::string& bytes) {
      const TensorBytes tensor{"n", dtype, {2}, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}};
      write_safetensors(folder / name, {&tensor, 1});
      return (folder / name).string();
    };
    constexpr std::int64_t large = std::int64_t{1} << 53, most = std::numeric_limits<std::int64_t>::max();
    const auto a = saved("a.safetensors", DType::i64, bytes_of_all(std::vector<std::int64_t>{large + 1, 5})),
               b = saved("b.safetensors", DType::i64, bytes_of_all(std::vector<std::int64_t>{large, 5}));
    auto json = json_of({"diff", a, b}, 1);
    CHECK(json["values"][0]["differ"] == 1);
    CHECK(json["values"][0]["max_abs"] == 1);
    CHECK(json_of({"diff", a, b, "--tolerance", "1"})["same"] == true);
    const auto c = saved("c.safetensors", DType::i64, bytes_of_all(std::vector<std::int64_t>{-most, 5}));
    const auto d = saved("d.safetensors", DType::i64, bytes_of_all(std::vector<std::int64_t>{most, 5}));
    CHECK(json_of({"diff", c, d}, 1)["values"][0]["max_abs"] == 0x1p64);  // the distance is beyond the type
    const auto e = saved("e.safetensors", DType::u64, bytes_of_all(std::vector<std::uint64_t>{~std::uint64_t{0}, 5}));
    const auto f =
        saved("f.safetensors", DType::u64, bytes_of_all(std::vector<std::uint64_t>{~std::uint64_t{0} - 1, 5}));
    CHECK(json_of({"diff", e, f}, 1)["values"][0]["max_abs"] == 1);
  }

  TEST_CASE("a file compared with itself is equal, whatever is in it") {
    for (const char* name : {"training.pth", "views.pth", "dtypes.pth"}) {
      CAPTURE(name);
      const auto json = json_of({"diff", legacy(name), legacy(name)});
      CHECK(json["same"] == true);
      CHECK(json["equal"] == json["tensors_a"]);
    }
  }

  TEST_CASE("a difference is told by kind, and with exit code 1") {
    test::Folder folder;
    const auto a = write(folder / "a.safetensors", {{"same", {2}, {1, 2}},
                                                    {"value", {3}, {1, -8, 3}},
                                                    {"shape", {2, 1}, {1, 2}},
                                                    {"old.name", {2}, {5, 6}},
                                                    {"gone", {1}, {7}}});
    const auto b = write(folder / "b.safetensors", {{"same", {2}, {1, 2}},
                                                    {"value", {3}, {1, -8.5F, 3}},
                                                    {"shape", {1, 2}, {1, 2}},
                                                    {"new.name", {2}, {5, 6}},
                                                    {"come", {1}, {8}}});
    const auto json = json_of({"diff", a, b}, 1);
    CHECK(json["same"] == false);
    CHECK(json["equal"] == 1);
    REQUIRE(json["values"].size() == 1);
    CHECK(json["values"][0]["name"] == "value");
    CHECK(json["values"][0]["max_abs"] == 0.5);
    CHECK(json["values"][0]["relative"] == 0.0625);
    CHECK(json["values"][0]["differ"] == 1);
    CHECK(json["shapes"][0]["name"] == "shape");
    CHECK(json["renamed"][0]["a"] == "old.name");
    CHECK(json["renamed"][0]["b"] == "new.name");
    CHECK(json["only_a"][0]["name"] == "gone");
    CHECK(json["only_b"][0]["name"] == "come");
    const auto ran = run_tool({"diff", a, b});
    CHECK(ran.code == 1);
    CHECK(has(ran.out, "renamed (1)"));
    CHECK(has(ran.out, "old.name"));
    CHECK(has(ran.out,
              "different: 1 the same, 1 with other values, 1 of another shape, 1 renamed, 1 only in A, 1 only in B"));
  }

  TEST_CASE("a tolerance is absolute for small numbers and relative for large ones, and NaN equals NaN alone") {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    test::Folder folder;
    const auto a = write(folder / "a.safetensors", {{"w", {5}, {0.001F, 1000, nan, inf, 1}}});
    const auto b = write(folder / "b.safetensors", {{"w", {5}, {0.002F, 1001, nan, inf, 1}}});
    CHECK(json_of({"diff", a, b, "--tolerance", "0.0011"})["same"] == true);
    CHECK(json_of({"diff", a, b, "--tolerance", "0.0009"}, 1)["values"][0]["differ"] == 2);
    const auto c = write(folder / "c.safetensors", {{"w", {5}, {0.001F, 1000, 0, inf, 1}}});
    const auto json = json_of({"diff", a, c, "--tolerance", "1e9"}, 1);
    CHECK(json["values"][0]["differ"] == 1);
    CHECK(json["values"][0]["max_abs"] == "inf");
  }

  TEST_CASE("a converted file holds the same weights under the same names") {
    test::Folder folder;
    for (const char* name : {"training.pth", "views.pth"}) {
      CAPTURE(name);
      const auto to = (folder / (std::string{name} + ".safetensors")).string();
      const auto ran = run_tool({"convert", legacy(name), to});
      CHECK(ran.code == 0);
      CHECK(ran.err.empty());
      CHECK(json_of({"diff", legacy(name), to})["same"] == true);
      // Another conversion, from what was written, changes nothing: what lay beside the weights is still there.
      const auto again = (folder / "again.safetensors").string();
      run_tool({"convert", to, again, "--overwrite"});
      CHECK(read_file(to) == read_file(again));
    }
  }

  TEST_CASE("what lies beside the weights is kept: tensors under '@', all else as JSON") {
    test::CheckpointMaker make;
    const auto moment = make.tensor({2}, make.storage(DType::f32, bytes_of_all(std::vector<float>{3, 4})), 0);
    const auto optimizer =
        make.dict({{"state", make.dict({{"0", make.dict({{"exp_avg", moment}, {"step", make.number(12)}})}})},
                   {"param_groups", make.list({make.dict({{"name", make.text("all")}})})}});
    const auto file = make.root(make.dict(
        {{"state_dict", make.dict({{"w", make.tensor({3})}})}, {"optimizer", optimizer}, {"epoch", make.number(7)}}));
    test::Folder folder;
    const auto to = folder / "out.safetensors";
    Options options = weights::parse({"convert", "made.pth", to.string()});
    auto converted = weights::convert(*file, options);
    CHECK(converted.kept == std::vector<std::string>{"optimizer", "epoch"});
    CHECK_FALSE(converted.cut);
    auto written = open_checkpoint(to);
    CHECK(numbers_of(*written, "@optimizer/state/0/exp_avg") == std::vector<double>{3, 4});
    CHECK(written->metadata.at("@epoch") == "7");
    const auto json = Json::parse(written->metadata.at("@optimizer"));
    CHECK(json["state"]["0"]["step"] == 12);
    CHECK(json["state"]["0"]["exp_avg"]["tensor"] == "@optimizer/state/0/exp_avg");
    CHECK(json["param_groups"][0]["name"] == "all");
    CHECK(weights_in(*written).size() == 1);  // what stands beside is no weight

    options = weights::parse({"convert", "made.pth", to.string(), "--strip", "optimizer,schedule"});
    converted = weights::convert(*file, options);
    CHECK(converted.stripped == std::vector<std::string>{"optimizer"});
    CHECK(converted.not_found == std::vector<std::string>{"schedule"});
    written = open_checkpoint(to);
    CHECK(written->tensors.size() == 1);
    CHECK(written->metadata.contains("@epoch"));
    CHECK_FALSE(written->metadata.contains("@optimizer"));

    weights::convert(*file, weights::parse({"convert", "made.pth", to.string(), "--strip", "all"}));
    CHECK(open_checkpoint(to)->metadata == std::map<std::string, std::string>{{"format", "pt"}});
  }

  TEST_CASE("averaged weights are converted when asked for") {
    test::CheckpointMaker make;
    const auto one = make.tensor({1}, make.storage(DType::f32, bytes_of_all(std::vector<float>{1})), 0);
    const auto two = make.tensor({1}, make.storage(DType::f32, bytes_of_all(std::vector<float>{2})), 0);
    const auto file =
        make.root(make.dict({{"model", make.dict({{"w", one}})}, {"model_ema", make.dict({{"w", two}})}}));
    test::Folder folder;
    const auto to = folder / "out.safetensors";
    weights::convert(*file, weights::parse({"convert", "made.pth", to.string(), "--ema"}));
    const auto written = open_checkpoint(to);
    CHECK(numbers_of(*written, "w") == std::vector<double>{2});
    CHECK(numbers_of(*written, "@model/w") == std::vector<double>{1});
  }

  TEST_CASE("another type is given to floating-point weights alone, and what became infinite is told") {
    test::CheckpointMaker make;
    const auto w = make.tensor({3}, make.storage(DType::f32, bytes_of_all(std::vector<float>{0.1F, 70'000, -1})), 0);
    const auto n = make.tensor({1}, make.storage(DType::i64, bytes_of_all(std::vector<std::int64_t>{70'000})), 0);
    const auto moment = make.tensor({1}, make.storage(DType::f32, bytes_of_all(std::vector<float>{1e9F})), 0);
    const auto file =
        make.root(make.dict({{"model", make.dict({{"w", w}, {"n", n}})}, {"optimizer", make.dict({{"m", moment}})}}));
    test::Folder folder;
    const auto to = folder / "out.safetensors";
    auto converted = weights::convert(*file, weights::parse({"convert", "made.pth", to.string(), "--dtype", "fp16"}));
    CHECK(converted.changed == 1);
    REQUIRE(converted.overflowed.size() == 1);
    CHECK(converted.overflowed[0] == std::pair<std::string, std::int64_t>{"w", 1});
    auto written = open_checkpoint(to);
    CHECK(std::isinf(numbers_of(*written, "w")[1]));
    CHECK(numbers_of(*written, "w")[0] == 0x1.998p-4);  // 0.1 to eleven bits
    CHECK(numbers_of(*written, "n") == std::vector<double>{70'000});
    CHECK(numbers_of(*written, "@optimizer/m") == std::vector<double>{1e9});
    converted = weights::convert(*file, weights::parse({"convert", "made.pth", to.string(), "--dtype", "bf16"}));
    CHECK(converted.overflowed.empty());
  }

  TEST_CASE("a warning of overflow names bf16 only where it would help") {
    test::Folder folder;
    const std::string bytes = bytes_of_all(std::vector<double>{1e39});
    const TensorBytes tensor{"w", DType::f64, {1}, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}};
    write_safetensors(folder / "a.safetensors", {&tensor, 1});
    const auto warning = [&](const char* type) {
      return run_tool({"convert", (folder / "a.safetensors").string(), (folder / "b.safetensors").string(),
                       "--overwrite", "--dtype", type})
          .err;
    };
    CHECK(has(warning("fp16"), "bf16 has"));
    CHECK(has(warning("fp32"), "became infinite"));
    CHECK_FALSE(has(warning("fp32"), "bf16 has"));
  }

  TEST_CASE("what safetensors has no type for is refused before any work, or becomes the numbers that it stands for") {
    test::CheckpointMaker make;
    const auto q = make.tensor({2}, make.storage(DType::quint8, std::string{"\x05\x03"}), 0);
    make.record(q).scale = 0.5;
    make.record(q).zero_point = 3;
    const auto complex = make.tensor({1}, DType::c128);
    test::Folder folder;
    const auto to = folder / "out.safetensors";
    const auto options = weights::parse({"convert", "made.pth", to.string()});
    const auto refused = [&](NodeId root, const std::string& mend) {
      try {
        weights::convert(*make.root(root), options);
        FAIL("not refused");
      } catch (const Error& error) {
        CHECK(has(error.parts().mend, mend));
      }
      CHECK_FALSE(std::filesystem::exists(to));
    };
    refused(make.dict({{"q", q}}), "--dtype fp32");
    refused(make.dict({{"c", complex}}), "tensor.to(torch.complex64)");
    refused(make.dict({{"model", make.dict({{"w", make.tensor({1})}})}, {"extra", make.dict({{"c", complex}})}}),
            "--strip extra");
    const auto file = make.root(make.dict({{"q", q}}));
    weights::convert(*file, weights::parse({"convert", "made.pth", to.string(), "--dtype", "fp16"}));
    CHECK(numbers_of(*open_checkpoint(to), "q") == std::vector<double>{1, 0});  // (5 - 3) / 2, (3 - 3) / 2
  }

  TEST_CASE("a folder that may not be written to is an error, and nothing is left in it") {
    if (::geteuid() == 0) return test::skip("root may write everywhere");
    test::Folder folder;
    const auto from = write(folder / "a.safetensors", {{"w", {1}, {1}}});
    const auto closed = folder / "closed";
    std::filesystem::create_directory(closed);
    std::filesystem::permissions(closed, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    CHECK(refusal({"convert", from, (closed / "b.safetensors").string()}).parts().exit_code == exit_code::error);
    CHECK(std::filesystem::is_empty(closed));
    std::filesystem::permissions(closed, std::filesystem::perms::owner_all);
  }

  TEST_CASE("tied weights are each written, and noted") {
    test::CheckpointMaker make;
    const auto tied = make.tensor({2});
    const auto file = make.root(make.dict({{"a", tied}, {"b", tied}, {"c", make.tensor({2})}}));
    test::Folder folder;
    const auto to = folder / "out.safetensors";
    weights::convert(*file, weights::parse({"convert", "made.pth", to.string()}));
    const auto written = open_checkpoint(to);
    CHECK(written->tensors.size() == 3);
    CHECK(written->metadata.at("vos.tied") == R"([["a","b"]])");
  }

  TEST_CASE("names are changed by rules, and a rule without effect is refused") {
    test::Folder folder;
    const auto from = write(folder / "a.safetensors", {{"module.conv.weight", {1}, {1}}, {"module.head", {1}, {2}}});
    const auto to = (folder / "b.safetensors").string();
    const auto json = json_of({"convert", from, to, "--rename", "module.**=**", "--rename", "head=class_head"});
    CHECK(json["renamed"] == 3);
    const auto written = open_checkpoint(to);
    CHECK(numbers_of(*written, "conv.weight") == std::vector<double>{1});
    CHECK(numbers_of(*written, "class_head") == std::vector<double>{2});
    CHECK(has(refusal({"convert", from, to, "--overwrite", "--rename", "module.heat=x"}).what(),
              "did you mean 'module.head'?"));
  }

  TEST_CASE("a file that is there is replaced only when told so") {
    test::Folder folder;
    const auto from = write(folder / "a.safetensors", {{"w", {1}, {1}}}),
               to = write(folder / "b.safetensors", {{"x", {1}, {2}}});
    const auto before = read_file(to);
    CHECK(has(refusal({"convert", from, to}).what(), "--overwrite"));
    CHECK(read_file(to) == before);
    CHECK(run_tool({"convert", from, to, "--overwrite"}).code == 0);
    CHECK(read_file(to) != before);
    CHECK(run_tool({"convert", to, to, "--overwrite", "--rename", "w=v"}).code == 0);  // in its own place
    CHECK(numbers_of(*open_checkpoint(to), "v") == std::vector<double>{1});
  }

  TEST_CASE("a key list is filled, and what was filled loads into it") {
    test::Folder folder;
    const auto list = test::file("golden/keys/aot_aott.tsv").string(), out = (folder / "aott.safetensors").string();
    CHECK(json_of({"fill", "--keys", list, "--rule", "aot", "--out", out})["tensors"] == 323);
    CHECK(json_of({"inspect", out})["taken_for"] == "AOT-T, MobileNetV2, 10 objects at a time");
    const auto json = json_of({"check", out, "--keys", list});
    CHECK(json["loads"] == true);
    CHECK(json["loaded"] == json["model_tensors"]);
    const auto again = (folder / "again.safetensors").string();
    run_tool({"fill", "--keys", list, "--rule", "aot", "--out", again});
    CHECK(read_file(out) == read_file(again));
    CHECK(has(refusal({"fill", "--keys", list, "--rule", "aot", "--out", out}).what(), "--overwrite"));
  }

  TEST_CASE("a network is filled with other options, which its file remembers") {
    test::Folder folder;
    const auto out = (folder / "tiny.safetensors").string();
    run_tool(
        {"fill", "--model", "vita-tcovis-tiny", "--set", "tokens=20", "classes=3", "--rule", "vita", "--out", out});
    const auto written = open_checkpoint(out);
    CHECK(written->metadata.at("vos.model") == "vita-tcovis-tiny");
    CHECK(Json::parse(written->metadata.at("vos.options"))["tokens"] == "20");
    CHECK(json_of({"check", out, "--model", "vita-tcovis-tiny"})["loads"] == true);
    const auto other = json_of({"check", out, "--model", "vita-tcovis-tiny", "--set", "tokens=9"}, 1);
    CHECK(other["misshapen"][0]["name"] == "sem_seg_head.predictor.query_feat.weight");
    const auto fill = [&](const std::string& model, const std::string& setting) {
      return std::string{
          refusal({"fill", "--model", model, "--set", setting, "--rule", "vita", "--out", out, "--overwrite"}).what()};
    };
    CHECK(has(fill("vita-tcovis-tiny", "token=9"), "did you mean 'tokens'"));
    CHECK(has(fill("vita-tcovis-tiny", "tokens"), "KEY=VALUE"));
    CHECK(has(fill("resnet18", "tokens=9"), "has no options"));
  }

  TEST_CASE("check names what stands in the way, and ends with exit code 1") {
    test::Folder folder;
    const auto list = folder / "keys.tsv";
    std::ofstream(list) << "key\tshape\tdtype\tkind\nhead.weight\t4x2\tfloat32\tparam\nhead."
                           "bias\t4\tfloat32\tparam\nnorm\t2\tfloat32\tparam\n";
    const auto file =
        write(folder / "a.safetensors",
              {{"head.weight", {3, 2}, {1, 2, 3, 4, 5, 6}}, {"head.biaz", {4}, {1, 2, 3, 4}}, {"norm", {2}, {1, 2}}});
    const auto json = json_of({"check", file, "--keys", list.string()}, 1);
    CHECK(json["loads"] == false);
    CHECK(json["loaded"] == 1);
    CHECK(json["missing"][0]["name"] == "head.bias");
    CHECK(json["missing"][0]["nearest"] == "head.biaz");
    CHECK(json["unexpected"][0]["name"] == "head.biaz");
    CHECK(json["misshapen"][0]["name"] == "head.weight");
    const auto ran = run_tool({"check", file, "--keys", list.string()});
    CHECK(ran.code == 1);
    CHECK(has(ran.out, "does not load"));
    CHECK(has(ran.out, "head.biaz"));
  }

  TEST_CASE("a part of a file's model is checked under its prefix") {
    test::Folder folder;
    const auto list = folder / "keys.tsv";
    std::ofstream(list) << "key\tshape\tdtype\tkind\nw\t2\tfloat32\tparam\n";
    const auto file = write(folder / "a.safetensors", {{"backbone.w", {2}, {1, 2}}, {"head", {1}, {3}}});
    CHECK(has(refusal({"check", file, "--keys", list.string()}).what(), "--from backbone."));
    CHECK(json_of({"check", file, "--keys", list.string(), "--from", "backbone."})["loads"] == true);
  }

  TEST_CASE("a file that is no checkpoint says what it is, and nothing reaches stdout") {
    test::Folder folder;
    const auto file = (folder / "model.pth").string();
    std::ofstream(file) << "<!DOCTYPE html><html></html>";
    std::ostringstream out, err;
    try {
      weights::run(weights::parse({"inspect", file, "--json"}), out, err);
      FAIL("not refused");
    } catch (const Error& error) {
      CHECK(has(error.what(), "web page"));
      CHECK_FALSE(has(error.what(), "--unknown"));  // which would not help
    }
    CHECK(out.str().empty());
  }

  TEST_CASE("a type that is on no list is refused with the option that lets it pass") {
    test::Folder folder;
    // {"w": my.Type()}: a dict, a text, a global that is called with an empty tuple
    const std::string pickle{"\x80\x02}U\x01wcmy\nType\n)Rs."};
    std::ofstream(folder / "a.pkl", std::ios::binary) << pickle;
    const auto file = (folder / "a.pkl").string();
    CHECK(has(refusal({"inspect", file}).what(), "pass --unknown keep"));
    CHECK(has(run_tool({"inspect", file, "--unknown", "keep"}).out, "my.Type"));
  }
}
