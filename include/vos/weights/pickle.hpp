#pragma once

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/checkpoint.hpp>
#include <vos/weights/little_endian.hpp>
#include <vos/weights/pickle_bytes.hpp>
#include <vos/weights/pickle_calls.hpp>
#include <vos/weights/pickle_memo.hpp>
#include <vos/weights/pickle_opcodes.hpp>
#include <vos/weights/pickle_values.hpp>

namespace vos {

namespace detail {

/// Pickle's machine: a stack of values, marks on it, and a memo, driven by one instruction at a time. Nothing recurses, so
/// that no nesting in the file is too deep.
class Unpickler {
 public:
  Unpickler(Checkpoint& into, std::span<const std::uint8_t> bytes, const CheckpointOptions& options)
      : pickle_(bytes, into.where, into.file != nullptr ? into.file->all() : std::span<const std::uint8_t>{}),
        values_(into, pickle_, options),
        calls_(into, pickle_, values_, options) {}

  NodeId run() {
    try {
      while (step()) {
      }
    } catch (const Error&) {
      calls_.finish();  // an unknown name came first and says more
      throw;
    }
    calls_.finish();
    return pop();
  }

  std::size_t end() const { return pickle_.at(); }

 private:
  /// Carries out one instruction; false at the end.
  bool step() {
    const auto op = pickle_.instruction();
    switch (static_cast<PickleOp>(op)) {
      case PickleOp::proto: expect_known(number<std::uint8_t>()); break;
      case PickleOp::frame: expect_frame(number<std::uint64_t>()); break;
      case PickleOp::stop: need(1); return false;

      // --- the stack
      case PickleOp::mark: marks_.push_back(stack_.size()); break;
      case PickleOp::pop:
        if (!marks_.empty() && marks_.back() == stack_.size()) marks_.pop_back();
        else pop();
        break;
      case PickleOp::pop_mark: above_mark(); break;
      case PickleOp::dup: push(top()); break;
      case PickleOp::put: memo_.put(index_line(), top()); break;
      case PickleOp::bin_put: memo_.put(number<std::uint8_t>(), top()); break;
      case PickleOp::long_bin_put: memo_.put(number<std::uint32_t>(), top()); break;
      case PickleOp::memoize: memo_.put_next(top()); break;
      case PickleOp::get: recall(index_line()); break;
      case PickleOp::bin_get: recall(number<std::uint8_t>()); break;
      case PickleOp::long_bin_get: recall(number<std::uint32_t>()); break;

      // --- numbers
      case PickleOp::none: push(values_.none()); break;
      case PickleOp::new_true: push(values_.boolean(true)); break;
      case PickleOp::new_false: push(values_.boolean(false)); break;
      case PickleOp::bin_int1: push(values_.integer(number<std::uint8_t>())); break;
      case PickleOp::bin_int2: push(values_.integer(number<std::uint16_t>())); break;
      case PickleOp::bin_int: push(values_.integer(static_cast<std::int32_t>(number<std::uint32_t>()))); break;
      case PickleOp::long1: push(values_.long_integer(pickle_.take(number<std::uint8_t>()))); break;
      case PickleOp::long4: push(values_.long_integer(pickle_.take(number<std::uint32_t>()))); break;
      case PickleOp::integer: push(integer_line()); break;
      case PickleOp::long_text: push(long_line()); break;
      case PickleOp::floating: push(float_line()); break;
      case PickleOp::bin_float:
        push(values_.real(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>()))));
        break;

      // --- texts and bytes
      case PickleOp::string: push(values_.text(values_.keep(from_quoted(pickle_.line())), true)); break;
      case PickleOp::short_bin_string: push(values_.text(sized<std::uint8_t>(), true)); break;
      case PickleOp::bin_string: push(values_.text(sized<std::uint32_t>(), true)); break;
      case PickleOp::unicode: push(values_.text(values_.keep(from_raw_unicode(pickle_.line())))); break;
      case PickleOp::short_bin_unicode: push(values_.text(sized<std::uint8_t>())); break;
      case PickleOp::bin_unicode: push(values_.text(sized<std::uint32_t>())); break;
      case PickleOp::bin_unicode8: push(values_.text(sized<std::uint64_t>())); break;
      case PickleOp::short_bin_bytes: push(values_.bytes(sized<std::uint8_t>())); break;
      case PickleOp::bin_bytes: push(values_.bytes(sized<std::uint32_t>())); break;
      case PickleOp::bin_bytes8:
      case PickleOp::byte_array8: push(values_.bytes(sized<std::uint64_t>())); break;

