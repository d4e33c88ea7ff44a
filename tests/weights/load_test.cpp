#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/module.h>

#include <vos/weights/expect_keys.hpp>
#include <vos/weights/fill_module.hpp>
#include <vos/weights/load.hpp>
#include <vos/weights/module_of_keys.hpp>
#include <vos/weights/tensors.hpp>

#include "test.hpp"
#include "weights/made.hpp"
#include "weights/tensor_list.hpp"

using namespace vos;
using test::CheckpointMaker;

namespace {

std::vector<KeyRow> list(const std::string& rows) {
  return keys_from("key\tshape\tdtype\tkind\talias_of\n" + rows, "list.tsv");
}

Weights weights_of(std::vector<NamedTensor> entries) { return {"made.pth", std::move(entries), {}}; }

at::Tensor value_of(const torch::nn::Module& module, const std::string& name) {
  for (const auto& entry : state_of(module))
    if (entry.name == name) return entry.value;
  FAIL("there is no " << name);
  return {};
}

using vos::detail::same_bits;

std::string fault_of(torch::nn::Module& module, const Weights& weights, const LoadRules& rules = {}) {
  try {
    static_cast<void>(load_weights(module, weights, rules));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A list without its large tensors, which only take long.
std::vector<KeyRow> small(std::vector<KeyRow> rows) {
  std::erase_if(rows, [](const auto& row) { return row.numel() > 20'000; });
  return rows;
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("every type of number becomes LibTorch's and comes back") {
    for (const auto& info : dtypes) {
      CAPTURE(info.name);
      CHECK(dtype_of(scalar_type(info.dtype)) == info.dtype);
      CHECK(static_cast<std::int64_t>(c10::elementSize(scalar_type(info.dtype))) == info.bytes);
      CheckpointMaker make;
      std::string bytes;
      for (std::int64_t i = 0; i < 6 * info.bytes; ++i) bytes += static_cast<char>(i % 2);  // 0 and 1: booleans too
      const auto id = make.tensor({2, 3}, make.storage(info.dtype, bytes), 0);
      make.record(id).scale = 0.5;
      const auto tensor = CheckpointTensors(make.root(id))[0];
      CHECK((tensor.scalar_type() == scalar_type(info.dtype)));
      CHECK(tensor.sizes() == at::IntArrayRef{2, 3});
      CHECK(std::string_view(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()) == bytes);
    }
    CHECK_THROWS_WITH_AS(static_cast<void>(dtype_of(at::kQUInt4x2)), doctest::Contains("QUInt4x2"), Error);
  }

  TEST_CASE("a quantised tensor has the values that it stands for") {
    CheckpointMaker make;
    const auto id = make.tensor({3}, make.storage(DType::qint8, std::string{"\x00\x03\xff", 3}), 0);
    make.record(id).scale = 0.25;
    make.record(id).zero_point = 1;
    const auto values = CheckpointTensors(make.root(id))[0].dequantize();
    CHECK(values.equal(at::tensor({-0.25F, 0.5F, -0.5F})));
  }

  TEST_CASE("tensors that share memory in the file share it here") {
    CheckpointMaker make;
    const auto storage = make.storage(DType::f32, std::string(24 * 4, '\0'));
    make.tensor({2, 3}, storage, 0);
    make.tensor({3, 2}, storage, 0, {1, 3});
    make.tensor({4, 6}, storage, 6, {0, 1});
    CheckpointTensors tensors(make.root(0));
    auto a = tensors[0], b = tensors[1], c = tensors[2];
    a.fill_(7);
    CHECK(b.equal(at::full({3, 2}, 7.0F)));
    CHECK(b.equal(a.t()));
    CHECK(b.is_alias_of(a));
    CHECK(c.equal(at::zeros({4, 6})));
    CHECK(c.strides() == at::IntArrayRef{0, 1});
  }

  TEST_CASE("a storage at an odd address is copied to one that suits its widest type") {
    CheckpointMaker make;
    const std::array<float, 3> values{1, 2, 3};
    const std::string bytes(reinterpret_cast<const char*>(values.data()), sizeof values);
    const auto odd = make.storage(DType::u8, bytes, 1), even = make.storage(DType::u8, bytes, 64);
    for (const auto storage : {odd, even}) {
      make.tensor({12}, storage, 0);
      make.record(make.tensor({3}, storage, 0)).dtype = DType::f32;
    }
    const auto checkpoint = make.root(0);
    CheckpointTensors tensors(checkpoint);
    for (const std::uint32_t first : {0U, 2U}) {
      const auto raw = tensors[first], floats = tensors[first + 1];
      CHECK(floats.equal(at::tensor({1.0F, 2.0F, 3.0F})));
      CHECK(reinterpret_cast<std::uintptr_t>(floats.const_data_ptr()) % 4 == 0);
      CHECK(raw.is_alias_of(floats));
    }
    CHECK(tensors[0].const_data_ptr() != checkpoint->storages[0].bytes.data());
    CHECK(tensors[2].const_data_ptr() == checkpoint->storages[1].bytes.data());
  }

  TEST_CASE("the file stays open as long as a tensor lives") {
    std::weak_ptr<const Checkpoint> file;
    at::Tensor tensor;
    {
      CheckpointMaker make;
      const auto checkpoint = make.root(make.tensor({4}));
      file = checkpoint;
      tensor = CheckpointTensors(checkpoint)[0];
    }
    CHECK_FALSE(file.expired());
    CHECK(tensor.equal(at::zeros({4})));
    tensor.reset();
    CHECK(file.expired());
  }

  TEST_CASE("what is written is read again to the bit, whatever its layout") {
    const test::Folder folder;
    const auto nan = at::full({2}, std::numeric_limits<float>::quiet_NaN());
    const std::vector<NamedTensor> written{
        {"plain", at::arange(6, at::kFloat).reshape({2, 3})},
        {"turned", at::arange(6, at::kFloat).reshape({2, 3}).t()},
        {"expanded", at::ones({1, 3}).expand({4, 3})},
        {"part", at::arange(10, at::kLong).slice(0, 3, 9, 2)},
        {"half", at::arange(5).to(at::kHalf)},
        {"brain", at::arange(5).to(at::kBFloat16)},
        {"eight", at::arange(5).to(at::kFloat).to(at::kFloat8_e4m3fn)},
        {"switch", at::ones({3}, at::kBool)},
        {"one", at::full({}, 4, at::kLong)},
        {"none", at::zeros({0, 3})},
        {"nan", nan},
    };
    write_weights(folder / "w.safetensors", written, {{"made by", "a test"}});
    const auto read = read_weights(folder / "w.safetensors");
    CHECK(read.metadata.at("made by") == "a test");
    REQUIRE(read.entries.size() == written.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
      CAPTURE(written[i].name);
      CHECK(read.entries[i].name == written[i].name);
      CHECK(same_bits(read.entries[i].value, written[i].value));
    }
    CHECK_THROWS_WITH_AS(
        write_weights(folder / "s.safetensors", std::vector<NamedTensor>{{"s", at::ones({2}).to_sparse()}}),
        doctest::Contains("tensor 's'"), Error);
    CHECK_THROWS_AS(write_weights(folder / "s.safetensors", std::vector<NamedTensor>{{"s", {}}}), Error);
    CHECK_FALSE(std::filesystem::exists(folder / "s.safetensors"));
    // Mapped or not, a write to a tensor stays in this process.
    auto again = read_weights(folder / "w.safetensors").entries[0].value;
    again.fill_(-1);
    CHECK(
        same_bits(read_weights(folder / "w.safetensors", {.file = {.map = false}}).entries[0].value, written[0].value));
    CHECK(again.equal(at::full({2, 3}, -1.0F)));
  }

  TEST_CASE(
      "what Python saved is LibTorch's to the bit, views, ties and all") {  // golden/make_torch_zip.py and its neighbours
    std::size_t tensors = 0;
    for (const std::string folder : {"zip", "legacy", "pickle"})
      for (const auto& [name, lines] : test::tensor_list(folder + "/tensors.tsv")) {
        CAPTURE(name);
        const auto checkpoint =
            open_checkpoint(test::file("weights/golden/" + folder + "/" + name), {.unknown = UnknownTypes::keep});
        CheckpointTensors all(checkpoint);
        std::map<std::string, at::Tensor> by_path;
        std::size_t i = 0;
        for_each_tensor(*checkpoint, checkpoint->root, [&](const std::string& path, NodeId id) {
          REQUIRE(i < lines.size());
          const auto& line = lines[i++];
          CAPTURE(path);
          const auto tensor = all[static_cast<std::uint32_t>(checkpoint->node(id).integer)];
          const auto& owner = by_path.emplace(path, tensor).first->second;
          CHECK(path == line[1]);
          CHECK(info_of(dtype_of(tensor.scalar_type())).name == line[2]);
          CHECK(test::list_text(tensor.sizes().vec()) == line[3]);
          CHECK(test::list_text(tensor.strides().vec()) == line[4]);
          CHECK(std::to_string(tensor.storage_offset()) == line[5]);
          if (tensor.numel() > 0) CHECK(owner.is_alias_of(by_path.at(line[8])));
          const auto whole = tensor.contiguous();
          CHECK(test::hex_text({static_cast<const std::uint8_t*>(whole.const_data_ptr()), whole.nbytes()}) == line[9]);
          ++tensors;
        });
        CHECK(i == lines.size());
      }
    CHECK(tensors > 100);

    for (const std::string folder : {"zip", "legacy"}) {
      const auto weights = read_weights(test::file("weights/golden/" + folder + "/training.pth"));
      std::vector<std::string> names;
      for (const auto& entry : weights.entries) names.push_back(entry.name);
      CHECK(join(names, " ") == "0.weight 0.bias 1.weight 1.bias 1.running_mean 1.running_var 1.num_batches_tracked");
    }
  }

  TEST_CASE("a module of a key list is what the list says, for every list") {
    for (const auto& entry : std::filesystem::directory_iterator(test::file("golden/keys"))) {
      CAPTURE(entry.path().stem().string());
      const auto rows = read_keys(entry.path());
      CHECK_NOTHROW(expect_keys(*module_of_keys(rows), rows));
    }
  }

  TEST_CASE("a difference between a module and its list is said in words") {
    const auto rows = list("a.w\t2x3\tfloat32\tparam\t\na.n\tscalar\tint64\tbuffer\t\nb.w\t2x3\tfloat32\tparam\ta.w\n");
    const auto differences = [&](const std::string& text) {
      return join(key_differences(*module_of_keys(list(text)), rows), "; ");
    };
    const std::string w = "a.w\t2x3\tfloat32\tparam\t\n", n = "a.n\tscalar\tint64\tbuffer\t\n",
                      b = "b.w\t2x3\tfloat32\tparam\ta.w\n";
    CHECK(differences(w + n + b) == "");
    CHECK(differences(w + b) == "a.n [] is missing");
    CHECK(differences(w + n + b + "c\t4\tfloat32\tparam\t\n") == "c [4] is not in the list");
    CHECK(differences(w + "a.n\t2\tint64\tbuffer\t\n" + b) == "a.n is [2], in the list []");
    CHECK(differences(w + "a.n\tscalar\tint32\tbuffer\t\n" + b) == "a.n is int32, in the list int64");
    CHECK(differences(w + "a.n\tscalar\tint64\tparam\t\n" + b) == "a.n is a parameter, in the list a buffer");
    CHECK(differences(w + n + "b.w\t2x3\tfloat32\tparam\t\n") ==
          "b.w is a tensor of its own, in the list the same as a.w");
    const auto module = module_of_keys(list("b.w\t2x3\tfloat32\tparam\t\na.w\t2x3\tfloat32\tparam\tb.w\n" + n));
    CHECK_THROWS_WITH_AS(expect_keys(*module, rows, "list.tsv"),
                         doctest::Contains("differs from its key list in 2 points"), Error);
    const auto plain = list("a\t1\tfloat32\tparam\t\nb\t1\tfloat32\tparam\t\n"),
               turned = list("b\t1\tfloat32\tparam\t\na\t1\tfloat32\tparam\t\n");
    CHECK(join(key_differences(*module_of_keys(turned), plain), "; ") ==
          "from tensor 0 on the order differs: b, in the list a");
    for (const std::string key : {"a.", "a..b", ".a", "a.b..c"})
      CHECK_THROWS_AS(static_cast<void>(module_of_keys(list(key + "\t1\tfloat32\tparam\t\n"))), Error);
  }

  TEST_CASE("a filled list is written, read and loaded to the bit") {
    const test::Folder folder;
    const auto path = folder / "filled.safetensors";
    for (const auto& entry : std::filesystem::directory_iterator(test::file("golden/keys"))) {
      const auto name = entry.path().stem().string();
      CAPTURE(name);
      auto rows = read_keys(entry.path());
      if (name != "aot_aott") rows = small(rows);
      const auto filled = filled_weights(rows, FillRule::devis);
      write_weights(path, filled.entries);
      const auto module = module_of_keys(rows);
      const auto report = load_weights(*module, path);
      CHECK(report.complete());
      CHECK(report.at_init() == 0);
      const auto state = state_of(*module);
      REQUIRE(state.size() == filled.entries.size());
      const auto equal = [&](const std::vector<StateEntry>& values, bool integers) {
        std::size_t count = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
          count += (!integers && rows[i].dtype == DType::i64) || same_bits(values[i].value, filled.entries[i].value);
        return count;
      };
      CHECK(equal(state, true) == rows.size());
      // The same in place, which leaves integers as they were loaded.
      const auto other = module_of_keys(rows);
      fill_module(*other, FillRule::devis);
      CHECK(equal(state_of(*other), false) == rows.size());
    }
  }

  TEST_CASE("a module is as it was when a file does not fit") {
    const auto module =
        module_of_keys(list("a\t2\tfloat32\tparam\t\nb\t2\tfloat32\tparam\t\nc\t3\tfloat32\tbuffer\t\n"));
    const auto weights = weights_of({{"a", at::ones({2})}, {"c", at::ones({4})}, {"d", at::ones({2})}});
    const auto fault = fault_of(*module, weights);
    CHECK(fault.find("1 of 3 tensors loaded, 1 missing, 1 unexpected, 1 of another shape") != std::string::npos);
    CHECK(fault.find("b [2]") != std::string::npos);
    CHECK(fault.find("d [2]") != std::string::npos);
    CHECK(fault.find("c: [4] in the file, [3] in the model") != std::string::npos);
    CHECK(fault.find("made.pth") != std::string::npos);
    for (const auto& entry : state_of(*module)) CHECK(entry.value.equal(at::zeros_like(entry.value)));

    const auto report = load_weights(*module, weights, {.lenient = true});
    CHECK(report.loaded == 1);
    CHECK(report.at_init() == 2);
    CHECK_FALSE(report.complete());
    CHECK(value_of(*module, "a").equal(at::ones({2})));
    CHECK(value_of(*module, "c").equal(at::zeros({3})));
  }

  TEST_CASE("a file of which nothing fits is refused however lenient one is") {
    const auto module = module_of_keys(list("a\t2\tfloat32\tparam\t\nb\t2\tfloat32\tparam\t\n"));
    const auto weights = weights_of({{"x.a", at::ones({2})}, {"b", at::ones({3})}});
    for (const bool lenient : {false, true})
      CHECK(fault_of(*module, weights, {.lenient = lenient})
                .find("none of the file's 2 tensors belongs to this model: it has 'x.a', 'b', the model 'a', 'b'") !=
            std::string::npos);
    torch::nn::Module empty;
    CHECK(load_weights(empty, weights_of({}), {}).complete());
  }

  TEST_CASE("types become the module's, and its parameters keep asking for gradients") {
    const auto module = module_of_keys(
        list("a\t2\tfloat32\tparam\t\nh\t2\tfloat16\tparam\t\nn\tscalar\tint64\tbuffer\t\nf\t2\tfloat32\tbuffer\t\n"));
    const auto address = value_of(*module, "a").const_data_ptr();
    const auto report = load_weights(*module, weights_of({{"a", at::full({2}, 0.5, at::kHalf)},
                                                          {"h", at::full({2}, 0.5, at::kDouble)},
                                                          {"n", at::full({}, 3, at::kInt)},
                                                          {"f", at::full({2}, 3, at::kByte)}}));
    CHECK(report.complete());
    CHECK(same_bits(value_of(*module, "a"), at::full({2}, 0.5F)));
    CHECK(value_of(*module, "a").const_data_ptr() == address);
    CHECK(value_of(*module, "a").requires_grad());
    CHECK(same_bits(value_of(*module, "h"), at::full({2}, 0.5, at::kHalf)));
    CHECK(same_bits(value_of(*module, "n"), at::full({}, 3, at::kLong)));
    CHECK(fault_of(
              *module,
              weights_of({{"a", at::ones({2})}, {"h", at::ones({2})}, {"f", at::ones({2})}, {"n", at::full({}, 0.5)}}))
              .find("n: [] float32 in the file, [] int64 in the model") != std::string::npos);
  }

  TEST_CASE("quantised weights load as the numbers that they stand for") {
    CheckpointMaker make;
    const auto id = make.tensor({2}, make.storage(DType::qint8, "\x02\x04"), 0);
    make.record(id).scale = 0.5;
    const auto module = module_of_keys(list("a\t2\tfloat32\tparam\t\n"));
    CHECK(load_weights(*module, read_weights(make.root(make.dict({{"a", id}})))).complete());
    CHECK(value_of(*module, "a").equal(at::tensor({1.0F, 2.0F})));
  }

  TEST_CASE("NaN and infinities are loaded and counted") {
    const auto module = module_of_keys(list("a\t4\tfloat32\tparam\t\nb\t2\tfloat32\tparam\t\n"));
    auto a = at::ones({4});
    a[1] = std::numeric_limits<float>::quiet_NaN();
    a[3] = std::numeric_limits<float>::infinity();
    const auto report = load_weights(*module, weights_of({{"a", a}, {"b", at::full({2}, 3e38F)}}));
    REQUIRE(report.not_finite.size() == 1);
    CHECK(report.not_finite[0].key == "a");
    CHECK(report.not_finite[0].count == 2);
    CHECK(report.text().find("a: 2 values") != std::string::npos);
    CHECK(same_bits(value_of(*module, "a"), a));
  }

  TEST_CASE("integers that the module's type does not have are refused, others become it") {
    const auto module = module_of_keys(list("a\t2\tuint8\tbuffer\t\nb\t1\tfloat32\tparam\t\n"));
    const auto with = [](at::Tensor a) { return weights_of({{"a", std::move(a)}, {"b", at::ones({1})}}); };
    CHECK(load_weights(*module, with(at::tensor({3, 255}, at::kLong))).complete());
    CHECK(value_of(*module, "a").equal(at::tensor({3, 255}, at::kByte)));
    CHECK(fault_of(*module, with(at::tensor({3, 300}, at::kLong)))
              .find("a: [2] int64 in the file, [2] uint8 in the model; 300 is no uint8") != std::string::npos);
    CHECK(fault_of(*module, with(at::tensor({-1, 3}, at::kChar))).find("-1 is no uint8") != std::string::npos);
    CHECK(value_of(*module, "a").equal(at::tensor({3, 255}, at::kByte)));
    const auto lenient = load_weights(*module, with(at::tensor({3, 300}, at::kLong)), {.lenient = true});
    CHECK(lenient.loaded == 1);
    CHECK(lenient.misshapen.size() == 1);
  }

  TEST_CASE("what becomes infinite in the module's type is counted") {
    const auto module = module_of_keys(list("h\t3\tfloat16\tparam\t\n"));
    const auto report = load_weights(*module, weights_of({{"h", at::tensor({1e5F, -1e5F, 1.0F})}}));
    REQUIRE(report.not_finite.size() == 1);
    CHECK(report.not_finite[0].count == 2);
  }

  TEST_CASE("a tensor that cannot be written to is an Error before anything changes") {
    const auto check = [](const at::Tensor& bad, const std::string& why) {
      torch::nn::Module module;
      auto good = module.register_buffer("a", at::zeros({2}));
      module.register_buffer("b", bad);
      const auto fault = fault_of(module, weights_of({{"a", at::ones({2})}, {"b", at::ones({2})}}));
      CHECK(fault.find(why) != std::string::npos);
      CHECK(fault.find("'b'") != std::string::npos);
      CHECK(good.equal(at::zeros({2})));
    };
    check(at::zeros({1}).expand({2}), "several of its numbers are one in memory");
    check(at::zeros({2}, at::kMeta), "no memory");
    const auto frozen = [] {
      const c10::InferenceMode on;
      return at::zeros({2});
    }();
    check(frozen, "inference mode");
  }

  TEST_CASE("names on one memory are one tensor only if they see the same of it") {
    const auto both = [](at::Tensor a, at::Tensor b) {
      torch::nn::Module module;
      module.register_buffer("a", std::move(a));
      module.register_buffer("b", std::move(b));
      return load_weights(module, weights_of({{"a", at::ones({2, 2})}, {"b", at::ones({2, 2})}})).module_tensors;
    };
    const auto memory = at::zeros({4, 2});
    CHECK(both(memory.slice(0, 0, 2), memory.slice(0, 0, 2)) == 1);
    CHECK(both(memory.slice(0, 0, 2), memory.slice(0, 2, 4)) == 2);
    CHECK(both(memory.slice(0, 0, 2), memory.slice(0, 0, 2).t()) == 2);
    TensorTies first_of;
    const auto none = at::zeros({2}, at::kMeta), empty = at::zeros({0});
    CHECK(first_of(none) == 0);
    CHECK(first_of(none) == 1);
    CHECK(first_of(empty) == 2);
    CHECK(first_of(empty) == 3);
    CHECK(first_of(memory) == 4);
    CHECK(first_of(memory) == 4);
  }

  TEST_CASE("a file of a whole model is answered with the part that fits") {
    const auto module = module_of_keys(list("w\t2\tfloat32\tparam\t\nb\t2\tfloat32\tparam\t\n"));
    const auto file =
        weights_of({{"model.enc.w", at::ones({2})}, {"model.enc.b", at::ones({2})}, {"model.dec.w", at::ones({3})}});
    const auto fault = fault_of(*module, file);
    CHECK(fault.find("from_part(\"model.enc.\", rules)") != std::string::npos);
    CHECK(fault.find("check --from model.enc.") != std::string::npos);
    CHECK(load_weights(*module, file, from_part("model.enc.")).complete());
    CHECK(fault_of(*module, weights_of({{"x", at::ones({2})}})).find("pass the network's rules") != std::string::npos);
  }

  TEST_CASE("tied tensors stay tied, and a file that gives them two values is refused") {
    const auto rows = list("a\t2\tfloat32\tparam\t\nb\t2\tfloat32\tparam\ta\n");
    const auto module = module_of_keys(rows);
    const auto one = load_weights(*module, weights_of({{"b", at::ones({2})}}));
    CHECK(one.complete());
    CHECK(one.loaded == 1);
    CHECK(value_of(*module, "a").equal(at::ones({2})));
    CHECK(load_weights(*module, weights_of({{"a", at::full({2}, 2.0F)}, {"b", at::full({2}, 2.0F)}})).complete());
    const auto nan = at::full({2}, std::numeric_limits<float>::quiet_NaN());
    CHECK(load_weights(*module, weights_of({{"a", nan}, {"b", nan.clone()}})).complete());
    CHECK(load_weights(*module, weights_of({{"a", at::full({2}, 2.0F)}})).complete());
    CHECK(fault_of(*module, weights_of({{"a", at::ones({2})}, {"b", at::zeros({2})}}))
              .find("the model ties 'a' and 'b', whose values differ in the file") != std::string::npos);
    CHECK(value_of(*module, "a").equal(at::full({2}, 2.0F)));
    CHECK_NOTHROW(expect_keys(*module, rows));
  }

  TEST_CASE("position tables take another size as their authors' code gives it") {  // golden/make_resized.py
    const auto table = read_file(test::file("weights/golden/resized.tsv"));
    const auto lines = split({reinterpret_cast<const char*>(table.data()), table.size()}, '\n');
    struct Case {
      std::string key, shape;
      std::uint64_t number;
    };
    const std::vector<Case> cases{
        {"relative_position_bias_table", "49x3", 1}, {"pos_embed", "1x16x3", 2}, {"pos_embed", "1x2x3x4", 3}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
      CAPTURE(lines[i + 1]);
      const auto cells = split(lines[i + 1], '\t');
      auto from = at::empty(*vos::detail::shape_from(cases[i].shape), at::kFloat);
      fill_values({FillRule::aot, cases[i].number}, 0,
                  {from.mutable_data_ptr<float>(), static_cast<std::size_t>(from.numel())});
      const auto module = module_of_keys(list("x." + cases[i].key + "\t" + cells[1] + "\tfloat32\tparam\t\n"));
      const auto report = load_weights(
          *module, weights_of({{"x." + cases[i].key, from}}),
          {.fits = {{"**relative_position_bias_table", Fit::window_table}, {"**pos_embed", Fit::positions}}});
      REQUIRE(report.fitted.size() == 1);
      const auto value = value_of(*module, "x." + cases[i].key).contiguous();
      const auto bits = split(cells[2], ' ');
      REQUIRE(static_cast<std::int64_t>(bits.size()) == value.numel());
      for (std::size_t k = 0; k < bits.size(); ++k) {
        const auto expected = std::bit_cast<float>(static_cast<std::uint32_t>(std::stoul(bits[k], nullptr, 16)));
        // Sums of 16 products below 1 whose order the processor's vector width may change.
        CHECK(value.const_data_ptr<float>()[k] == doctest::Approx(expected).epsilon(2e-6));
      }
    }
  }

  TEST_CASE("a head of another size keeps its initial values when the rules say so") {
    const auto module = module_of_keys(list("class_embed.weight\t3x4\tfloat32\tparam\t\nw\t2\tfloat32\tparam\t\n"));
    const auto report =
        load_weights(*module, weights_of({{"class_embed.weight", at::ones({5, 4})}, {"w", at::ones({2})}}),
                     {.fits = {{"class_embed.*", Fit::keep_init}}});
    CHECK(report.complete());
    CHECK(report.kept.size() == 1);
    CHECK(report.at_init() == 1);
    CHECK(value_of(*module, "class_embed.weight").equal(at::zeros({3, 4})));
  }
}
