#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <vos/weights/select.hpp>

#include "test.hpp"
#include "weights/made.hpp"

using namespace vos;
using test::CheckpointMaker;

namespace {

std::string names_in(const Checkpoint& checkpoint, const SelectOptions& options = {}) {
  std::vector<std::string> names;
  for (const auto& weight : weights_in(checkpoint, options)) names.push_back(weight.name);
  return join(names, " ");
}

std::string fault_of(const Checkpoint& checkpoint, const SelectOptions& options = {}) {
  try {
    static_cast<void>(weights_in(checkpoint, options));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("the weights of a training checkpoint are its state, whatever lies beside it") {
    CheckpointMaker make;
    const auto weights =
        make.dict({{"conv.weight", make.tensor({2})}, {"_metadata", make.number(1)}, {"conv.bias", make.tensor({3})}});
    const auto optimizer = make.dict({{"state", make.dict({{"exp_avg", make.tensor({2})}})}});
    const auto epoch = make.tensor({});
    for (const auto* name :
         {"state_dict", "model", "net", "network", "model_state_dict", "weights", "params", "an unusual one"}) {
      CAPTURE(name);
      const auto file = make.root(make.dict({{"epoch", make.number(7)}, {"optimizer", optimizer}, {name, weights}}));
      CHECK(names_in(*file) == "conv.weight conv.bias");
    }
    CHECK(names_in(*make.root(make.dict({{"step", epoch}, {"model", weights}}))) == "conv.weight conv.bias");
    CHECK(names_in(*make.root(weights)) == "conv.weight conv.bias");
    CHECK(names_in(*make.root(make.dict({{"model", make.dict({{"state_dict", weights}, {"args", make.text("")}})}}))) ==
          "conv.weight conv.bias");
  }

  TEST_CASE("state_dict comes before model, and what has no tensors counts for nothing") {
    CheckpointMaker make;
    const auto a = make.dict({{"a", make.tensor({1})}}), b = make.dict({{"b", make.tensor({1})}});
    CHECK(names_in(*make.root(make.dict({{"model", b}, {"state_dict", a}}))) == "a");
    CHECK(names_in(*make.root(make.dict({{"model", b}, {"state_dict", make.text("see model")}}))) == "b");
    CHECK(names_in(*make.root(make.dict({{"state_dict", make.dict({})}, {"model", b}}))) == "b");
  }

  TEST_CASE("a file with several parts keeps their names, without those of training") {
    CheckpointMaker make;
    const auto a = make.dict({{"w", make.tensor({1})}});
    const auto file = make.root(make.dict({{"backbone", a},
                                           {"optimizer", make.dict({{"0", make.tensor({1})}})},
                                           {"head", make.dict({{"w", make.tensor({1})}})}}));
    CHECK(names_in(*file) == "backbone.w head.w");
    CHECK(names_in(*file, {.part = "head"}) == "w");
    CHECK(fault_of(*file, {.part = "heads"})
              .find("no part 'heads'; in it: 'backbone' (1 tensor), 'optimizer' (1 tensor), 'head' (1 tensor)") !=
          std::string::npos);
  }

  TEST_CASE("layers may be called what training calls its parts") {
    CheckpointMaker make;
    const auto flat = make.dict({{"conv.weight", make.tensor({1})},
                                 {"scaler.weight", make.tensor({1})},
                                 {"args.w", make.tensor({1})},
                                 {"config.emb", make.tensor({1})},
                                 {"amp", make.tensor({1})}});
    const std::string names = "conv.weight scaler.weight args.w config.emb amp";
    CHECK(names_in(*make.root(flat)) == names);
    CHECK(names_in(*make.root(make.dict({{"state_dict", flat}}))) == names);
    const auto nested =
        make.dict({{"conv", make.dict({{"w", make.tensor({1})}})}, {"scaler", make.dict({{"w", make.tensor({1})}})}});
    CHECK(names_in(*make.root(make.dict({{"model", nested}, {"epoch", make.number(1)}}))) == "conv.w scaler.w");
    // At the top they are training's.
    const auto part = make.dict({{"w", make.tensor({1})}});
    CHECK(names_in(*make.root(
              make.dict({{"a", part}, {"b", make.dict({{"w", make.tensor({1})}})}, {"scaler", flat}}))) == "a.w b.w");
  }

  TEST_CASE("a file with averaged weights alone gives these") {
    CheckpointMaker make;
    const auto averaged = make.dict({{"conv.w", make.tensor({1})}});
    const auto optimizer = make.dict({{"m", make.tensor({1})}});
    for (const auto* name : {"ema", "model_ema", "shadow"})
      CHECK(names_in(*make.root(make.dict({{name, averaged}, {"epoch", make.number(1)}, {"optimizer", optimizer}}))) ==
            "conv.w");
    const auto nested = make.dict({{"decay", make.number(1)}, {"module", averaged}});
    CHECK(names_in(*make.root(make.dict({{"ema", nested}}))) == "conv.w");
  }

  TEST_CASE("averaged weights are taken when asked for") {
    CheckpointMaker make;
    const auto plain = make.dict({{"plain", make.tensor({1})}}), averaged = make.dict({{"averaged", make.tensor({1})}});
    for (const auto* name : {"ema", "model_ema", "state_dict_ema", "ema_state_dict", "ema_model"}) {
      CAPTURE(name);
      const auto file = make.root(make.dict({{"state_dict", plain}, {name, averaged}}));
      CHECK(names_in(*file) == "plain");
      CHECK(names_in(*file, {.ema = true}) == "averaged");
    }
    const auto nested = make.dict({{"decay", make.number(1)}, {"module", averaged}});
    CHECK(names_in(*make.root(make.dict({{"model", plain}, {"ema", nested}})), {.ema = true}) == "averaged");
    const auto none = make.root(make.dict({{"model", plain}}));
    CHECK(fault_of(*none, {.ema = true}).find("no averaged weights; in it: 'model' (1 tensor)") != std::string::npos);
  }

  TEST_CASE("a file without weights says what it has") {
    CheckpointMaker make;
    const auto fault = fault_of(
        *make.root(make.dict({{"epoch", make.number(3)}, {"optimizer", make.dict({{"m", make.tensor({1})}})}})));
    CHECK(fault.find("the file holds no weights; in it: 'epoch', 'optimizer' (1 tensor)") != std::string::npos);
    CHECK(fault.find("made.pth") != std::string::npos);
    CHECK(fault_of(*make.root(make.number(1))).find("the file holds no weights") != std::string::npos);
  }

  TEST_CASE("tensors keep the file's order, notes are left out and of one name twice the last counts") {
    CheckpointMaker make;
    const auto first = make.tensor({1}), second = make.tensor({2});
    const auto file = make.root(make.dict({{"z", first}, {"@optimizer.m", first}, {"a", first}, {"z", second}}));
    CHECK(names_in(*file) == "z a");
    CHECK(file->tensors[weights_in(*file)[0].tensor].sizes == std::vector<std::int64_t>{2});
  }

  TEST_CASE("a dict that holds itself, and a million empty ones, end soon") {
    CheckpointMaker make;
    const auto inner = make.dict({{"w", make.tensor({1})}});
    const auto outer = make.dict({{"model", inner}});
    make.node(inner).items.push_back(make.text("model"));
    make.node(inner).items.push_back(outer);
    CHECK(names_in(*make.root(outer)).find("w") != std::string::npos);

    CheckpointMaker many;
    CheckpointMaker::Pairs pairs;
    const auto empty = many.dict({{"x", many.number(1)}});
    for (int i = 0; i < 100'000; ++i)
      pairs.emplace_back(std::to_string(i), i % 2 == 0 ? empty : many.dict({{"y", empty}}));
    pairs.emplace_back("weights of mine", many.dict({{"w", many.tensor({1})}}));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(names_in(*many.root(many.dict(pairs))) == "w");
    // 20 ms here; a walk for each dict would take minutes.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  }
}
