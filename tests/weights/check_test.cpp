#include <vos/weights/check.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <vos/weights/tree.hpp>

#include "../test.hpp"

namespace {

using vos::Checkpoint;
using vos::DType;
using vos::NodeId;
using vos::NodeKind;
using vos::TensorRecord;

constexpr auto largest = std::numeric_limits<std::int64_t>::max();
const std::vector<std::uint8_t> numbers(24);

/// A checkpoint {"net": {"weight": tensor}} over 24 bytes.
Checkpoint around(std::vector<TensorRecord> tensors) {
  Checkpoint checkpoint{.where = "FILE"};
  const auto add = [&](vos::CheckpointNode node) {
    checkpoint.nodes.push_back(std::move(node));
    return static_cast<NodeId>(checkpoint.nodes.size() - 1);
  };
  const auto weight = add({.kind = NodeKind::text, .text = "weight"});
  const auto net = add({.kind = NodeKind::text, .text = "net"});
  const auto inner = add({.kind = NodeKind::dict, .items = {weight, add({.kind = NodeKind::tensor})}});
  checkpoint.root = add({.kind = NodeKind::dict, .items = {net, inner}});
  checkpoint.storages = {{.key = "7", .dtype = DType::f32, .elements = 6, .bytes = numbers}};
  checkpoint.tensors = std::move(tensors);
  return checkpoint;
}

std::string fault(const Checkpoint& checkpoint) {
  try {
    vos::check_tensors(checkpoint);
    return "";
  } catch (const vos::Error& e) {
    CHECK(e.parts().where == "FILE, tensor 'net.weight'");
    return e.parts().what;
  }
}

std::string fault(TensorRecord tensor) { return fault(around({std::move(tensor)})); }

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("tensors inside their storage pass, whatever their steps") {
    CHECK(fault({.sizes = {2, 3}, .strides = {3, 1}}).empty());
    CHECK(fault({.sizes = {3, 2}, .strides = {1, 3}}).empty());
    CHECK(fault({.offset = 5}).empty());  // one number, no axes
    CHECK(fault({.offset = 1, .sizes = {3}, .strides = {2}}).empty());
    CHECK(fault({.sizes = {1000, 6}, .strides = {0, 1}}).empty());     // expanded
    CHECK(fault({.sizes = {1, 6}, .strides = {largest, 1}}).empty());  // a step never taken
    CHECK(fault({.sizes = {0, 5}, .strides = {5, 1}}).empty());
    CHECK(fault({.offset = 99, .sizes = {3, 0}, .strides = {1, 1}}).empty());
    CHECK(fault({.dtype = DType::u8, .offset = 23}).empty());  // of another type than its storage
    CHECK(fault({.dtype = DType::f64, .sizes = {3}, .strides = {1}}).empty());
  }

  TEST_CASE("tensors that leave their storage are named and refused") {
    const auto has = [](const std::string& message, const std::string& words) {
      CAPTURE(message);
      CHECK(message.find(words) != std::string::npos);
    };
    has(fault({.offset = 6}), "offset 6 reach byte 28 of a storage of 24");
    has(fault({.sizes = {7}, .strides = {1}}), "reach byte 28");
    has(fault({.sizes = {2}, .strides = {6}}), "reach byte 28");
    has(fault({.dtype = DType::f64, .sizes = {4}, .strides = {1}}), "reach byte 32");
    has(fault({.offset = -1}), "an offset below 0");
    has(fault({.offset = 5, .sizes = {2}, .strides = {-1}}), "a size or stride below 0");
    has(fault({.sizes = {-1}, .strides = {1}}), "a size or stride below 0");
    has(fault({.sizes = {2}}), "1 sizes and 0 strides");
    has(fault({.sizes = std::vector<std::int64_t>(65, 1), .strides = std::vector<std::int64_t>(65, 1)}),
        "65 dimensions");
    has(fault({.offset = largest}), "more than 64 bits can count");
    has(fault({.offset = largest / 4}), "more than 64 bits can count");
    has(fault({.sizes = {largest}, .strides = {largest}}), "more than 64 bits can count");
    has(fault({.sizes = {2, 2}, .strides = {largest, largest}}), "more than 64 bits can count");
    has(fault({.sizes = {1LL << 40, 1LL << 40, 0}, .strides = {0, 0, 0}}), "more than 64 bits can count");
    has(fault({.storage = 1}), "a tensor without a storage");
  }

