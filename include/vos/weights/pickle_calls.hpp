#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/pickle_arrays.hpp>
#include <vos/weights/pickle_bytes.hpp>
#include <vos/weights/pickle_globals.hpp>
#include <vos/weights/pickle_text.hpp>
#include <vos/weights/pickle_values.hpp>

namespace vos::detail {

/// What a pickle asks Python to import and call, done here to a tree: the names on the list give what they would have given,
/// others are refused or become inert. Nothing is looked up anywhere but in that list.
class PickleCalls {
 public:
  PickleCalls(Checkpoint& into, const PickleBytes& pickle, PickleValues& values, const CheckpointOptions& options)
      : into_(into), pickle_(pickle), values_(values), arrays_(into, pickle, values), options_(options) {}

  /// A class or function by name.
  NodeId named(std::string_view module, std::string_view name) {
    constexpr std::size_t longest = 512;
    if (module.size() > longest || name.size() > longest) pickle_.refuse("a name of more than 512 letters");
    const auto full = pickle_name(module, name);
    auto found = find_pickle_global(full);
    if (found.call == PickleCall::unknown) {
      if (is_dangerous(full)) refuse_dangerous(full);
      whole_module_ |= full.starts_with("torch.nn.modules.") || full.starts_with("__torch__.");
      if (full == "torch.storage._load_from_bytes")
        put_off("its tensors were saved by pickle.dump, each as a file of its own",
                "in Python: torch.save(pickle.load(open('FILE', 'rb')), 'weights.pth')");
      for (const auto& special : special_tensors)
        if (full == special.name)
          put_off("it holds " + std::string{special.what} + " (" + in_quotes(full) + ")", std::string{special.mend});
      put_off_unknown(full);
    }
    values_.names.push_back(found);
    const auto text = found.name.size() == full.size() ? found.name : values_.keep(full);
    return values_.object(PickleRole::name, text, values_.names.size() - 1);
  }

  /// The value of function(*arguments), or a new object of a class.
  NodeId call(NodeId function, NodeId arguments) {
    const auto* name = values_.name(function);
    if (name == nullptr) pickle_.refuse("it calls what is no function");
    if (values_[arguments].kind != NodeKind::tuple) pickle_.refuse("it calls a function without a tuple of arguments");
    switch (const auto known = *name; known.call) {
      case PickleCall::unknown:
      case PickleCall::object:
      case PickleCall::inert: return values_.object(PickleRole::instance, values_[function].text, 0, {arguments});
      case PickleCall::dict: return dict(values_[function].text, arguments);
      case PickleCall::set: return copy(NodeKind::set, arguments);
      case PickleCall::list: return copy(NodeKind::list, arguments);
      case PickleCall::tuple: return copy(NodeKind::tuple, arguments);
      case PickleCall::bytes: return bytes(arguments);
      case PickleCall::attribute: return attribute(values_[function].text, arguments);
      case PickleCall::subscript: return subscript(arguments);
      case PickleCall::construct: return construct(arguments);
      case PickleCall::new_object: return new_object(arguments);
      case PickleCall::storage:
      case PickleCall::dtype: pickle_.refuse("it calls " + in_quotes(values_[function].text));
      case PickleCall::numpy_array: return arrays_.empty(arguments);
      case PickleCall::numpy_buffer: return numpy_buffer(arguments);
      case PickleCall::numpy_dtype: return arrays_.type(arguments);
      case PickleCall::numpy_scalar: return arrays_.scalar(arguments);
      case PickleCall::from_type: return from_type(arguments);
      default: return tensor(known.call, arguments);
    }
  }

