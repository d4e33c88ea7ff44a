#include <vos/weights/numpy_pickle.hpp>
#include <vos/weights/pickle.hpp>

#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/io/files.hpp>

#include "../test.hpp"
#include "tensor_list.hpp"

namespace {

using namespace std::string_literals;
using vos::Checkpoint;
using vos::CheckpointNode;
using vos::CheckpointOptions;
using vos::NodeKind;
using vos::UnknownTypes;
using Bytes = std::vector<std::uint8_t>;

/// The tree of a pickle alone; its texts point into the file it holds.
Checkpoint tree(const std::string& pickle, const CheckpointOptions& options = {}) {
  Checkpoint checkpoint{.where = "FILE", .file = vos::FileBytes::of({pickle.begin(), pickle.end()})};
  checkpoint.root = vos::unpickle(checkpoint, checkpoint.file->all(), options);
  return checkpoint;
}

Checkpoint read(std::shared_ptr<const vos::FileBytes> file, const CheckpointOptions& options = {}) {
  Checkpoint checkpoint{.where = "FILE", .file = std::move(file)};
  vos::read_pickle(checkpoint, options);
  return checkpoint;
}

std::filesystem::path golden(const std::string& name) { return vos::test::file("weights/golden/pickle/" + name); }

/// What is wrong with a file; empty where nothing is.
std::string refusal(const std::string& pickle, const CheckpointOptions& options = {}) {
  try {
    read(vos::FileBytes::of({pickle.begin(), pickle.end()}), options);
    return "";
  } catch (const vos::Error& e) {
    CHECK(e.parts().where.starts_with("FILE"));
    CHECK(!e.parts().mend.empty());
    return e.what();
  }
}

void check_refused(const std::string& pickle, const std::string& words, const CheckpointOptions& options = {}) {
  CAPTURE(words);
  const auto message = refusal(pickle, options);
  CAPTURE(message);
  CHECK(message.find(words) != std::string::npos);
}

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// A text and its length before it.
std::string text(const std::string& value) { return "X" + number(value.size(), 4) + value; }

/// A call: the name, then the arguments in a tuple.
std::string call(const std::string& module, const std::string& name, const std::string& arguments) {
  return "c" + module + "\n" + name + "\n(" + arguments + "tR";
}

std::string storage(const std::string& type, const std::string& key, const std::string& elements) {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + elements + "tQ";
}

std::string repeated(const std::string& what, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += what;
  return text;
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("numpy arrays of every protocol are read, bit for bit") {
    const auto files = vos::test::tensor_list("pickle/tensors.tsv");  // see make_pickle.py
    REQUIRE(files.size() == 9);
    for (const auto& [file, lines] : files) {
      CAPTURE(file);
      const auto checkpoint = read(vos::FileBytes::map(golden(file)));
      CHECK(checkpoint.format == vos::CheckpointFormat::pickle);
      vos::test::check_tensor_list(checkpoint, lines);
    }
  }

  TEST_CASE("numpy's numbers become numbers") {
    for (int protocol = 0; protocol < 6; ++protocol) {
      CAPTURE(protocol);
      const auto checkpoint = read(vos::FileBytes::map(golden("scalars_" + std::to_string(protocol) + ".pkl")));
      const auto at = [&](std::string_view key) { return *checkpoint.find(checkpoint.top(), key); };
      CHECK(at("f4").real == 1.5);
      CHECK(at("f8").real == -2.5);
      CHECK(at("i8").integer == -3);
      CHECK(at("i4").integer == 7);
      CHECK(at("u8").kind == NodeKind::integer);
      CHECK(at("u8").text == "0xffffffffffffffff");
      CHECK(at("b1").kind == NodeKind::boolean);
      CHECK(at("b1").integer == 1);
    }
  }

  TEST_CASE("arrays of objects and texts are values, and no tensors") {
    for (const auto* file : {"objects.pkl", "texts.pkl"}) {
      const auto checkpoint = read(vos::FileBytes::map(golden(file)));
      CHECK(checkpoint.tensors.empty());
      const auto* array = checkpoint.find(checkpoint.top(), "a");
      CHECK(array->kind == NodeKind::object);
      CHECK(array->text == "numpy.ndarray");
    }
  }

  TEST_CASE("an array whose axes were changed about has an order, and no other than numpy's") {
    const auto array = [](const std::string& order, const std::string& axes) {
      return call(
          "numpy._core.numeric", "_frombuffer",
          "C\x06"s + "abcdef" + call("numpy", "dtype", text("u1") + "\x89\x88"s) + "K\2K\3\x86" + text(order) + axes);
    };
    const auto checkpoint = tree(array("K", "K\1K\0\x86"s) + ".");
    REQUIRE(checkpoint.tensors.size() == 1);
    CHECK(checkpoint.tensors[0].sizes == std::vector<std::int64_t>{3, 2});
    CHECK(checkpoint.tensors[0].strides == std::vector<std::int64_t>{1, 3});
    CHECK(tree(array("C", "") + ".").tensors[0].strides == std::vector<std::int64_t>{3, 1});
    CHECK(tree(array("F", "") + ".").tensors[0].strides == std::vector<std::int64_t>{1, 2});
    check_refused(array("A", "") + ".", "in the order 'A'");
    check_refused(array("K", "") + ".", "too few arguments");
    check_refused(array("K", "N") + ".", "sizes that are no tuple");
    for (const auto& axes :
         {")"s, "K\0\x85"s, "K\0K\0\x86"s, "K\0K\2\x86"s, "K\0J\xff\xff\xff\xff\x86"s, "K\0K\1K\2\x87"s})
      check_refused(array("K", axes) + ".", "order of axes is none");
  }

  TEST_CASE("arrays of equal bytes do not share memory") {
    const auto type = call("numpy", "dtype", text("u1") + "\x89\x88"s) + "q\1"s;
    const auto array = "cnumpy._core.numeric\n_frombuffer\n(h\0h\1K\1\x85"s + text("C") + "tR";
    const auto checkpoint = tree("C\1xq\0"s + type + "(" + repeated(array, 2) + "l.");
    REQUIRE(checkpoint.storages.size() == 2);
    CHECK(checkpoint.storages[0].bytes.data() != checkpoint.storages[1].bytes.data());
    CHECK(checkpoint.storages[0].bytes[0] == checkpoint.storages[1].bytes[0]);
  }

  TEST_CASE("every beginning of a numpy pickle is refused") {
    for (const auto* name : {"python2_0.pkl", "python2_2.pkl", "scalars_1.pkl", "scalars_5.pkl", "arrays_3.pkl"}) {
      CAPTURE(name);
      const auto bytes = vos::read_file(golden(name));
      const std::string whole{bytes.begin(), bytes.end()};
      for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK(!refusal(whole.substr(0, size)).empty());
      }
      CHECK(refusal(whole).empty());
    }
  }