  TEST_CASE("few numbers repeated without end are refused, in one tensor or in many") {
    CHECK(fault({.sizes = {1LL << 50}, .strides = {0}}).find("repeat the numbers") != std::string::npos);
    CHECK(fault({.sizes = {1LL << 20, 1LL << 20}, .strides = {0, 0}}).find("repeat the numbers") != std::string::npos);
    // Each below the limit, all together above it.
    const auto large = [](std::int64_t offset) {
      return TensorRecord{.offset = offset, .sizes = {1LL << 27}, .strides = {0}};
    };
    CHECK(fault(around({large(0)})).empty());
    Checkpoint many = around({large(2), large(1), large(0)});
    CHECK(fault(many).find("repeat the numbers of a storage of 24 bytes") != std::string::npos);
    CHECK(fault(around({large(1), large(1), large(1), large(1)})).empty());  // one, under four names
  }

  TEST_CASE("many views of one storage are as many copies when they are written out") {
    const std::vector<std::uint8_t> storage(1 << 20);
    const auto views = [&](std::int64_t count) {
      std::vector<TensorRecord> tensors;
      for (std::int64_t i = 0; i < count; ++i)
        tensors.push_back({.dtype = DType::u8, .offset = i, .sizes = {(1 << 20) - i}, .strides = {1}});
      auto checkpoint = around(std::move(tensors));
      checkpoint.storages = {{.key = "0", .dtype = DType::u8, .elements = 1 << 20, .bytes = storage}};
      for (auto& node : checkpoint.nodes)
        if (node.kind == NodeKind::tensor) node.integer = count - 1;  // the last one is the one that is too many
      return checkpoint;
    };
    // None is larger than the storage. 1026 copies would be the limit; the views are about half a byte shorter for each.
    CHECK(fault(views(1026)).empty());
    CHECK(fault(views(1027)).find("repeat the numbers") != std::string::npos);
  }

  TEST_CASE("a storage has the bytes that it claims") {
    auto checkpoint = around({{.sizes = {6}, .strides = {1}}});
    for (const auto elements : {std::int64_t{7}, std::int64_t{5}, std::int64_t{-6}, largest, std::int64_t{1} << 62}) {
      CAPTURE(elements);
      checkpoint.storages[0].elements = elements;
      CHECK(fault(checkpoint).find("storage '7' claims " + std::to_string(elements)) != std::string::npos);
    }
  }

  TEST_CASE("a walk names what it meets") {
    Checkpoint checkpoint;
    const auto text = [](std::string_view word) { return vos::CheckpointNode{.kind = NodeKind::text, .text = word}; };
    const vos::CheckpointNode tensor{.kind = NodeKind::tensor}, seven{.kind = NodeKind::integer, .integer = 7};
    checkpoint.nodes = {tensor,  // 0
                        text("a.b"),
                        text("args"),
                        text("list"),
                        seven,                                                        // 1 to 4
                        {.kind = NodeKind::list, .items = {0, 0, 7}},                 // 5
                        {.kind = NodeKind::dict, .items = {1, 0, 4, 0, 3, 5, 2, 8}},  // 6, the root
                        {.kind = NodeKind::tuple, .items = {0, 6}},                   // 7: leads back to the root
                        {.kind = NodeKind::object, .text = "T", .items = {9, 10}},    // 8
                        {.kind = NodeKind::tuple},                                    // 9: arguments
                        {.kind = NodeKind::dict, .items = {1, 0}}};                   // 10: state
    checkpoint.root = 6;
    std::vector<std::string> paths;
    vos::for_each_tensor(checkpoint, checkpoint.root, [&](const std::string& path, NodeId id) {
      CHECK(id == 0);
      paths.push_back(path);
    });
    CHECK(paths == std::vector<std::string>{"a.b", "7", "list[0]", "list[1]", "list[2][0]", "args.a.b"});
    paths.clear();
    vos::for_each_tensor(checkpoint, 0, [&](const std::string& path, NodeId) { paths.push_back(path); });
    CHECK(paths == std::vector<std::string>{""});
  }

  TEST_CASE("a path grows no longer than its limit") {
    const std::string long_key(5000, 'k');
    Checkpoint checkpoint;
    checkpoint.nodes = {{.kind = NodeKind::text, .text = long_key},
                        {.kind = NodeKind::dict, .items = {0, 2}},
                        {.kind = NodeKind::dict, .items = {0, 3}},
                        {.kind = NodeKind::tensor}};
    checkpoint.root = 1;
    std::size_t size = 0;
    vos::for_each_tensor(checkpoint, checkpoint.root, [&](const std::string& path, NodeId) { size = path.size(); });
    CHECK(size == vos::tree_path_limit);
  }
}