  /// What Python's __setstate__ would do. State that says nothing about the values themselves (an OrderedDict's _metadata, a
  /// config's flags) is dropped.
  void set_state(NodeId target, NodeId state) {
    switch (values_[target].kind) {
      case NodeKind::dict:
      case NodeKind::set:
      case NodeKind::tensor: return;
      case NodeKind::object: break;
      default: pickle_.refuse("it gives a state to a value that has none");
    }
    if (values_.is(target, PickleRole::numpy_dtype)) return arrays_.set_type_state(target, state);
    if (values_.is(target, PickleRole::numpy_array)) return set_array_state(target, state);
    if (!values_.is(target, PickleRole::instance)) pickle_.refuse("it changes a class");
    whole_module_ |= is_module_state(state);
    values_.spend(1);
    values_[target].items.push_back(state);
  }

  /// A storage, by the tuple that torch.save names it with: ('storage', class, key, device, elements, view).
  NodeId persistent(NodeId id) {
    const auto kind = values_[id].kind == NodeKind::tuple && !values_[id].items.empty()
                          ? values_.as_text(values_.argument(id, 0))
                          : "";
    if (kind == "module") {  // a class and its source, in the older format
      whole_module_ = true;
      return values_.argument(id, 1);
    }
    if (kind != "storage") pickle_.refuse("it refers to something outside that is no storage");
    const auto* type = values_.name(values_.argument(id, 1));
    if (type == nullptr || type->call != PickleCall::storage) pickle_.refuse("a storage without a type");
    PickleStorage storage{.dtype = type->dtype};
    const auto elements = values_.as_integer(values_.argument(id, 4));
    storage.record = record(values_.as_text(values_.argument(id, 2)), values_.as_text(values_.argument(id, 3)),
                            storage.dtype, elements);
    if (values_[id].items.size() > 5 && values_[values_.argument(id, 5)].kind != NodeKind::none) {
      const auto view = values_.argument(id, 5);
      storage.offset = values_.as_integer(values_.argument(view, 1));
      std::int64_t end = 0;
      if (storage.offset < 0 || values_.as_integer(values_.argument(view, 2)) < 0 ||
          __builtin_add_overflow(storage.offset, values_.as_integer(values_.argument(view, 2)), &end) || end > elements)
        pickle_.refuse("a view that leaves its storage");
    }
    values_.storages.push_back(storage);
    return values_.object(PickleRole::storage, values_[values_.argument(id, 1)].text, values_.storages.size() - 1);
  }

  /// Throws what was put off: an unknown name is answered once it is clear what the file is.
  void finish() const {
    if (!refused_) return;
    auto parts = *refused_;
    if (whole_module_ && !dangerous_)
      parts.what = "this file is a whole pickled model, code and all, not its weights: " + parts.what;
    if (parts.mend.empty())
      parts.mend =
          whole_module_
              ? "where it comes from, in Python: torch.save(model.state_dict(), 'weights.pth'); then read that file"
              : "read it with unknown types kept as inert values, or save what you need from it in Python";
    throw Error(std::move(parts));
  }

 private:
  // --- containers -------------------------------------------------------------------------------------------------------

  void copy_items(NodeId to, NodeId from) {
    values_.spend(values_.count(from));
    const auto& source = values_[from].items;
    values_[to].items.insert(values_[to].items.end(), source.begin(), source.end());
  }

  NodeId dict(std::string_view type, NodeId arguments) {
    const auto result = values_.make(CheckpointNode{.kind = NodeKind::dict, .text = type});
    // defaultdict has its factory first. No class on the list takes more than two.
    for (std::size_t i = 0; i < std::min<std::size_t>(2, values_.count(arguments)); ++i) {
      const auto given = values_.argument(arguments, i);
      if (values_[given].kind == NodeKind::dict) copy_items(result, given);
      if (values_[given].kind != NodeKind::list) continue;  // some classes repeat as tuples what is set one by one
      for (std::size_t pair = 0; pair < values_.count(given); ++pair) {
        const auto entry = values_[given].items[pair];
        if (values_.count(entry) != 2) pickle_.refuse("a dict from a list that does not hold pairs");
        copy_items(result, entry);
      }
    }
    return result;
  }