  TEST_CASE("texts are read in all their spellings") {
    const auto checkpoint = tree(
        "(S'a\\x41\\'\\n\\101'\nS\"q\"\nVl\\u00f6we \\U0001f600\nV\xf6\nU\2hiT\3\0\0\0abcU\1\xff"s
        "\x8c\3\xe2\x82\xac"
        "X\3\0\0\0\xed\xa0\x80l."s);
    const auto item = [&](std::size_t i) { return checkpoint.node(checkpoint.top().items.at(i)); };
    CHECK(item(0).text == "aA'\nA");
    CHECK(item(1).text == "q");
    CHECK(item(2).text == "löwe 😀");
    CHECK(item(3).text == "ö");
    CHECK(item(4).text == "hi");
    CHECK(item(5).text == "abc");
    CHECK(item(5).kind == NodeKind::text);
    CHECK(item(6).kind == NodeKind::bytes);  // Python 2's str that is no UTF-8
    CHECK(item(7).text == "€");
    CHECK(item(8).kind == NodeKind::bytes);  // half a surrogate pair, which Python lets pass
  }

  TEST_CASE("numbers are read in all their spellings") {
    const auto checkpoint = tree(
        "(I00\nI01\nI-7\nL8L\nL-9\nL123456789012345678901L\nF2.5\nF-inf\nFnan\nJ\xfe\xff\xff\xffK\xffM\xff\xff"
        "\x8a\0\x8a\1\xff\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0"s
        "\x8b\3\0\0\0\1\0\0G\xbf\xf0\0\0\0\0\0\0l."s);
    const auto item = [&](std::size_t i) { return checkpoint.node(checkpoint.top().items.at(i)); };
    CHECK(item(0).kind == NodeKind::boolean);
    CHECK(item(1).integer == 1);
    CHECK(item(2).integer == -7);
    CHECK(item(3).integer == 8);
    CHECK(item(4).integer == -9);
    CHECK(item(5).text == "123456789012345678901");
    CHECK(item(6).real == 2.5);
    CHECK(item(7).real == -std::numeric_limits<double>::infinity());
    CHECK(item(8).real != item(8).real);
    CHECK(item(9).integer == -2);
    CHECK(item(10).integer == 255);
    CHECK(item(11).integer == 65535);
    CHECK(item(12).integer == 0);
    CHECK(item(13).integer == -1);
    CHECK(item(14).integer == INT64_MAX);
    CHECK(item(15).text == "0xffffffffffffffff");
    CHECK(item(16).integer == 1);
    CHECK(item(17).real == -1);
  }