      // --- containers
      case PickleOp::empty_list: push(values_.make(NodeKind::list)); break;
      case PickleOp::empty_dict: push(values_.make(NodeKind::dict)); break;
      case PickleOp::empty_set: push(values_.make(NodeKind::set)); break;
      case PickleOp::empty_tuple: push(values_.empty_tuple()); break;
      case PickleOp::tuple1: tuple_of(1); break;
      case PickleOp::tuple2: tuple_of(2); break;
      case PickleOp::tuple3: tuple_of(3); break;
      case PickleOp::tuple: push_container(NodeKind::tuple); break;
      case PickleOp::list: push_container(NodeKind::list); break;
      case PickleOp::frozen_set: push_container(NodeKind::set); break;
      case PickleOp::dict: push_container(NodeKind::dict); break;
      case PickleOp::append:
        need(2);
        add(NodeKind::list, take_top(1));
        break;
      case PickleOp::appends: add(NodeKind::list, above_mark()); break;
      case PickleOp::add_items: add(NodeKind::set, above_mark()); break;
      case PickleOp::set_item:
        need(3);
        add(NodeKind::dict, take_top(2));
        break;
      case PickleOp::set_items: add(NodeKind::dict, above_mark()); break;

      // --- names and calls
      case PickleOp::global: push(global_lines()); break;
      case PickleOp::stack_global: push_stack_global(); break;
      case PickleOp::reduce:
      case PickleOp::new_obj: push_call(); break;
      case PickleOp::new_obj_ex: push_call_with_names(); break;
      case PickleOp::inst: push_instance(); break;
      case PickleOp::obj: push_object(); break;
      case PickleOp::build: set_state(); break;
      case PickleOp::bin_pers_id: push(calls_.persistent(pop())); break;

      // --- what no checkpoint has
      case PickleOp::pers_id:
        pickle_.refuse("it refers to something outside by a text", "save it again with protocol 2");
      case PickleOp::ext1:
      case PickleOp::ext2:
      case PickleOp::ext4:
        pickle_.refuse("it names a type by a number that only its writer knows (copyreg.add_extension)",
                       "save it again without registered extensions");
      case PickleOp::next_buffer:
      case PickleOp::readonly_buffer:
        pickle_.refuse("its numbers were kept outside of it (out-of-band buffers)",
                       "save it again without buffer_callback");
      default: refuse_unknown(op);
    }
    return true;
  }

  void expect_known(unsigned protocol) const {
    if (protocol > 5)
      pickle_.refuse("pickle protocol " + std::to_string(protocol),
                     "protocols 0 to 5 are known; save it again with one");
  }

  /// A frame says how much to read at once. Nothing more follows from it here.
  void expect_frame(std::uint64_t size) const {
    const auto left = pickle_.size() - pickle_.at();
    if (size > left)
      pickle_.refuse("a frame of " + std::to_string(size) + " bytes, with " + std::to_string(left) + " left");
  }

  [[noreturn]] void refuse_unknown(unsigned op) const {
    pickle_.refuse("this is no pickle: instruction " + std::to_string(op) + " is unknown");
  }

  template <class Number>
  Number number() {
    return pickle_.number<Number>();
  }
  template <class Number>
  std::string_view sized() {
    return text_of(pickle_.take(number<Number>()));
  }

