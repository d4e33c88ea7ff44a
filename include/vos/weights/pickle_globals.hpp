#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <vos/weights/dtype.hpp>

namespace vos::detail {

/// What calling one of the names that a pickle may mention gives here.
enum class PickleCall : std::uint8_t {
  unknown,       ///< on no list
  inert,         ///< an object node: a type, what it was made from, its state
  dict,          ///< a dict, or a class that is one
  set,           ///< a set
  list,          ///< a list from a list
  tuple,         ///< a tuple from a tuple
  bytes,         ///< bytes from bytes, or from a text and the name of its encoding
  object,        ///< Python's `object`: the base of classes that are neither dict nor list
  attribute,     ///< getattr(class, name): methods are saved so
  subscript,     ///< operator.getitem(class, arguments): annotations of types are saved so
  construct,     ///< copyreg._reconstructor(class, base, state)
  new_object,    ///< copyreg.__newobj__(class, ...)
  storage,       ///< a storage class, named in persistent ids; not to be called
  dtype,         ///< a number type, passed as an argument; not to be called
  tensor,        ///< (storage, offset, sizes, strides)
  tensor_v2,     ///< ... requires_grad, hooks, metadata
  tensor_v3,     ///< ... requires_grad, hooks, dtype, metadata
  quantised,     ///< ... (scheme, scale, zero point), requires_grad, hooks
  parameter,     ///< (tensor, requires_grad, ...)
  on_device,     ///< (tensor or array, dtype, device, requires_grad): of accelerators that have no storages
  from_type,     ///< (one of those above, class, its arguments, state)
  numpy_array,   ///< an empty array, filled by its state
  numpy_buffer,  ///< (bytes, dtype, shape, order, axes)
  numpy_dtype,   ///< ("f4", align, copy), its byte order in its state
  numpy_scalar,  ///< (dtype, bytes)
};

struct PickleName {
  std::string_view name;
  PickleCall call;
};

/// Every name that a pickle may mention, but for torch's number types and storages: those are in `dtypes`. In order.
inline constexpr auto pickle_names = [] {
  using enum PickleCall;
  auto names = std::to_array<PickleName>({
      {"_codecs.encode", bytes},
      {"_operator.getitem", subscript},
      {"addict.addict.Dict", dict},
      {"argparse.Namespace", inert},
      {"builtins.Ellipsis", inert},
      {"builtins.bool", inert},
      {"builtins.bytearray", bytes},
      {"builtins.bytes", bytes},
      {"builtins.complex", inert},
      {"builtins.dict", dict},
      {"builtins.float", inert},
      {"builtins.frozenset", set},
      {"builtins.getattr", attribute},
      {"builtins.int", inert},
      {"builtins.list", list},
      {"builtins.long", inert},
      {"builtins.object", object},
      {"builtins.range", inert},
      {"builtins.set", set},
      {"builtins.slice", inert},
      {"builtins.str", inert},
      {"builtins.tuple", tuple},
      {"builtins.unicode", inert},
      {"builtins.xrange", inert},
      {"collections.Counter", dict},
      {"collections.OrderedDict", dict},
      {"collections.defaultdict", dict},
      {"collections.deque", list},
      {"copyreg.__newobj__", new_object},
      {"copyreg._reconstructor", construct},
      {"datetime.date", inert},
      {"datetime.datetime", inert},
      {"datetime.time", inert},
      {"datetime.timedelta", inert},
      {"datetime.timezone", inert},
      {"decimal.Decimal", inert},
      {"detectron2.config.config.CfgNode", dict},
      {"easydict.EasyDict", dict},
      {"fractions.Fraction", inert},
      {"fvcore.common.config.CfgNode", dict},
      {"inspect._ParameterKind", inert},
      {"lightning.fabric.utilities.data.AttributeDict", dict},
      {"lightning_fabric.utilities.data.AttributeDict", dict},
      {"mmcv.utils.config.ConfigDict", dict},
      {"mmengine.config.config.ConfigDict", dict},
      {"mmengine.logging.history_buffer.HistoryBuffer", inert},
      {"numpy.bool", inert},
      {"numpy.bool_", inert},
      {"numpy.bytes_", inert},
      {"numpy.complex128", inert},
      {"numpy.complex64", inert},
      {"numpy.core.multiarray._reconstruct", numpy_array},
      {"numpy.core.multiarray.scalar", numpy_scalar},
      {"numpy.core.numeric._frombuffer", numpy_buffer},
      {"numpy.dtype", numpy_dtype},
      {"numpy.float16", inert},
      {"numpy.float32", inert},
      {"numpy.float64", inert},
      {"numpy.int16", inert},
      {"numpy.int32", inert},
      {"numpy.int64", inert},
      {"numpy.int8", inert},
      {"numpy.longlong", inert},
      {"numpy.ndarray", inert},
      {"numpy.object_", inert},
      {"numpy.str_", inert},
      {"numpy.uint16", inert},
      {"numpy.uint32", inert},
      {"numpy.uint64", inert},
      {"numpy.uint8", inert},
      {"numpy.ulonglong", inert},
      {"omegaconf.base.ContainerMetadata", inert},
      {"omegaconf.base.Metadata", inert},
      {"omegaconf.dictconfig.DictConfig", inert},
      {"omegaconf.listconfig.ListConfig", inert},
      {"omegaconf.nodes.AnyNode", inert},
      {"omegaconf.nodes.BooleanNode", inert},
      {"omegaconf.nodes.FloatNode", inert},
      {"omegaconf.nodes.IntegerNode", inert},
      {"omegaconf.nodes.StringNode", inert},
      {"operator.getitem", subscript},
      {"pathlib.Path", inert},
      {"pathlib.PosixPath", inert},
      {"pathlib.PurePath", inert},
      {"pathlib.PurePosixPath", inert},
      {"pathlib.PureWindowsPath", inert},
      {"pathlib.WindowsPath", inert},
      {"pathlib._local.PosixPath", inert},
      {"pathlib._local.WindowsPath", inert},
      {"pytorch_lightning.utilities.parsing.AttributeDict", dict},
      {"torch.Size", tuple},
      {"torch.Tensor", inert},
      {"torch._tensor._rebuild_from_type", from_type},
      {"torch._tensor._rebuild_from_type_v2", from_type},
      {"torch._utils._rebuild_device_tensor_from_cpu_tensor", on_device},
      {"torch._utils._rebuild_device_tensor_from_numpy", on_device},
      {"torch._utils._rebuild_parameter", parameter},
      {"torch._utils._rebuild_parameter_with_state", parameter},
      {"torch._utils._rebuild_qtensor", quantised},
      {"torch._utils._rebuild_tensor", tensor},
      {"torch._utils._rebuild_tensor_v2", tensor_v2},
      {"torch._utils._rebuild_tensor_v3", tensor_v3},
      {"torch._utils._rebuild_xla_tensor", on_device},
      {"torch.bits16", inert},
      {"torch.bits1x8", inert},
      {"torch.bits2x4", inert},
      {"torch.bits4x2", inert},
      {"torch.bits8", inert},
      {"torch.channels_last", inert},
      {"torch.contiguous_format", inert},
      {"torch.device", inert},
      {"torch.int1", inert},
      {"torch.int2", inert},
      {"torch.int3", inert},
      {"torch.int4", inert},
      {"torch.int5", inert},
      {"torch.int6", inert},
      {"torch.int7", inert},
      {"torch.nn.parameter.Buffer", inert},
      {"torch.nn.parameter.Parameter", inert},
      {"torch.per_channel_affine", inert},
      {"torch.per_channel_affine_float_qparams", inert},
      {"torch.per_tensor_affine", inert},
      {"torch.preserve_format", inert},
      {"torch.quint2x4", inert},
      {"torch.quint4x2", inert},
      {"torch.serialization._get_layout", inert},
      {"torch.tensor._rebuild_from_type", from_type},
      {"torch.tensor._rebuild_from_type_v2", from_type},
      {"torch.torch_version.TorchVersion", inert},
      {"torch.uint1", inert},
      {"torch.uint2", inert},
      {"torch.uint3", inert},
      {"torch.uint4", inert},
      {"torch.uint5", inert},
      {"torch.uint6", inert},
      {"torch.uint7", inert},
      {"torchvision.transforms.functional.InterpolationMode", inert},
      {"types.GenericAlias", inert},
      {"types.NoneType", inert},
      {"types.SimpleNamespace", inert},
      {"typing.Any", inert},
      {"typing.Callable", inert},
      {"typing.Dict", inert},
      {"typing.FrozenSet", inert},
      {"typing.Iterable", inert},
      {"typing.List", inert},
      {"typing.Literal", inert},
      {"typing.Mapping", inert},
      {"typing.Optional", inert},
      {"typing.Sequence", inert},
      {"typing.Set", inert},
      {"typing.Tuple", inert},
      {"typing.Type", inert},
      {"typing.Union", inert},
      {"uuid.SafeUUID", inert},
      {"uuid.UUID", inert},
      {"yacs.config.CfgNode", dict},
  });
  std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return names;
}();

/// A name as a pickle mentions it, looked up.
struct PickleGlobal {
  PickleCall call = PickleCall::unknown;
  DType dtype = DType::u8;     ///< of storage and dtype
  std::string_view name = {};  ///< of static life, empty for unknown ones
};

/// Storages of any device are read alike: "torch.FloatStorage", "torch.cuda.HalfStorage", "torch.storage.UntypedStorage".
inline std::optional<PickleGlobal> torch_number(std::string_view name) {
  if (!name.starts_with("torch.")) return std::nullopt;
  name.remove_prefix(6);
  if (const auto dtype = dtype_named(&DTypeInfo::name, name))
    return PickleGlobal{PickleCall::dtype, *dtype, info_of(*dtype).name};
  for (const std::string_view folder : {"cuda.", "storage."})
    if (name.starts_with(folder)) name.remove_prefix(folder.size());
  if (name == "UntypedStorage" || name == "TypedStorage" || name == "_UntypedStorage")
    return PickleGlobal{PickleCall::storage, DType::u8, "UntypedStorage"};
  if (!name.ends_with("Storage")) return std::nullopt;
  name.remove_suffix(7);
  if (const auto dtype = dtype_named(&DTypeInfo::storage, name))
    return PickleGlobal{PickleCall::storage, *dtype, info_of(*dtype).storage};
  return std::nullopt;
}

/// `module.name` with the spellings of Python 2 and of numpy before 2 and since made one.
inline std::string pickle_name(std::string_view module, std::string_view name) {
  constexpr std::array<std::array<std::string_view, 2>, 4> same{{{"__builtin__", "builtins"},
                                                                 {"copy_reg", "copyreg"},
                                                                 {"numpy._core.multiarray", "numpy.core.multiarray"},
                                                                 {"numpy._core.numeric", "numpy.core.numeric"}}};
  for (const auto& [old, now] : same)
    if (module == old) module = now;
  return std::string{module} + "." + std::string{name};
}

inline PickleGlobal find_pickle_global(std::string_view name) {
  const auto found =
      std::lower_bound(pickle_names.begin(), pickle_names.end(), name,
                       [](const PickleName& entry, std::string_view wanted) { return entry.name < wanted; });
  if (found != pickle_names.end() && found->name == name) return {found->call, DType::u8, found->name};
  return torch_number(name).value_or(PickleGlobal{});
}

/// Tensors that are more than numbers in a storage.
struct SpecialTensor {
  std::string_view name, what, mend;
};

inline constexpr auto special_tensors = std::to_array<SpecialTensor>({
    {"torch._utils._rebuild_sparse_tensor", "a sparse tensor", "in Python: save tensor.to_dense()"},
    {"torch._utils._rebuild_sparse_csr_tensor", "a sparse tensor", "in Python: save tensor.to_dense()"},
    {"torch._utils._rebuild_nested_tensor", "a nested tensor",
     "in Python: save tensor.unbind(), a tuple of ordinary ones"},
    {"torch._utils._rebuild_meta_tensor_no_storage", "a tensor without numbers, of the device 'meta'",
     "it was saved before its weights were loaded or made: save the model again once they are"},
});

/// Modules and names with which a file would do as it pleases if Python called them: run programs, read or write files, evaluate
/// text, or find whatever does. Modules stand here whole only where no one has a package of that name: one's own `io`, `http`
/// or `platform` harms nobody.
inline constexpr std::string_view dangerous_names =
    " os posix nt subprocess sys shutil socket pty importlib runpy ctypes _ctypes cffi marshal pickle _pickle cPickle "
    "cloudpickle dill webbrowser pip pdb bdb timeit cProfile multiprocessing _thread asyncio urllib urllib2 httplib "
    "ftplib "
    "smtplib distutils ensurepip zipimport code.interact code.InteractiveInterpreter code.InteractiveConsole "
    "operator.attrgetter operator.itemgetter operator.methodcaller operator.call _operator.attrgetter "
    "_operator.itemgetter _operator.methodcaller _operator.call functools.reduce "
    "io.open io.open_code io.FileIO _io.open _io.open_code _io.FileIO platform.popen platform._syscmd_file "
    "commands.getoutput "
    "commands.getstatusoutput http.client http.server requests.api tempfile.mktemp linecache.getlines "
    "types.FunctionType "
    "types.CodeType torch.hub torch.utils.cpp_extension torch.load torch.jit.load numpy.load numpy.testing "
    "builtins.eval "
    "builtins.exec builtins.execfile builtins.compile builtins.open builtins.file builtins.setattr builtins.delattr "
    "builtins.__import__ builtins.globals builtins.locals builtins.vars builtins.input builtins.raw_input "
    "builtins.apply "
    "builtins.map builtins.filter builtins.reduce builtins.reload builtins.breakpoint builtins.exit builtins.quit ";

/// Whether a name, or what it is a part of, is one of those. They are refused however tolerant the reader; the list serves the
/// wording, since what is on no list is not called either.
inline bool is_dangerous(std::string_view name) {
  constexpr int longest = 3;  // parts
  auto end = name.find('.');
  for (int parts = 1; parts <= longest; ++parts, end = name.find('.', end + 1)) {
    std::string word{' '};
    word.append(name.substr(0, end)).push_back(' ');
    if (dangerous_names.find(word) != std::string_view::npos) return true;
    if (end == std::string_view::npos) break;
  }
  // A path through another module: "mymodule.os.system".
  for (const std::string_view step : {".os.", ".subprocess.", ".sys.", ".builtins.", ".posix.", ".__globals__"})
    if (name.find(step) != std::string_view::npos) return true;
  return false;
}

}  // namespace vos::detail
