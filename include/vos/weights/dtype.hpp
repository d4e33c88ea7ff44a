#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vos {

/// The number types that checkpoints hold. The names in the table are LibTorch's, safetensors' and numpy's (kind and size,
/// without the byte order); empty where a format has no such type.
enum class DType : std::uint8_t {
  u8,
  i8,
  i16,
  i32,
  i64,
  f16,
  f32,
  f64,
  c32,
  c64,
  c128,
  boolean,
  bf16,
  f8_e5m2,
  f8_e4m3fn,
  f8_e5m2fnuz,
  f8_e4m3fnuz,
  f8_e8m0fnu,
  f4_e2m1fn_x2,
  u16,
  u32,
  u64,
  qint8,
  quint8,
  qint32,
};

struct DTypeInfo {
  DType dtype;
  std::int64_t bytes;        ///< of one element
  std::string_view name;     ///< torch.NAME
  std::string_view storage;  ///< torch.NAMEStorage; empty: only as an untyped storage with a dtype beside it
  std::string_view safetensors;
  std::string_view numpy;
};

/// In the order of the enumeration.
inline constexpr std::array<DTypeInfo, 25> dtypes{{
    {DType::u8, 1, "uint8", "Byte", "U8", "u1"},
    {DType::i8, 1, "int8", "Char", "I8", "i1"},
    {DType::i16, 2, "int16", "Short", "I16", "i2"},
    {DType::i32, 4, "int32", "Int", "I32", "i4"},
    {DType::i64, 8, "int64", "Long", "I64", "i8"},
    {DType::f16, 2, "float16", "Half", "F16", "f2"},
    {DType::f32, 4, "float32", "Float", "F32", "f4"},
    {DType::f64, 8, "float64", "Double", "F64", "f8"},
    {DType::c32, 4, "complex32", "ComplexHalf", "", ""},
    {DType::c64, 8, "complex64", "ComplexFloat", "C64", "c8"},
    {DType::c128, 16, "complex128", "ComplexDouble", "", "c16"},
    {DType::boolean, 1, "bool", "Bool", "BOOL", "b1"},
    {DType::bf16, 2, "bfloat16", "BFloat16", "BF16", ""},
    {DType::f8_e5m2, 1, "float8_e5m2", "", "F8_E5M2", ""},
    {DType::f8_e4m3fn, 1, "float8_e4m3fn", "", "F8_E4M3", ""},
    {DType::f8_e5m2fnuz, 1, "float8_e5m2fnuz", "", "F8_E5M2FNUZ", ""},
    {DType::f8_e4m3fnuz, 1, "float8_e4m3fnuz", "", "F8_E4M3FNUZ", ""},
    {DType::f8_e8m0fnu, 1, "float8_e8m0fnu", "", "F8_E8M0", ""},
    {DType::f4_e2m1fn_x2, 1, "float4_e2m1fn_x2", "", "F4", ""},
    {DType::u16, 2, "uint16", "", "U16", "u2"},
    {DType::u32, 4, "uint32", "", "U32", "u4"},
    {DType::u64, 8, "uint64", "", "U64", "u8"},
    {DType::qint8, 1, "qint8", "QInt8", "", ""},
    {DType::quint8, 1, "quint8", "QUInt8", "", ""},
    {DType::qint32, 4, "qint32", "QInt32", "", ""},
}};

constexpr const DTypeInfo& info_of(DType dtype) { return dtypes[static_cast<std::size_t>(dtype)]; }
constexpr std::int64_t bytes_of(DType dtype) { return info_of(dtype).bytes; }

/// The type whose `field` is `name`: `dtype_named(&DTypeInfo::safetensors, "BF16")`.
constexpr std::optional<DType> dtype_named(std::string_view DTypeInfo::* field, std::string_view name) {
  for (const auto& info : dtypes)
    if (!name.empty() && info.*field == name) return info.dtype;
  return std::nullopt;
}

}  // namespace vos