  NodeId copy(NodeKind kind, NodeId arguments) {
    if (values_.count(arguments) == 0) return values_.make(kind);
    const auto given = values_.argument(arguments, 0);
    const auto from = values_[given].kind;
    if (from == kind && kind == NodeKind::tuple) return given;
    if (from != NodeKind::list && from != NodeKind::tuple && from != NodeKind::set)
      pickle_.refuse("a list, tuple or set from something else");
    const auto result = values_.make(kind);
    copy_items(result, given);
    return result;
  }

  /// bytes(b"..."), encode("...", "latin1"), nothing: empty.
  NodeId bytes(NodeId arguments) {
    if (values_.count(arguments) == 0) return values_.bytes({});
    const auto given = values_.argument(arguments, 0);
    if (values_[given].kind == NodeKind::bytes) return values_.bytes(values_[given].text);
    const auto encoding = values_.count(arguments) > 1 ? values_.as_text(values_.argument(arguments, 1)) : "";
    if (values_[given].kind != NodeKind::text || (encoding != "latin1" && encoding != "latin-1"))
      pickle_.refuse("bytes from something other than bytes or a text in Latin-1");
    return values_.bytes(values_.keep(latin1_bytes(values_[given].text)));
  }

  /// A method of a class is a value like any other. Python's own names (__class__, __globals__) are how exploits find their
  /// way.
  NodeId attribute(std::string_view getter, NodeId arguments) {
    const auto owner = values_.argument(arguments, 0);
    const auto attribute = values_.as_text(values_.argument(arguments, 1));
    if (attribute.starts_with("__")) refuse_dangerous(std::string{getter});
    const auto* name = values_.name(owner);
    if (name != nullptr && name->call == PickleCall::inert)
      return values_.object(PickleRole::instance, getter, 0, {arguments});
    constexpr std::size_t longest = 512;
    const auto& from = values_[owner];
    const auto full = std::string{from.kind == NodeKind::object ? from.text.substr(0, longest) : "value"} + "." +
                      std::string{attribute.substr(0, longest)};
    if (is_dangerous(full)) refuse_dangerous(full);
    put_off_unknown(full);
    return values_.object(PickleRole::instance, values_.keep(full), 0, {arguments});
  }

  /// X[arguments], with which annotations of types are saved.
  NodeId subscript(NodeId arguments) {
    const auto& owner = values_[values_.argument(arguments, 0)];
    const bool annotation = owner.kind == NodeKind::object && owner.text.starts_with("typing.");
    if (!annotation) put_off_unknown("operator.getitem");
    return values_.object(PickleRole::instance, annotation ? "typing.Generic" : "operator.getitem", 0, {arguments});
  }

  NodeId construct(NodeId arguments) {
    const auto type = values_.argument(arguments, 0), state = values_.argument(arguments, 2);
    const auto *name = values_.name(type), *base = values_.name(values_.argument(arguments, 1));
    if (name == nullptr || base == nullptr) pickle_.refuse("an object without a class");
    if (name->call != PickleCall::dict && base->call != PickleCall::dict)
      return values_.object(PickleRole::instance, values_[type].text, 0, {state});
    return dict(values_[type].text, arguments_of({state}));
  }

  NodeId new_object(NodeId arguments) {
    const auto type = values_.argument(arguments, 0);
    const auto* name = values_.name(type);
    if (name == nullptr || name->call == PickleCall::new_object) pickle_.refuse("an object without a class");
    values_.spend(values_.count(arguments));
    const auto& items = values_[arguments].items;
    return call(type, arguments_of({items.begin() + 1, items.end()}));
  }

  NodeId arguments_of(std::vector<NodeId> items) { return values_.make(NodeKind::tuple, std::move(items)); }

  // --- tensors ----------------------------------------------------------------------------------------------------------