  TEST_CASE("objects of old and new make are the same tree") {
    const std::string state = "}" + text("lr") + "K\1sb.";
    for (const auto& made : {"cargparse\nNamespace\n)\x81"s, "(iargparse\nNamespace\n"s, "(cargparse\nNamespace\no"s,
                             "cargparse\nNamespace\n)}\x92"s,
                             "\x8c\x08"
                             "argparse\x8c\x09Namespace\x93)\x81"s,
                             call("copy_reg", "_reconstructor", "cargparse\nNamespace\nc__builtin__\nobject\nN"),
                             call("copyreg", "__newobj__", "cargparse\nNamespace\n")}) {
      CAPTURE(made);
      const auto checkpoint = tree(made + state);
      CHECK(checkpoint.top().kind == NodeKind::object);
      CHECK(checkpoint.top().text == "argparse.Namespace");
      REQUIRE(!checkpoint.top().items.empty());
      CHECK(checkpoint.find(checkpoint.node(checkpoint.top().items.back()), "lr")->integer == 1);
    }
  }

  TEST_CASE("dicts of every class are dicts") {
    const std::string pairs = "((" + text("a") + "K\1t(" + text("b") + "K\2tl";
    for (const auto& made :
         {call("collections", "OrderedDict", pairs),
          "ccollections\nOrderedDict\n)R(" + text("a") + "K\1" + text("b") + "K\2u",
          call("collections", "defaultdict", "c__builtin__\nlist\n") + text("a") + "K\1s" + text("b") + "K\2s",
          call("addict.addict", "Dict", "(" + text("a") + "K\1t") + text("a") + "K\1s" + text("b") + "K\2s",
          call("copy_reg", "_reconstructor",
               "ceasydict\nEasyDict\nc__builtin__\ndict\n(" + text("a") + "K\1" + text("b") + "K\2d"),
          "(" + text("a") + "K\1" + text("b") + "K\2d"}) {
      CAPTURE(made);
      const auto checkpoint = tree(made + ".");
      CHECK(checkpoint.top().kind == NodeKind::dict);
      REQUIRE(checkpoint.top().items.size() == 4);
      CHECK(checkpoint.find(checkpoint.top(), "b")->integer == 2);
    }
  }

