#include <vos/weights/safetensors.hpp>
#include <vos/weights/write_safetensors.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <vos/io/files.hpp>

#include "../python.hpp"
#include "../refusal.hpp"
#include "../test.hpp"

namespace {

using nlohmann::json;
using vos::Checkpoint;
using vos::CheckpointOptions;
using vos::DType;
using vos::FileBytes;
using vos::TensorBytes;
using vos::test::Folder;

using Bytes = std::vector<std::uint8_t>;
using Opened = std::unique_ptr<Checkpoint>;  // it points into itself

Opened open(std::shared_ptr<const FileBytes> file, const CheckpointOptions& options = {}) {
  auto checkpoint = std::make_unique<Checkpoint>();
  checkpoint->where = "a.safetensors";
  checkpoint->file = std::move(file);
  vos::read_safetensors(*checkpoint, options);
  return checkpoint;
}

vos::Error::Parts refusal(const auto& act) { return vos::test::refused(act).parts(); }

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto byte : bytes) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return text;
}

/// A checkpoint in the form of golden/safetensors.json; a name that stands there twice would not go unnoticed.
json described(const Checkpoint& checkpoint) {
  json tensors = json::object();
  const auto& items = checkpoint.top().items;
  for (std::size_t i = 0; i < items.size(); i += 2) {
    const auto& tensor = checkpoint.tensors[static_cast<std::size_t>(checkpoint.node(items[i + 1]).integer)];
    CHECK(tensor.offset == 0);
    tensors[std::string{checkpoint.node(items[i]).text}] = {{"dtype", vos::info_of(tensor.dtype).name},
                                                            {"shape", tensor.sizes},
                                                            {"bytes", hex(checkpoint.storages[tensor.storage].bytes)}};
  }
  CHECK(tensors.size() == items.size() / 2);
  return {{"metadata", checkpoint.metadata}, {"tensors", tensors}};
}

/// A file whose first 8 bytes claim a header of `claimed` bytes.
Bytes file_of(const std::string& header, std::size_t data, std::uint64_t claimed) {
  Bytes file;
  for (int i = 0; i < 64; i += 8) file.push_back(static_cast<std::uint8_t>(claimed >> i));
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + data, 7);
  return file;
}

Bytes file_of(const std::string& header, std::size_t data) { return file_of(header, data, header.size()); }

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

/// One tensor of each type, its bytes numbered from `begin` on; bools are 0 and 1.
struct Zoo {
  std::vector<Bytes> bytes;
  std::vector<TensorBytes> tensors;

  explicit Zoo(const std::vector<DType>& types) {
    bytes.reserve(types.size());
    for (const auto type : types) {
      auto& numbers = bytes.emplace_back(static_cast<std::size_t>(6 * vos::bytes_of(type)));
      for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = static_cast<std::uint8_t>(type == DType::boolean ? i % 2 : 31 * bytes.size() + 5 * i);
      tensors.push_back({std::string{vos::info_of(type).name}, type, {3, 2}, numbers});
    }
  }
};