  NodeId tensor(PickleCall how, NodeId arguments) {
    if (how == PickleCall::parameter || how == PickleCall::on_device) {
      const auto data = values_.argument(arguments, 0);
      if (values_[data].kind != NodeKind::tensor) pickle_.refuse("a parameter that is no tensor");
      into_.tensors[static_cast<std::size_t>(values_[data].integer)].requires_grad =
          values_.as_bool(values_.argument(arguments, how == PickleCall::parameter ? 1 : 3));
      return data;
    }
    const auto from = values_.argument(arguments, 0);
    if (!values_.is(from, PickleRole::storage)) pickle_.refuse("a tensor without a storage");
    const auto storage = values_.storages[values_.index(from)];
    TensorRecord record{.dtype = storage.dtype,
                        .storage = storage.record,
                        .offset = values_.as_integer(values_.argument(arguments, 1)),
                        .sizes = values_.as_sizes(values_.argument(arguments, 2)),
                        .strides = values_.as_sizes(values_.argument(arguments, 3))};
    if (__builtin_add_overflow(record.offset, storage.offset, &record.offset))
      pickle_.refuse("an offset beyond 64 bits");
    if (how == PickleCall::quantised) {
      set_scheme(record, values_.argument(arguments, 4));
      record.requires_grad = values_.as_bool(values_.argument(arguments, 5));
    } else if (how != PickleCall::tensor) {
      record.requires_grad = values_.as_bool(values_.argument(arguments, 4));
      if (how == PickleCall::tensor_v3) {
        const auto* type = values_.name(values_.argument(arguments, 6));
        if (type == nullptr || type->call != PickleCall::dtype) pickle_.refuse("a tensor without a number type");
        record.dtype = type->dtype;
      }
      const std::size_t metadata = how == PickleCall::tensor_v3 ? 7 : 6;
      if (values_.count(arguments) > metadata) expect_resolved(values_.argument(arguments, metadata));
    }
    into_.tensors.push_back(std::move(record));
    return values_.make(
        CheckpointNode{.kind = NodeKind::tensor, .integer = static_cast<std::int64_t>(into_.tensors.size() - 1)});
  }

  void set_scheme(TensorRecord& record, NodeId scheme) {
    const auto* name = values_.name(values_.argument(scheme, 0));
    if (name == nullptr || name->name != "torch.per_tensor_affine")
      pickle_.refuse("a tensor quantised with a scale for each channel",
                     "in Python: save tensor.dequantize(), or quantise it per tensor");
    record.scale = values_.as_real(values_.argument(scheme, 1));
    record.zero_point = values_.as_integer(values_.argument(scheme, 2));
  }

  /// LibTorch may save that numbers are still to be conjugated or negated.
  void expect_resolved(NodeId metadata) {
    if (values_[metadata].kind != NodeKind::dict) return;
    values_.spend(values_.count(metadata));  // many tensors may share one
    const auto& items = values_[metadata].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const auto key = values_.as_text(items[i]);
      const auto& value = values_[items[i + 1]];
      if ((key == "conj" || key == "neg") && (value.kind != NodeKind::boolean || value.integer != 0))
        pickle_.refuse("a tensor whose numbers are still to be changed (" + in_quotes(key) + ")",
                       "in Python: save tensor.resolve_conj().resolve_neg()");
    }
  }

  /// A subclass of Tensor: what it is made from, its class, the arguments, its state.
  NodeId from_type(NodeId arguments) {
    const auto* name = values_.name(values_.argument(arguments, 0));
    const bool fits = name != nullptr && name->call >= PickleCall::tensor && name->call <= PickleCall::parameter;
    if (!fits) pickle_.refuse("a tensor of a class of its own, made in a way that is not known");
    return tensor(name->call, values_.argument(arguments, 2));
  }