  /// Refuses unless so many values lie above the last mark.
  void need(std::size_t count) const {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count)
      pickle_.refuse("this instruction takes more values than there are");
  }

  void push(NodeId value) { stack_.push_back(value); }

  NodeId top() const {
    need(1);
    return stack_.back();
  }

  NodeId pop() {
    const auto value = top();
    stack_.pop_back();
    return value;
  }

  std::string_view pop_text() {
    const auto id = pop();
    if (values_[id].kind != NodeKind::text) pickle_.refuse("a class whose name is no text");
    return values_[id].text;
  }

  std::vector<NodeId> take_top(std::size_t count) {
    need(count);
    const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<NodeId> items{begin, stack_.end()};
    stack_.erase(begin, stack_.end());
    return items;
  }

  /// The values above the last mark, which goes with them.
  std::vector<NodeId> above_mark() {
    if (marks_.empty()) pickle_.refuse("this instruction needs a mark, and there is none");
    auto items = take_top(stack_.size() - marks_.back());
    marks_.pop_back();
    return items;
  }

  NodeId global_lines() {
    const auto module = pickle_.line(), name = pickle_.line();
    return calls_.named(module, name);
  }

  void push_stack_global() {
    const auto name = pop_text(), module = pop_text();
    push(calls_.named(module, name));
  }

  void push_call() {
    const auto arguments = pop(), function = pop();
    push(calls_.call(function, arguments));
  }

  void push_call_with_names() {
    const auto by_name = pop(), arguments = pop(), type = pop();
    push(calls_.call(type, arguments));
    if (!values_[by_name].items.empty()) calls_.set_state(top(), by_name);
  }

  void push_object() {
    auto items = above_mark();
    if (items.empty()) pickle_.refuse("an object without a class");
    const auto type = items.front();
    items.erase(items.begin());
    push(calls_.call(type, values_.make(NodeKind::tuple, std::move(items))));
  }

  void push_instance() {
    const auto type = global_lines();
    push(calls_.call(type, values_.make(NodeKind::tuple, above_mark())));
  }

  void set_state() {
    const auto state = pop();
    calls_.set_state(top(), state);
  }

  void tuple_of(std::size_t count) { push(values_.make(NodeKind::tuple, take_top(count))); }

  void push_container(NodeKind kind) {
    auto items = above_mark();
    expect_pairs(kind, items);
    push(values_.make(kind, std::move(items)));
  }

  void expect_pairs(NodeKind kind, const std::vector<NodeId>& items) const {
    if (kind == NodeKind::dict && items.size() % 2 != 0) pickle_.refuse("a key without a value");
  }

  /// Adds `items` to the container on top of the stack. An object whose class is a list or dict keeps them as its last item.
  void add(NodeKind kind, std::vector<NodeId> items) {
    constexpr std::int64_t content = 1;  // in the list's or dict's `integer`
    expect_pairs(kind, items);
    auto target = top();
    if (values_[target].kind == NodeKind::object && values_.is(target, PickleRole::instance)) {
      const auto& parts = values_[target].items;
      if (parts.empty() || values_[parts.back()].kind != kind || values_[parts.back()].integer != content) {
        const auto made = values_.make(CheckpointNode{.kind = kind, .integer = content});
        values_[target].items.push_back(made);
      }
      target = values_[target].items.back();
    }
    auto& node = values_[target];
    if (node.kind != kind) pickle_.refuse("it adds to a value that cannot hold others");
    node.items.insert(node.items.end(), items.begin(), items.end());
  }

  void recall(std::uint64_t index) {
    const auto value = memo_.get(index);
    if (!value) pickle_.refuse("it recalls value " + std::to_string(index) + ", which it has not kept");
    push(*value);
  }

  std::uint64_t index_line() {
    const auto line = pickle_.line();
    const auto index = number_from<std::uint64_t>(line);
    if (!index) pickle_.refuse(in_quotes(line) + " is no number of a kept value");
    return *index;
  }

  NodeId integer_line() {
    const auto line = pickle_.line();
    if (line == "00" || line == "01") return values_.boolean(line == "01");
    return values_.long_integer(line);
  }

  NodeId long_line() {
    auto digits = pickle_.line();
    if (digits.ends_with('L')) digits.remove_suffix(1);
    return values_.long_integer(digits);
  }

  NodeId float_line() {
    const auto line = pickle_.line();
    const auto value = number_from<double>(line);
    if (!value) pickle_.refuse(in_quotes(line) + " is no number");
    return values_.real(*value);
  }

  PickleBytes pickle_;
  PickleValues values_;
  PickleCalls calls_;
  PickleMemo memo_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
};

}  // namespace detail

/// Reads a pickle into a checkpoint's tree without running it: a fixed list of instructions and names, everything else refused
/// with its name and place, or inert. Gives the value that was pickled; `end`, where given, becomes the number of bytes read.
///
///   storages   named by persistent ids; their `bytes` are left to the caller, who knows where they lie
///   arrays     numpy's bring their bytes in the pickle
///
/// Texts stay views of `pickle`, which has to live as long as the checkpoint.
inline NodeId unpickle(Checkpoint& into, std::span<const std::uint8_t> pickle, const CheckpointOptions& options,
                       std::size_t* end = nullptr) {
  detail::Unpickler machine{into, pickle, options};
  const auto root = machine.run();
  if (end != nullptr) *end = machine.end();
  return root;
}

}  // namespace vos