  TEST_CASE("what is on no list is refused by name and place, or kept without running") {
    const auto pickle = "\x80\2}"s + text("head") + "cmy.net\nHead\n(K\3t\x81}" + text("k") + "K\4sbs.";
    check_refused(pickle, "'my.net.Head'");
    check_refused(pickle, "FILE, byte 12");
    const auto kept = tree(pickle, {.unknown = UnknownTypes::keep});
    const auto& head = *kept.find(kept.top(), "head");
    CHECK(head.kind == NodeKind::object);
    CHECK(head.text == "my.net.Head");
    REQUIRE(head.items.size() == 2);
    CHECK(kept.node(kept.node(head.items[0]).items[0]).integer == 3);
    CHECK(kept.find(kept.node(head.items[1]), "k")->integer == 4);
    // A class of its own that is a list or a dict.
    const auto list = tree("cmy\nList\n)\x81(K\1K\2eK\3a.", {.unknown = UnknownTypes::keep});
    REQUIRE(list.top().items.size() == 2);
    CHECK(list.node(list.top().items[1]).items.size() == 3);
    const auto dict =
        tree("cmy\nDict\n)\x81" + text("a") + "K\1s" + text("b") + "K\2s.", {.unknown = UnknownTypes::keep});
    CHECK(dict.find(dict.node(dict.top().items.at(1)), "b")->integer == 2);
  }

