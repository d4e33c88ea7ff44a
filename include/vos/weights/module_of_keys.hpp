#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include <ATen/ops/from_blob.h>
#include <torch/nn/module.h>

#include <vos/core/text.hpp>
#include <vos/weights/keys.hpp>
#include <vos/weights/tensors.hpp>

namespace vos {

namespace detail {

/// A module that holds tensors and computes nothing.
struct KeyModule : torch::nn::Module {
  std::map<std::string, std::shared_ptr<KeyModule>> parts;  // children, as what they are

  KeyModule& part(const std::string& name) {
    auto& child = parts[name];
    if (!child) child = register_module(name, std::make_shared<KeyModule>());
    return *child;
  }
};

/// Zeros that take no memory before they are written to: calloc's pages. Some lists are models of a GB.
inline at::Tensor lazy_zeros(const KeyRow& row) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(row.numel(), 1));
  auto* memory = std::calloc(count, static_cast<std::size_t>(bytes_of(row.dtype)));
  if (memory == nullptr)
    throw Error({.what = shape_text(row.shape) + " numbers do not fit into memory", .where = "key '" + row.key + "'"});
  return at::from_blob(memory, row.shape, std::free, at::TensorOptions().dtype(scalar_type(row.dtype)));
}

}  // namespace detail

/// A module with the names, shapes and types of a key list, all zero: something to fill, load and compare before a family's
/// own module exists. An alias is the same tensor under a second name.
inline std::shared_ptr<torch::nn::Module> module_of_keys(std::span<const KeyRow> rows) {
  auto root = std::make_shared<detail::KeyModule>();
  std::unordered_map<std::string, at::Tensor> tensors;
  for (const auto& row : rows) {
    auto tensor = row.alias_of.empty() ? detail::lazy_zeros(row) : tensors.at(row.alias_of);
    tensors.emplace(row.key, tensor);
    auto steps = split(row.key, '.');
    const auto name = std::move(steps.back());
    steps.pop_back();
    auto* owner = root.get();
    try {
      for (const auto& step : steps) owner = &owner->part(step);
      if (row.parameter)
        owner->register_parameter(name, tensor, row.trainable.value_or(true) && tensor.is_floating_point());
      else owner->register_buffer(name, tensor);
    } catch (const c10::Error& error) {
      throw Error({.what = std::string{"no module can have this name: "} + error.what_without_backtrace(),
                   .where = "key '" + row.key + "'",
                   .mend = "mend the key list"});
    }
  }
  return root;
}

}  // namespace vos
