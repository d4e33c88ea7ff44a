#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/weights/checkpoint.hpp>
#include <vos/weights/dense_strides.hpp>
#include <vos/weights/pickle_bytes.hpp>
#include <vos/weights/pickle_numpy.hpp>
#include <vos/weights/pickle_values.hpp>

namespace vos::detail {

/// numpy's arrays and numbers, out of what a pickle says of them. An array begins as an object node and becomes a tensor once
/// its numbers are there.
class PickleArrays {
 public:
  PickleArrays(Checkpoint& into, const PickleBytes& pickle, PickleValues& values)
      : into_(into), pickle_(pickle), values_(values) {}

  NodeId empty(NodeId arguments) { return values_.object(PickleRole::numpy_array, "numpy.ndarray", 0, {arguments}); }

  /// numpy.dtype("f4", align, copy)
  NodeId type(NodeId arguments) {
    const auto name = values_.as_text(values_.argument(arguments, 0));
    values_.numpy_types.push_back({name, numpy_dtype(name), name.starts_with('>')});
    return values_.object(PickleRole::numpy_dtype, "numpy.dtype", values_.numpy_types.size() - 1, {arguments});
  }

  /// The byte order of a type.
  void set_type_state(NodeId type, NodeId state) {
    auto& known = values_.numpy_types[values_.index(type)];
    if (values_[state].kind == NodeKind::tuple && values_.count(state) > 1)
      known.big_endian = values_.as_text(values_[state].items[1]) == ">";
  }

  /// A number by itself.
  NodeId scalar(NodeId arguments) {
    const auto& type = numpy_type(values_.argument(arguments, 0));
    const auto bytes = values_.count(arguments) > 1 ? values_.as_bytes(values_.argument(arguments, 1)) : std::nullopt;
    if (!type.dtype || !bytes || static_cast<std::int64_t>(bytes->size()) != bytes_of(*type.dtype) ||
        bytes->size() > 8 || *type.dtype == DType::c64 || *type.dtype == DType::f16)
      return values_.object(PickleRole::instance, "numpy.generic", 0, {arguments});
    const auto number = type.big_endian ? swapped(bytes_in(*bytes), bytes->size()) : std::string{*bytes};
    switch (*type.dtype) {
      case DType::f32: return values_.real(loaded<float>(number));
      case DType::f64: return values_.real(loaded<double>(number));
      case DType::boolean: return values_.boolean(number[0] != 0);
      default: break;
    }
    const bool is_signed = info_of(*type.dtype).numpy.front() == 'i';
    return values_.long_integer(bytes_in(is_signed ? number : number + '\0'));  // a sign of 0 above the highest byte
  }

  /// Gives an array its numbers, which lie in the order of C or Fortran; its axes are those of that, in the order `axes`
  /// unless it is empty. False where the numbers are of a type that is not known. Texts, dates and objects are no tensors, and
  /// stay what they are.
  bool fill(NodeId array, NodeId type_node, NodeId shape, bool fortran, NodeId data,
            std::span<const std::int64_t> axes = {}) {
    const auto& type = numpy_type(type_node);
    if (!type.dtype) {
      values_[array] = {.kind = NodeKind::object, .text = "numpy.ndarray", .items = {shape, data}};
      return !is_numpy_number(type.name);
    }
    auto bytes = values_.as_bytes(data);
    if (!bytes) pickle_.refuse("an array without bytes");
    TensorRecord record{.dtype = *type.dtype,
                        .storage = static_cast<std::uint32_t>(into_.storages.size()),
                        .sizes = values_.as_sizes(shape)};
    const auto strides = dense_strides(record.sizes, fortran);
    const auto width = bytes_of(record.dtype);
    const auto elements = static_cast<std::int64_t>(bytes->size()) / width;
    if (!strides || record.numel() != elements || elements * width != static_cast<std::int64_t>(bytes->size()))
      pickle_.refuse("an array whose sizes do not fit its " + std::to_string(bytes->size()) + " bytes");
    record.strides = *strides;
    record.sizes = permuted(record.sizes, axes);
    record.strides = permuted(record.strides, axes);
    if (type.big_endian && width > 1) {
      const bool complex = record.dtype == DType::c64 || record.dtype == DType::c128;
      bytes = values_.keep(swapped(bytes_in(*bytes), static_cast<std::size_t>(complex ? width / 2 : width)));
    } else if (!bytes->empty() && !taken_.insert(bytes->data()).second) {
      bytes = values_.keep(std::string{*bytes});  // pickle has equal bytes once; each array's numbers are its own
    }
    into_.storages.push_back({.key = "array " + std::to_string(into_.storages.size()),
                              .device = "cpu",
                              .dtype = record.dtype,
                              .elements = elements,
                              .bytes = bytes_in(*bytes),
                              .in_pickle = true});
    into_.tensors.push_back(std::move(record));
    values_[array] = {.kind = NodeKind::tensor, .integer = static_cast<std::int64_t>(into_.tensors.size() - 1)};
    return true;
  }

  /// The type of what could not be filled in.
  std::string_view type_name(NodeId type) { return numpy_type(type).name; }

 private:
  const NumpyType& numpy_type(NodeId id) {
    if (!values_.is(id, PickleRole::numpy_dtype)) pickle_.refuse("an array without a number type");
    return values_.numpy_types[values_.index(id)];
  }

  template <class Number>
  static Number loaded(const std::string& bytes) {
    Number value;
    std::memcpy(&value, bytes.data(), sizeof(Number));
    return value;
  }

  /// `values` in the order of `axes`; as they are where that is empty.
  std::vector<std::int64_t> permuted(const std::vector<std::int64_t>& values,
                                     std::span<const std::int64_t> axes) const {
    if (axes.empty()) return values;
    std::vector<std::int64_t> result;
    std::vector<bool> named(values.size());
    for (const auto axis : axes) {
      const auto at = static_cast<std::size_t>(axis);
      if (axis < 0 || at >= values.size() || named[at]) pickle_.refuse("an array whose order of axes is none");
      named[at] = true;
      result.push_back(values[at]);
    }
    return result;
  }

  static std::span<const std::uint8_t> bytes_in(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  Checkpoint& into_;
  const PickleBytes& pickle_;
  PickleValues& values_;
  std::set<const char*> taken_;  // where arrays have their numbers
};

}  // namespace vos::detail