  TEST_CASE("what would run programs is refused however tolerant the reader") {
    for (const auto& [module, name] : std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                                                       {"posix", "system"},
                                                                                       {"nt", "system"},
                                                                                       {"subprocess", "Popen"},
                                                                                       {"builtins", "eval"},
                                                                                       {"__builtin__", "eval"},
                                                                                       {"builtins", "exec"},
                                                                                       {"__builtin__", "__import__"},
                                                                                       {"builtins", "eval.__call__"},
                                                                                       {"my", "os.system"},
                                                                                       {"torch.os", "system"},
                                                                                       {"runpy", "_run_code"},
                                                                                       {"torch.hub", "load"},
                                                                                       {"operator", "attrgetter"}}) {
      for (const auto unknown : {UnknownTypes::refuse, UnknownTypes::keep}) {
        const auto pickle = "cmy\nThing\n" + call(module, name, text("touch /tmp/owned")) + "0.";
        check_refused(pickle, "asks Python to run '", {.unknown = unknown});
        check_refused(pickle, "do not open it in Python", {.unknown = unknown});
      }
    }
    check_refused(call("builtins", "getattr", "cos\nsystem\n" + text("__call__")) + ".",
                  "asks Python to run 'os.system'");
    check_refused(call("builtins", "getattr", "cargparse\nNamespace\n" + text("__class__")) + ".",
                  "run 'builtins.getattr'");
    check_refused(call("builtins", "getattr",
                       call("builtins", "getattr", "ctorch\nserialization\n" + text("os")) + text("system")) +
                      ".",
                  "run 'torch.serialization.os.system'");
    CHECK(refusal(call("builtins", "getattr", "cmmengine.logging.history_buffer\nHistoryBuffer\n" + text("mean")) + ".")
              .empty());
    // Names that only look like it.
    for (const auto* module : {"osmosis", "system", "evaluate", "io", "http", "commands", "platform", "code"})
      CHECK(refusal("c"s + module + "\nNet\n)\x81.", {.unknown = UnknownTypes::keep}).empty());
  }

  TEST_CASE("methods of classes are values: those of unknown ones refused by name, or kept") {
    const auto method = [](const std::string& owner, const std::string& name) {
      return call("builtins", "getattr", "c" + owner + "\n" + text(name)) + ".";
    };
    CHECK(refusal(method("torch\nTensor", "_special")).empty());
    for (const auto& [owner, name] :
         {std::pair{"my\nNet"s, "my.Net"s},
          std::pair{"torch.optim.lr_scheduler\nOneCycleLR"s, "torch.optim.lr_scheduler.OneCycleLR"s}}) {
      const auto message = refusal(method(owner, "_annealing_cos"));
      CHECK(message.find("it holds a '" + name) != std::string::npos);
      CHECK(message.find("do not open") == std::string::npos);
      const auto kept = tree(method(owner, "_annealing_cos"), {.unknown = UnknownTypes::keep});
      CHECK(kept.top().text == name + "._annealing_cos");
    }
  }

  TEST_CASE("annotations of types are values") {
    const auto get = [](const std::string& owner) {
      return call("_operator", "getitem", owner + "c__builtin__\nstr\nc__builtin__\nint\n\x86") + ".";
    };
    CHECK(refusal(get("ctyping\nDict\n")).empty());
    check_refused(get("]"), "'operator.getitem'");
    CHECK(refusal(get("]"), {.unknown = UnknownTypes::keep}).empty());
    check_refused("coperator\nadd\n.", "it holds a 'operator.add'");
  }

  TEST_CASE("values of Python's and numpy's own types are values") {
    for (const auto& value : {"c__builtin__\nEllipsis\n"s, call("decimal", "Decimal", text("1.5")),
                              call("fractions", "Fraction", text("1/2")), "cuuid\nUUID\n)\x81}" + text("int") + "K\7sb",
                              call("inspect", "_ParameterKind", "K\1"), "cnumpy\nfloat32\n"s, "ctorch\nbits8\n"s,
                              "ctorch\nuint1\n"s, "ctorch\nquint4x2\n"s})
      CHECK(refusal(value + ".") == "");
  }

  TEST_CASE("tensors of accelerators that were saved as arrays are tensors") {
    const auto array = call("numpy._core.numeric", "_frombuffer",
                            "C\2ab"s + call("numpy", "dtype", text("u1") + "\x89\x88"s) + "K\2\x85" + text("C"));
    for (const auto* name :
         {"_rebuild_device_tensor_from_numpy", "_rebuild_device_tensor_from_cpu_tensor", "_rebuild_xla_tensor"}) {
      const auto checkpoint =
          tree(call("torch._utils", name, array + "ctorch\nuint8\n" + text("xla:0") + "\x88") + ".");
      REQUIRE(checkpoint.top().kind == NodeKind::tensor);
      CHECK(checkpoint.tensors[0].requires_grad);
    }
  }

  TEST_CASE("tensors that are more than numbers in a storage say what to save instead") {
    const auto message = [](const std::string& name) { return refusal("ctorch._utils\n" + name + "\n."); };
    CHECK(message("_rebuild_sparse_tensor").find("tensor.to_dense()") != std::string::npos);
    CHECK(message("_rebuild_meta_tensor_no_storage").find("a tensor without numbers") != std::string::npos);
    CHECK(message("_rebuild_nested_tensor").find("tensor.unbind()") != std::string::npos);
  }

  TEST_CASE("a whole model in a pickle gets its own answer") {
    const auto pickle = "cnet\nNet\n)\x81}("s + text("training") + "\x88" + text("_parameters") + "}" +
                        text("_buffers") + "}" + text("_modules") + "}ub.";
    check_refused(pickle, "a whole pickled model");
    check_refused(pickle, "torch.save(model.state_dict(), 'weights.pth')");
    check_refused("ctorch.nn.modules.conv\nConv2d\n", "a whole pickled model");
  }

  TEST_CASE("tensors saved by pickle.dump get their own answer") {
    check_refused(call("torch.storage", "_load_from_bytes", "C\1x") + ".",
                  "torch.save(pickle.load(open('FILE', 'rb'))");
  }

  TEST_CASE("a pickle without the numbers of its tensors says so") {
    const auto tensor = call("torch._utils", "_rebuild_tensor_v2",
                             storage("FloatStorage", "0", "K\6") + "K\0K\2K\3\x86K\3K\1\x86\x89N"s);
    check_refused(tensor + ".", "its tensors' numbers are not in this file");
    // The container that fills them gets records by key.
    const auto checkpoint = tree("(" + tensor + tensor + "l.");
    CHECK(checkpoint.tensors.size() == 2);
    REQUIRE(checkpoint.storages.size() == 1);
    CHECK(checkpoint.storages[0].elements == 6);
    CHECK(checkpoint.storages[0].bytes.empty());
  }

  TEST_CASE("tricks are refused, each in its words") {
    const auto tensor = [](const std::string& arguments) {
      return call("torch._utils", "_rebuild_tensor_v2", arguments) + ".";
    };
    const auto one = storage("FloatStorage", "0", "K\1");
    const auto array = [](const std::string& shape, const std::string& type, const std::string& data) {
      return call("numpy.core.multiarray", "_reconstruct", "cnumpy\nndarray\nK\0\x85"s + text("b")) + "(K\1" + shape +
             call("numpy", "dtype", text(type) + "K\0K\1"s) + "\x89" + data + "tb.";
    };
    const std::vector<std::pair<std::string, std::string>> tricks{
        {"\xff.", "instruction 255 is unknown"},
        {"\x80\x06N.", "pickle protocol 6"},
        {".", "takes more values than there are"},
        {"(.", "takes more values than there are"},
        {"0.", "takes more values than there are"},
        {"N00.", "takes more values than there are"},
        {"2.", "takes more values than there are"},
        {"(2.", "takes more values than there are"},
        {"q\0."s, "takes more values than there are"},
        {"N(\x85.", "takes more values than there are"},
        {"N(R.", "takes more values than there are"},
        {"](N1a.", "takes more values than there are"},
        {"1.", "needs a mark"},
        {"Nt.", "needs a mark"},
        {"]Ne.", "needs a mark"},
        {"h\0."s, "recalls value 0"},
        {"N0h\7.", "recalls value 7"},
        {"Np-1\n.", "'-1' is no number"},
        {"Np99999999999999999999\n.", "is no number of a kept value"},
        {"Nr\xff\xff\xff\xff"s + "0j\xfe\xff\xff\xff.", "recalls value 4294967294"},
        {"g0", "in the middle of a line"},
        {"cos", "in the middle of a line"},
        {"X\xff\xff\xff\xffy.", "4294967295 bytes wanted, 2 are left"},
        {"\x8d\xff\xff\xff\xff\xff\xff\xff\xffy.", "18446744073709551615 bytes wanted"},
        {"\x8e\0\0\0\0\0\0\0\x80y."s, "9223372036854775808 bytes wanted"},
        {"\x96\xff\xff\xff\x7f\0\0\0\0y."s, "2147483647 bytes wanted"},
        {"\x8b\xff\xff\xff\xffy.", "4294967295 bytes wanted"},
        {"T\xff\xff\xff\x7fy.", "2147483647 bytes wanted"},
        {"\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "a frame of 9223372036854775807 bytes"},
        {"I12x\n.", "'12x' is no whole number"},
        {"I\n.", "is no whole number"},
        {"I" + std::string(100, '7') + "\n\0"s + "0\xff", "instruction 0 is unknown"},
        {"F1.5.5\n.", "'1.5.5' is no number"},
        {"S'abc\n.", "this text cannot be read"},
        {"S'\\x4'\n.", "this text cannot be read"},
        {"S'\\'\n.", "this text cannot be read"},
        {"V\\u12\n.", "this text cannot be read"},
        {"V\\Uffffffff\n.", "this text cannot be read"},
        {"P1\n.", "refers to something outside by a text"},
        {"NQ.", "refers to something outside that is no storage"},
        {"(" + text("storage") + "tQ.", "too few arguments"},
        {"(" + text("storage") + "NK\0NK\0tQ."s, "a storage without a type"},
        {"\x82\1.", "copyreg.add_extension"},
        {"\x97.", "out-of-band buffers"},
        {"]N]bb.", "gives a state to a value that has none"},
        {"cargparse\nNamespace\nNb.", "it changes a class"},
        {"N)R.", "it calls what is no function"},
        {"cargparse\nNamespace\nNR.", "without a tuple of arguments"},
        {"(o.", "an object without a class"},
        {"NN\x93.", "a class whose name is no text"},
        {"]NNs.", "adds to a value that cannot hold others"},
        {"}Na.", "adds to a value that cannot hold others"},
        {")Na.", "adds to a value that cannot hold others"},
        {"(Nd.", "a key without a value"},
        {"}(NNNu.", "a key without a value"},
        {"c" + std::string(600, 'a') + "\nb\n.", "a name of more than 512 letters"},
        {"ccollections\nOrderedDict\n(((NNNtltR.", "does not hold pairs"},
        {call("__builtin__", "set", "N") + ".", "from something else"},
        {call("_codecs", "encode", text("a") + text("rot13")) + ".", "a text in Latin-1"},
        {call("_codecs", "encode", text("\xe2\x82\xac") + text("latin1")) + ".", "this text cannot be read"},
        {call("torch", "FloatStorage", "") + ".", "it calls 'torch.FloatStorage'"},
        {call("torch", "float32", "") + ".", "it calls 'torch.float32'"},
        {tensor("NK\0))\x89N"s), "a tensor without a storage"},
        {tensor(one + "N))\x89N"), "a number is expected"},
        {tensor(one + "K\0N)\x89N"s), "sizes that are no tuple"},
        {tensor(one + "K\0("s + repeated("K\1", 65) + "t)\x89N"), "more than 64 dimensions"},
        {tensor(one + "K\0)"s), "too few arguments"},
        {tensor(one + "K\0))\x89N}"s + text("conj") + "\x88s"), "'conj'"},
        {tensor(one + "K\0))\x89N}("s + repeated("N\x89", 9) + text("neg") + "K\1u"), "'neg'"},
        {tensor(storage("FloatStorage", "", "K\1") + "K\0))\x89N"s), "a storage without a usable name"},
        {"(" + one + storage("DoubleStorage", "0", "K\1") + "l.", "has 1 numbers here and 1 elsewhere"},
        {call("torch._utils", "_rebuild_tensor_v3", one + "K\0))\x89NN"s) + ".", "a tensor without a number type"},
        {call("torch._utils", "_rebuild_parameter", "N\x88N") + ".", "a parameter that is no tensor"},
        {call("torch._utils", "_rebuild_qtensor",
              storage("QInt8Storage", "0", "K\1") + "K\0))(ctorch\nper_channel_affine\nNNK\0t\x89N"s) +
             ".",
         "a scale for each channel"},
        {call("torch._tensor", "_rebuild_from_type_v2", "ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n)N") +
             ".",
         "made in a way that is not known"},
        {call("torch._utils", "_rebuild_sparse_tensor", "N"), "'torch._utils._rebuild_sparse_tensor'"},
        {array("K\3\x85", "f4", "U\4abcd"), "sizes do not fit its 4 bytes"},
        {array("K\1\x85", "f4", "U\5abcde"), "sizes do not fit its 5 bytes"},
        {array("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86", "f4", "U\4abcd"),
         "sizes do not fit its 4 bytes"},
        {array("J\xff\xff\xff\xff\x85", "f4", "U\4abcd"), "sizes do not fit"},
        {array("K\1\x85", "f4", "]"), "an array without bytes"},
        {array("K\1\x85", "f4", text("abcd")), "an array without bytes"},
        {array("K\1\x85", "f16", "U\4abcd"), "a numpy array of type 'f16'"},
        {call("numpy.core.multiarray", "scalar", "NU\4abcd") + ".", "an array without a number type"},
    };
    for (const auto& [pickle, words] : tricks) check_refused(pickle, words);
  }

  TEST_CASE("what Python allows and seldom sees is allowed") {
    CHECK(tree("(0N.").top().kind == NodeKind::none);    // POP takes the mark
    CHECK(tree("N(NN1.").top().kind == NodeKind::none);  // POP_MARK
    CHECK(tree("NNN(N.").top().kind == NodeKind::none);  // values left over
    CHECK(tree("K\7r\xff\xff\xff\xff"s + "0j\xff\xff\xff\xff.").top().integer == 7);
    CHECK(tree("K\7p4000000000\n0g4000000000\n.").top().integer == 7);
    CHECK(tree("K\1\x94K\2\x94"
               "00h\1.")
              .top()
              .integer == 2);
    std::size_t end = 0;
    Checkpoint checkpoint{.where = "FILE"};
    const Bytes pickle{'N', '.', 'x', 'x'};
    vos::unpickle(checkpoint, pickle, {}, &end);
    CHECK(end == 2);
  }

  TEST_CASE("a list that holds itself, and a billion laughs, are small trees") {
    const auto self = tree("]q\0h\0a."s);
    REQUIRE(self.top().items.size() == 1);
    CHECK(self.top().items[0] == self.root);
    int seen = 0;
    vos::for_each_node(self, self.root, [&](const std::string&, vos::NodeId) { ++seen; });
    CHECK(seen == 2);

    std::string laughs = "]";  // each list holds the one before ten times
    for (int i = 0; i < 100; ++i) laughs += "q\0]("s + repeated("h\0"s, 10) + "e";
    const auto laughing = tree(laughs + ".");
    CHECK(laughing.nodes.size() == 101);
    seen = 0;
    vos::for_each_node(laughing, laughing.root, [&](const std::string&, vos::NodeId) { ++seen; });
    CHECK(seen < 2000);
  }

  TEST_CASE("no nesting is too deep") {
    constexpr int depth = 1 << 20;
    const auto checkpoint = tree(repeated("(", depth) + repeated("l", depth) + ".");
    CHECK(checkpoint.nodes.size() == depth);
    int seen = 0;
    vos::for_each_node(checkpoint, checkpoint.root, [&](const std::string&, vos::NodeId) { ++seen; });
    CHECK(seen == static_cast<int>(vos::tree_depth_limit) + 1);
    CHECK(tree(repeated("]", depth) + repeated("a", depth - 1) + ".").nodes.size() == depth);
    CHECK(tree("N" + repeated("\x85", depth) + ".").nodes.size() == depth + 1);
  }

  TEST_CASE("bombs go off small and soon") {
    const auto start = std::clock();
    constexpr int million = 1 << 20;
    const CheckpointOptions few{.max_nodes = million};
    const std::string words = "more values than real checkpoints do";
    check_refused(repeated("]", million + 1) + ".", words, few);
    // Few instructions that copy much, many times over.
    const auto list = "](" + repeated("N", 1000) + "eq\0"s;
    check_refused(list + repeated("c__builtin__\nset\nh\0\x85R0"s, 2000) + ".", words, few);
    check_refused("(" + repeated("NN", 500) + "dq\0"s + repeated("ccollections\nCounter\nh\0\x85R0"s, 2000) + ".",
                  words, few);
    check_refused("(cargparse\nNamespace\n" + repeated("N", 1000) + "tq\0"s +
                      repeated("ccopyreg\n__newobj__\nh\0R0"s, 2000) + ".",
                  words, few);
    const auto sizes = "(" + repeated("K\1", 64) + "tq\1";
    check_refused(storage("FloatStorage", "0", "K\1") + "q\0"s + sizes +
                      repeated("ctorch._utils\n_rebuild_tensor\n(h\0K\0h\1h\1tR0"s, 10000) + ".",
                  words, few);
    // Texts that are converted over and over.
    check_refused(
        text(std::string(100000, 'a')) + "q\0"s + repeated("c_codecs\nencode\n(h\0X\6\0\0\0latin1tR0"s, 2000) + ".",
        "unpacks to far more than its own length");
    check_refused(call("numpy", "dtype", text(">f4") + "K\0K\1"s) + "q\0"s + "B\xa0\x86\1\0"s +
                      std::string(100000, 'a') + "q\1"s +
                      repeated("cnumpy.core.numeric\n_frombuffer\n(h\1h\0\x8a\2\xa8\x61\x85X\1\0\0\0CtR0"s, 2000) + ".",
                  "unpacks to far more than its own length");
    // Names made of memoised texts; far numbers in the memo; one key a million times.
    check_refused(text(std::string(512, 'a')) + "q\0"s + repeated("h\0h\0\x93"s, 10000) + ".",
                  "unpacks to far more than its own length", {.unknown = UnknownTypes::keep});
    std::string memo = "N";
    for (std::uint64_t i = 0; i < 100000; ++i) memo += "r" + number(i * 40009, 4);
    CHECK(tree(memo + ".").nodes.size() == 1);
    const auto keys = tree("}(" + text("k") + "q\0"s + "N" + repeated("h\0N"s, million) + "u.");
    CHECK(keys.top().items.size() == 2 * (million + 1));
    CHECK(keys.find(keys.top(), "k") != nullptr);
    // Generous for a sanitized build; without bounds these take hours. The time of this process, however busy the machine.
    CHECK((std::clock() - start) / CLOCKS_PER_SEC < 60);
  }
}
