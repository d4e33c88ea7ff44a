#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/_empty_affine_quantized.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/open.hpp>
#include <vos/weights/select.hpp>
#include <vos/weights/write_safetensors.hpp>

namespace vos {

namespace detail {

/// Two floats of four bits in a byte. An older LibTorch that we support may not have the name.
template <class Type>
constexpr Type float4_x2() {
  if constexpr (requires { Type::Float4_e2m1fn_x2; }) return Type::Float4_e2m1fn_x2;
  else return Type::Undefined;
}

/// In the order of DType.
// clang-format off
inline constexpr std::array<at::ScalarType, dtypes.size()> scalar_types{
    at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kHalf, at::kFloat, at::kDouble,
    at::kComplexHalf, at::kComplexFloat, at::kComplexDouble, at::kBool, at::kBFloat16,
    at::kFloat8_e5m2, at::kFloat8_e4m3fn, at::kFloat8_e5m2fnuz, at::kFloat8_e4m3fnuz, at::kFloat8_e8m0fnu,
    float4_x2<at::ScalarType>(),
    at::kUInt16, at::kUInt32, at::kUInt64, at::kQInt8, at::kQUInt8, at::kQInt32};
// clang-format on

}  // namespace detail

inline at::ScalarType scalar_type(DType dtype) {
  const auto type = detail::scalar_types[static_cast<std::size_t>(dtype)];
  if (type == at::ScalarType::Undefined)
    throw Error({.what = "this LibTorch has no " + std::string{info_of(dtype).name}, .mend = "use a newer one"});
  return type;
}

inline DType dtype_of(at::ScalarType type) {
  const auto& types = detail::scalar_types;
  if (const auto found = std::find(types.begin(), types.end(), type); found != types.end())
    return dtypes[static_cast<std::size_t>(found - types.begin())].dtype;
  throw Error({.what = std::string{"tensors of "} + c10::toString(type) + " have no place in a checkpoint",
               .mend = "convert them to another type"});
}

/// A checkpoint's tensors as LibTorch's. Each storage becomes one at::Storage the first time it is asked for, so that tensors
/// that share memory in the file share it here. A storage is the file's own pages wherever its address suits its type; writing
/// to a tensor changes this process's copy of a page, never the file. The file stays open as long as one of them lives.
class CheckpointTensors {
 public:
  explicit CheckpointTensors(std::shared_ptr<const Checkpoint> checkpoint)
      : checkpoint_(std::move(checkpoint)), storages_(checkpoint_->storages.size()), alignments_(storages_.size(), 1) {
    for (const auto& tensor : checkpoint_->tensors)
      alignments_[tensor.storage] = std::max(alignments_[tensor.storage], bytes_of(tensor.dtype));
  }

  at::Tensor operator[](std::uint32_t index) {
    const auto& record = checkpoint_->tensors[index];
    const auto options = at::TensorOptions().dtype(scalar_type(record.dtype));
    try {
      auto tensor = c10::isQIntType(scalar_type(record.dtype))
                        ? at::_empty_affine_quantized({0}, options, record.scale, record.zero_point)
                        : at::empty({0}, options);
      return tensor.set_(storage(record.storage), record.offset, record.sizes, record.strides);
    } catch (const c10::Error& error) {
      throw Error({.what = std::string{"LibTorch refuses a tensor: "} + error.what_without_backtrace(),
                   .where = checkpoint_->where,
                   .mend = "the file is damaged, or made to do harm; get it again from its source"});
    }
  }

 private:
  at::Storage storage(std::size_t index) {
    auto& made = storages_[index];
    const auto bytes = checkpoint_->storages[index].bytes;
    const auto aligned =
        reinterpret_cast<std::uintptr_t>(bytes.data()) % static_cast<std::uintptr_t>(alignments_[index]) == 0;
    if (!made) made = aligned ? view(bytes) : copy(bytes);
    return made;
  }

  at::Storage view(std::span<const std::uint8_t> bytes) const {
    if (checkpoint_->file != nullptr) checkpoint_->file->keep_pages();  // who has the tensor may write to it
    auto keep = [checkpoint = checkpoint_](void*) mutable { checkpoint.reset(); };
    return at::from_blob(const_cast<std::uint8_t*>(bytes.data()), {static_cast<std::int64_t>(bytes.size())}, keep,
                         at::TensorOptions().dtype(at::kByte))
        .storage();
  }

  static at::Storage copy(std::span<const std::uint8_t> bytes) {
    auto memory = at::empty({static_cast<std::int64_t>(bytes.size())}, at::TensorOptions().dtype(at::kByte));
    std::memcpy(memory.mutable_data_ptr(), bytes.data(), bytes.size());
    return memory.storage();
  }

  std::shared_ptr<const Checkpoint> checkpoint_;
  std::vector<at::Storage> storages_;
  std::vector<std::int64_t> alignments_;  // for the widest type that a storage is looked at as
};

struct NamedTensor {
  std::string name = {};
  at::Tensor value = {};
};

/// A model's weights by name, in the order of their file.
struct Weights {
  std::string where = {};  ///< the file, for messages
  std::vector<NamedTensor> entries = {};
  std::map<std::string, std::string> metadata = {};
};

struct WeightsOptions {
  CheckpointOptions file = {};
  SelectOptions select = {};
};

inline Weights read_weights(std::shared_ptr<const Checkpoint> checkpoint, const SelectOptions& select = {}) {
  Weights weights{checkpoint->where, {}, checkpoint->metadata};
  CheckpointTensors tensors(checkpoint);
  for (auto& [name, tensor] : weights_in(*checkpoint, select)) weights.entries.push_back({name, tensors[tensor]});
  return weights;
}

/// The weights in a file of any format that open_checkpoint knows. Nothing is copied that can be looked at in place.
inline Weights read_weights(const std::filesystem::path& path, const WeightsOptions& options = {}) {
  return read_weights(open_checkpoint(path, options.file), options.select);
}

/// Writes a safetensors file, whole or not at all. Tensors may lie on any device and in any order; those that do not lie in
/// one piece in this machine's memory are copied to it.
inline void write_weights(const std::filesystem::path& path, std::span<const NamedTensor> weights,
                          const std::map<std::string, std::string>& metadata = {}) {
  std::vector<at::Tensor> held;
  std::vector<TensorBytes> bytes;
  for (const auto& [name, value] : weights) {
    if (!value.defined() || value.layout() != at::kStrided)
      throw Error({.what = value.defined() ? "a sparse tensor cannot be written" : "there is no tensor to write",
                   .where = path.string() + ", tensor " + detail::in_quotes(name),
                   .mend = value.defined() ? "make it dense" : "leave it out"});
    held.push_back(value.detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous());
    const auto& tensor = held.back();
    bytes.push_back({name,
                     dtype_of(tensor.scalar_type()),
                     tensor.sizes().vec(),
                     {static_cast<const std::uint8_t*>(tensor.const_data_ptr()), tensor.nbytes()}});
  }
  write_safetensors(path, bytes, metadata);
}

}  // namespace vos