  std::uint32_t record(std::string_view key, std::string_view device, DType dtype, std::int64_t elements) {
    constexpr std::size_t longest = 256;
    if (key.empty() || key.size() > longest || device.size() > longest)
      pickle_.refuse("a storage without a usable name");
    const auto [at, added] = records_.try_emplace(std::string{key}, static_cast<std::uint32_t>(into_.storages.size()));
    if (added) {
      into_.storages.push_back({.key = at->first, .device = std::string{device}, .dtype = dtype, .elements = elements});
      return at->second;
    }
    const auto& known = into_.storages[at->second];
    const auto bytes = [](std::int64_t count, DType type) { return static_cast<__int128>(count) * bytes_of(type); };
    if (bytes(known.elements, known.dtype) != bytes(elements, dtype))
      pickle_.refuse("storage " + in_quotes(key) + " has " + std::to_string(elements) + " numbers here and " +
                     std::to_string(known.elements) + " elsewhere");
    return at->second;
  }

  // --- numpy ------------------------------------------------------------------------------------------------------------

  /// (version, shape, dtype, whether in Fortran's order, bytes); the oldest lack the version.
  void set_array_state(NodeId array, NodeId state) {
    const auto first = values_.count(state) > 4 ? 1 : 0;
    fill(array, values_.argument(state, first + 1), values_.argument(state, first),
         values_.as_bool(values_.argument(state, first + 2)), values_.argument(state, first + 3));
  }

  /// (bytes, dtype, shape, order, axes): "K" is C's order with the axes changed about afterwards.
  NodeId numpy_buffer(NodeId arguments) {
    const auto order = values_.as_text(values_.argument(arguments, 3));
    std::vector<std::int64_t> axes;
    if (order == "K") axes = values_.as_sizes(values_.argument(arguments, 4));
    else if (order != "C" && order != "F") pickle_.refuse("an array in the order " + in_quotes(order));
    const auto shape = values_.argument(arguments, 2), array = arrays_.empty(arguments);
    if (order == "K" && axes.size() != values_.count(shape)) pickle_.refuse("an array whose order of axes is none");
    fill(array, values_.argument(arguments, 1), shape, order == "F", values_.argument(arguments, 0), axes);
    return array;
  }

  void fill(NodeId array, NodeId type, NodeId shape, bool fortran, NodeId data,
            std::span<const std::int64_t> axes = {}) {
    if (!arrays_.fill(array, type, shape, fortran, data, axes))
      put_off("it holds a numpy array of type " + in_quotes(arrays_.type_name(type)) + ", which is not known",
              "in Python: save it as numpy.float64");
  }

  // --- refusals ---------------------------------------------------------------------------------------------------------

  /// Whether this is what a torch.nn.Module keeps.
  bool is_module_state(NodeId state) {
    const auto& items = values_[state].items;
    bool parameters = false, modules = false;
    if (values_[state].kind != NodeKind::dict) return false;
    for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 64); i += 2) {
      parameters |= values_.as_text(items[i]) == "_parameters";
      modules |= values_.as_text(items[i]) == "_modules";
    }
    return parameters && modules;
  }

  void put_off(const std::string& what, const std::string& mend = "") {
    if (options_.unknown == UnknownTypes::refuse && !refused_)
      refused_ = {.what = what, .where = pickle_.place(), .mend = mend};
  }

  void put_off_unknown(const std::string& name) {
    put_off("it holds a " + in_quotes(name) + ", which is not one of the types that checkpoints are made of");
  }

  [[noreturn]] void refuse_dangerous(const std::string& name) {
    dangerous_ = true;
    refused_ = {.what = "this file asks Python to run " + in_quotes(name) + "; do not open it in Python",
                .where = pickle_.place(),
                .mend = "weights need nothing of the kind: get them from a source that you trust"};
    throw Error(*refused_);
  }

  Checkpoint& into_;
  const PickleBytes& pickle_;
  PickleValues& values_;
  PickleArrays arrays_;
  const CheckpointOptions& options_;
  std::map<std::string, std::uint32_t, std::less<>> records_;
  std::optional<Error::Parts> refused_;
  bool whole_module_ = false, dangerous_ = false;
};

}  // namespace vos::detail