std::vector<DType> all_types() {
  std::vector<DType> types;
  for (const auto& info : vos::dtypes)
    if (!info.safetensors.empty()) types.push_back(info.dtype);
  return types;
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("files of the official writer are read bit by bit, of every type") {
    const auto folder = vos::test::file("weights/golden");
    const auto text = vos::read_file(folder / "safetensors.json");
    const auto expected = json::parse(text.begin(), text.end());
    REQUIRE(expected.size() == 2);
    for (const auto& [name, content] : expected.items())
      for (const auto& file : {FileBytes::map(folder / name), FileBytes::read(folder / name)})
        CHECK(described(*open(file)) == content);
    CHECK(expected["torch.safetensors"]["tensors"].size() == all_types().size() + 6);
  }

  TEST_CASE("entries keep the order of the header, and tensors are contiguous") {
    const auto checkpoint = open(FileBytes::of(
        file_of("{" + entry("b", "F32", "[2,1,3]", "[4,28]") + "," + entry("a", "U8", "[4]", "[0,4]") + "}  \n", 28)));
    REQUIRE(checkpoint->top().items.size() == 4);
    CHECK(checkpoint->node(checkpoint->top().items[0]).text == "b");
    CHECK(checkpoint->node(checkpoint->top().items[2]).text == "a");
    CHECK(checkpoint->find(checkpoint->top(), "b")->integer == 0);
    CHECK(checkpoint->tensors[0].strides == std::vector<std::int64_t>{3, 3, 1});
    CHECK(checkpoint->storages[0].elements == 6);
    CHECK(checkpoint->storages[1].bytes.data() == checkpoint->file->all().data() + checkpoint->file->all().size() - 28);
    CHECK(checkpoint->format == vos::CheckpointFormat::safetensors);
  }

  TEST_CASE("a file may be empty of tensors, and hold tensors empty of numbers") {
    CHECK(open(FileBytes::of(file_of("{}", 0)))->top().items.empty());
    CHECK(open(FileBytes::of(file_of(R"({"__metadata__":{"a":"b"}})", 0)))->metadata.at("a") == "b");
    const auto checkpoint = open(
        FileBytes::of(file_of("{" + entry("a", "F32", "[0]", "[8,8]") + "," + entry("b", "F64", "[]", "[0,8]") + "," +
                                  entry("c", "U8", "[5,0,7]", "[0,0]") + "," + entry("d", "I8", "[0]", "[8,8]") + "}",
                              8)));
    CHECK(checkpoint->tensors.size() == 4);
    CHECK(checkpoint->tensors[1].sizes.empty());
    CHECK(checkpoint->tensors[2].strides == std::vector<std::int64_t>{7, 7, 1});
  }

  TEST_CASE("a header that lies is refused by what is wrong with it") {
    const auto good = entry("a", "F32", "[2]", "[0,8]");
    const auto a = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
      return "{" + entry("a", dtype, shape, offsets) + "}";
    };
    const std::string long_shape = "[" + [] {
      std::string ones;
      for (int i = 0; i < 65; ++i) ones += i > 0 ? ",1" : "1";
      return ones;
    }() + "]";
    const struct {
      std::string header;
      std::size_t data;
      std::string what, where = "a.safetensors, header, 'a'";
    } lies[] = {
        // offsets
        {a("F32", "[2]", "[0,4]"), 4, "F32 [2] takes 8 bytes, and its 'data_offsets' are [0,4]",
         "a.safetensors, tensor 'a'"},
        {a("F32", "[2]", "[8,0]"), 8, "F32 [2] takes 8 bytes, and its 'data_offsets' are [8,0]",
         "a.safetensors, tensor 'a'"},
        {a("F32", "[0]", "[4,0]"), 4, "F32 [0] takes 0 bytes, and its 'data_offsets' are [4,0]",
         "a.safetensors, tensor 'a'"},
        {a("F32", "[2]", "[4,12]"), 12, "its data begin at 4, and those before it end at 0",
         "a.safetensors, tensor 'a'"},
        {a("F32", "[0]", "[4,4]"), 0, "its data begin at 4, and those before it end at 0", "a.safetensors, tensor 'a'"},
        {"{" + good + "," + entry("b", "U8", "[4]", "[4,8]") + "}", 8,
         "its data begin at 4, and those before it end at 8", "a.safetensors, tensor 'b'"},
        {"{" + good + "," + entry("b", "F32", "[2]", "[0,8]") + "}", 8,
         "its data begin at 0, and those before it end at 8", "a.safetensors, tensor 'b'"},
        {"{" + good + "," + entry("b", "U8", "[4]", "[9,13]") + "}", 13,
         "its data begin at 9, and those before it end at 8", "a.safetensors, tensor 'b'"},
        {"{" + good + "}", 9, "the last 1 bytes belong to no tensor", "a.safetensors"},
        {"{}", 1, "the last 1 bytes belong to no tensor", "a.safetensors"},
        {"{" + good + "}", 7, "the tensors take 8 bytes, and the file has 7 for them: it is cut short",
         "a.safetensors"},
        {a("F32", "[2]", "[9223372036854775800,9223372036854775808]"), 8,
         "its 'data_offsets' has 9223372036854775808, which 63 bits cannot count"},
        {a("U8", "[9223372036854775807]", "[0,9223372036854775807]"), 8,
         "the tensors take 9223372036854775807 bytes, and the file has 8 for them: it is cut short", "a.safetensors"},
        {a("F32", "[2]", "[-8,0]"), 8,
         "its 'data_offsets' has the number -8 where the format has a whole number from 0 on"},
        {a("F32", "[2]", "[0,8.0]"), 8,
         "its 'data_offsets' has the number '8.0' where the format has a whole number from 0 on"},
        {a("F32", "[2]", "[0,8e0]"), 8,
         "its 'data_offsets' has the number '8e0' where the format has a whole number from 0 on"},
        {a("F32", "[2]", "[0,18446744073709551616]"), 8,
         "its 'data_offsets' has the number '18446744073709551616' where the format has a whole number from 0 on"},
        {a("F32", "[2]", "[0]"), 8, "it has no whole 'data_offsets'"},
        {a("F32", "[2]", "[0,8,8]"), 8, "its 'data_offsets' has more than 2 numbers"},
        {a("F32", "[2]", "[0,[8]]"), 8, "its 'data_offsets' has a list where the format has a whole number from 0 on"},
        {a("F32", "[2]", "8"), 8, "its 'data_offsets' has a number where the format has a list"},
        // shapes
        {a("F32", "[3037000500,3037000500]", "[0,8]"), 8, "F32 [3037000500,3037000500] is more than 64 bits can count",
         "a.safetensors, tensor 'a'"},
        {a("F32", "[0,4611686018427387904,4]", "[0,0]"), 0,
         "F32 [0,4611686018427387904,4] is more than 64 bits can count", "a.safetensors, tensor 'a'"},
        {a("F32", "[18446744073709551615]", "[0,8]"), 8,
         "its 'shape' has 18446744073709551615, which 63 bits cannot count"},
        {a("F32", "[-1]", "[0,8]"), 8, "its 'shape' has the number -1 where the format has a whole number from 0 on"},
        {a("F32", "[true]", "[0,8]"), 8, "its 'shape' has true or false where the format has a whole number from 0 on"},
        {a("F32", "[null]", "[0,8]"), 8, "its 'shape' has null where the format has a whole number from 0 on"},
        {a("F32", "{}", "[0,8]"), 8, "its 'shape' has an object where the format has a list"},
        {a("F32", long_shape, "[0,4]"), 4, "its 'shape' has more than 64 numbers"},
        {a("F4", "[3]", "[0,1]"), 1, "F4 [3] ends within a byte", "a.safetensors, tensor 'a'"},
        {a("F4", "[]", "[0,1]"), 1, "F4 [] ends within a byte", "a.safetensors, tensor 'a'"},
        // types
        {a("F12", "[2]", "[0,8]"), 8, "its type is 'F12', which LibTorch has no number type for"},
        {a("f32", "[2]", "[0,8]"), 8, "its type is 'f32', which LibTorch has no number type for"},
        {a("", "[2]", "[0,8]"), 8, "its type is '', which LibTorch has no number type for"},
        {R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", 8,
         "its 'dtype' has a number where the format has a text"},
        // entries
        {"{" + good + "," + good + "}", 8, "two tensors have this name", "a.safetensors, tensor 'a'"},
        {R"({"a":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,8]}})", 8, "it has two of 'dtype'"},
        {R"({"a":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,8]}})", 8, "it has two of 'shape'"},
        {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "it has no whole 'dtype'"},
        {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "it has no whole 'shape'"},
        {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "it has no whole 'data_offsets'"},
        {R"({"a":{}})", 8, "it has no whole 'dtype'"},
        {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"scale":1}})", 8,
         "its 'scale' has a number where the format has only 'dtype', 'shape' and 'data_offsets'"},
        {R"({"a":[]})", 0, "here is a list where the format has an object"},
        {R"({"a":"text"})", 0, "here is a text where the format has an object"},
        {R"({"a":null})", 0, "here is null where the format has an object"},
        {R"({"__metadata__":{"a":1}})", 0, "here is a number where the format has a text"},
        {R"({"__metadata__":{"a":{}}})", 0, "here is an object where the format has a text"},
        {R"({"__metadata__":{"a":"x","a":"y"}})", 0, "the header has two of 'a'"},
        {R"({"__metadata__":{},"__metadata__":{}})", 0, "the header has two of '__metadata__'",
         "a.safetensors, header, '__metadata__'"},
        {R"({"__metadata__":[]})", 0, "here is a list where the format has an object",
         "a.safetensors, header, '__metadata__'"},
        {std::string{R"({"a":)"} + std::string(100'000, '['), 0, "here is a list where the format has an object"},
        // JSON
        {"[]", 0, "the header does not begin with '{'", "a.safetensors, byte 8"},
        {" []", 0, "the header does not begin with '{'", "a.safetensors, byte 8"},
        {"", 0, "the header does not begin with '{'", "a.safetensors, byte 8"},
        {"{", 0, "the header is not JSON", "a.safetensors, byte 9"},
        {"{}}", 0, "the header is not JSON", "a.safetensors, byte 10"},
        {"{} {}", 0, "the header is not JSON", "a.safetensors, byte 11"},
        {R"({"a"})", 0, "the header is not JSON", "a.safetensors, byte 12"},
        {"{\"\xff\":{}}", 0, "the header is not JSON", "a.safetensors, byte 10"},
        {"{'a':{}}", 0, "the header is not JSON", "a.safetensors, byte 9"},
        {R"({"\ud800":{}})", 0, "the header is not JSON", "a.safetensors, byte 16"},
        {"{\"a\":{}", 0, "it has no whole 'dtype'"},
    };
    for (const auto& lie : lies) {
      const auto error = refusal([&] { open(FileBytes::of(file_of(lie.header, lie.data))); });
      CAPTURE(lie.header.substr(0, 200));
      CHECK(error.what == lie.what);
      CHECK(error.where == lie.where);
      CHECK(!error.mend.empty());
    }
  }

  TEST_CASE("what is unusual and does no harm is not called harmful") {
    CHECK(open(FileBytes::of(file_of(R"({"__metadata__":null})", 0)))->metadata.empty());
    CHECK(open(FileBytes::of(file_of(" \n\t{}", 0)))->top().items.empty());
    for (const auto* header : {R"({"__metadata__":{"a":"x","a":"y"}})", R"({"a":{"dtype":"U8","scale":1}})"}) {
      const auto mend = refusal([&] { open(FileBytes::of(file_of(header, 0))); }).mend;
      CHECK(mend.starts_with("an unusual header"));
    }
  }

  TEST_CASE("a file that claims too much is refused before memory is asked for") {
    const auto said = [](const Bytes& file) { return refusal([&] { open(FileBytes::of(file)); }).what; };
    CHECK(said({}) == "a file of 0 bytes is no safetensors file");
    CHECK(said(Bytes(7)) == "a file of 7 bytes is no safetensors file");
    CHECK(said(file_of("{}", 0, 3)) == "the header claims 3 bytes, and the file ends after 2");
    CHECK(said(file_of("{}", 0, 100'000'000)) == "the header claims 100000000 bytes, and the file ends after 2");
    CHECK(said(file_of("{}", 0, 100'000'001)) == "the header claims 100000001 bytes; 100000000 are the most");
    CHECK(said(file_of("{}", 0, ~std::uint64_t{})) ==
          "the header claims 18446744073709551615 bytes; 100000000 are the most");
    CHECK(said(file_of("{}", 0, ~std::uint64_t{} - 7)) ==
          "the header claims 18446744073709551608 bytes; 100000000 are the most");
    const auto few = file_of("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "U8", "[1]", "[1,2]") + "}", 2);
    CHECK(refusal([&] { open(FileBytes::of(few), {.max_nodes = 4}); }).what == "it has more than 4 values");
    CHECK(open(FileBytes::of(few), {.max_nodes = 5})->tensors.size() == 2);
    std::string pairs;
    for (int i = 0; i <= 100'000; ++i) pairs += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
    CHECK(said(file_of("{\"__metadata__\":{" + pairs + "}}", 0)) == "the metadata have more than 100000 texts");
  }

  TEST_CASE("no part of a file passes for the whole") {
    const auto file = vos::read_file(vos::test::file("weights/golden/torch.safetensors"));
    for (std::size_t size = 0; size < file.size(); ++size) {
      const Bytes part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK(refusal([&] { open(FileBytes::of(part)); }).what != "not refused");
    }
  }

  TEST_CASE("a changed byte in the header is refused, or changes a name, a type or a shape and nothing else") {
    const auto file = vos::read_file(vos::test::file("weights/golden/numpy.safetensors"));
    const auto totals = [](const Bytes& content) {
      const auto checkpoint = open(FileBytes::of(content));
      std::size_t bytes = 0;
      for (const auto& storage : checkpoint->storages) bytes += storage.bytes.size();
      return std::pair{checkpoint->tensors.size(), bytes};
    };
    const auto whole = totals(file);
    int accepted = 0, refused = 0, wrong = 0;
    for (std::size_t i = 0; i < file.size() - whole.second; ++i)
      for (const int bit : {1, 2, 16, 32, 128}) {
        auto changed = file;
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ bit);
        try {
          wrong += totals(changed) != whole;
          ++accepted;
        } catch (const vos::Error&) {
          ++refused;
        }
      }
    CHECK(wrong == 0);
    CHECK(accepted > 100);
    CHECK(refused > 1000);
  }

  TEST_CASE("what is written is read again, of every type, with its metadata and in its order") {
    const Folder folder;
    const Zoo zoo{all_types()};
    const std::map<std::string, std::string> metadata{{"format", "pt"}, {"made by", "a \"test\"\n\tü"}};
    vos::write_safetensors(folder / "a", zoo.tensors, metadata);
    const auto checkpoint = open(FileBytes::map(folder / "a"));
    CHECK(checkpoint->metadata == metadata);
    REQUIRE(checkpoint->tensors.size() == zoo.tensors.size());
    for (std::size_t i = 0; i < zoo.tensors.size(); ++i) {
      CHECK(checkpoint->node(checkpoint->top().items[2 * i]).text == zoo.tensors[i].name);
      CHECK(checkpoint->tensors[i].dtype == zoo.tensors[i].dtype);
      CHECK(checkpoint->tensors[i].sizes == zoo.tensors[i].sizes);
      CHECK(std::ranges::equal(checkpoint->storages[i].bytes, zoo.bytes[i]));
    }
    vos::write_safetensors(folder / "b", zoo.tensors, metadata);
    CHECK(vos::read_file(folder / "a") == vos::read_file(folder / "b"));
    vos::write_safetensors(folder / "a", {});
    CHECK(open(FileBytes::map(folder / "a"))->top().items.empty());
  }

  TEST_CASE("every tensor lies where its numbers can be used, whole runs of 64 bytes at multiples of 64") {
    const Folder folder;
    std::vector<Bytes> bytes;
    std::vector<TensorBytes> tensors;
    const auto types = all_types();
    bytes.reserve(types.size() * 8);
    for (const std::int64_t count : {3, 64, 1, 0, 5, 128, 7, 32})
      for (const auto type : types) {
        auto& numbers = bytes.emplace_back(static_cast<std::size_t>(count * vos::bytes_of(type)));
        tensors.push_back({std::to_string(tensors.size()), type, {count}, numbers});
      }
    vos::write_safetensors(folder / "a", tensors, {{"length", "odd"}});
    const auto checkpoint = open(FileBytes::map(folder / "a"));
    REQUIRE(checkpoint->file->mapped());
    for (const auto& storage : checkpoint->storages) {
      const auto place = reinterpret_cast<std::uintptr_t>(storage.bytes.data());
      CHECK(place % static_cast<std::uintptr_t>(vos::bytes_of(storage.dtype)) == 0);
      if (storage.bytes.size() % 64 == 0) CHECK(place % 64 == 0);
    }
  }

  TEST_CASE("what safetensors cannot hold is refused, and the former file stays") {
    const Folder folder;
    const Bytes bytes(16, 1);
    const std::vector<TensorBytes> good{{"a", DType::f32, {4}, bytes}};
    vos::write_safetensors(folder / "a", good);
    const auto before = vos::read_file(folder / "a");
    const auto said = [&](std::vector<TensorBytes> tensors, const std::map<std::string, std::string>& metadata = {}) {
      const auto parts = refusal([&] { vos::write_safetensors(folder / "a", tensors, metadata); });
      CHECK(!parts.mend.empty());
      return parts.what;
    };
    CHECK(said({good[0], good[0]}) == "two have this name");
    CHECK(said({{"__metadata__", DType::f32, {4}, bytes}}) == "the format has this name for its own use");
    CHECK(said({{"a", DType::c128, {1}, bytes}}) == "safetensors has no numbers of type complex128");
    CHECK(said({{"a", DType::qint8, {16}, bytes}}) == "safetensors has no numbers of type qint8");
    CHECK(said({{"a", DType::f32, {5}, bytes}}) == "its sizes are [5] of float32, and it has 16 bytes");
    CHECK(said({{"a", DType::f32, {-4}, bytes}}).starts_with("its sizes are"));
    CHECK(said({{"a", DType::u8, {std::int64_t{1} << 62, 4, 16}, bytes}}).starts_with("its sizes are"));
    CHECK(said({{"\xff", DType::f32, {4}, bytes}}).find("is not UTF-8") != std::string::npos);
    CHECK(said(good, {{"key", "\xc3"}}).find("is not UTF-8") != std::string::npos);
    CHECK(vos::read_file(folder / "a") == before);
    CHECK(refusal([&] { vos::write_safetensors(folder / "no/a", good); }).what.starts_with("cannot be written"));
  }

  TEST_CASE("Python's safetensors reads what is written, bit by bit") {
    const Folder folder;
    const auto script = vos::test::file("weights/read_safetensors.py");
    const auto types_of_numpy = [] {
      std::vector<DType> types;
      for (const auto& info : vos::dtypes)
        if (!info.safetensors.empty() && !info.numpy.empty()) types.push_back(info.dtype);
      return types;
    }();
    for (const auto& [library, types] : {std::pair{"torch", all_types()}, std::pair{"numpy", types_of_numpy}}) {
      if (!vos::test::python_has(std::string{"safetensors, "} + library)) {
        vos::test::skip(std::string{"Python has no safetensors or no "} + library);
        continue;
      }
      Zoo zoo{types};
      const Bytes seven(7, 1);
      zoo.tensors.push_back({"odd \"name\"\\\n/ü", DType::u8, {7}, seven});
      zoo.tensors.push_back({"", DType::f32, {2, 0, 3}, {}});
      vos::write_safetensors(folder / "a.safetensors", zoo.tensors, {{"note", "\"quoted\""}});
      const auto text =
          vos::test::python(script, std::string{library} + " '" + (folder / "a.safetensors").string() + "'");
      REQUIRE(text);
      CHECK(json::parse(*text) == described(*open(FileBytes::map(folder / "a.safetensors"))));
    }
  }

  TEST_CASE("writing makes no copy of the weights, and opening reads none of them") {
    const Folder folder;
    constexpr std::size_t size = 48 << 20;
    int status = 0;
    if (const auto child = ::fork(); child == 0) {  // whose peak no other test has raised
      const auto peak = [] {
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
      };
      const Bytes bytes(size, 1);
      const auto before = peak();
      vos::write_safetensors(folder / "a", std::vector<TensorBytes>{{"a", DType::u8, {size}, bytes}});
      const auto checkpoint = open(FileBytes::map(folder / "a"));
      // A copy would be all of it; what the sanitizers keep of their own is some megabytes.
      const auto few = static_cast<long>(size / 4 / 1024);
      ::_exit(peak() - before < few && checkpoint->storages[0].bytes.size() == size ? 0 : 1);
    } else {
      ::waitpid(child, &status, 0);
    }
    CHECK(status == 0);
  }
}
