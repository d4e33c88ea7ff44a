#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <vos/error.hpp>
#include <vos/weights/little_endian.hpp>

namespace vos::detail {

/// A pickle, read forward. Nothing is believed of a length before the bytes are there.
class PickleBytes {
 public:
  /// `file`: what the pickle is a part of, if it is, so that places in messages are the file's.
  PickleBytes(std::span<const std::uint8_t> bytes, std::string where, std::span<const std::uint8_t> file = {})
      : bytes_(bytes), where_(std::move(where)) {
    const std::less_equal<const std::uint8_t*> before;
    if (!file.empty() && before(file.data(), bytes.data()) &&
        before(bytes.data() + bytes.size(), file.data() + file.size()))
      begins_at_ = static_cast<std::size_t>(bytes.data() - file.data());
  }

  std::size_t at() const { return at_; }
  std::size_t size() const { return bytes_.size(); }

  /// The next instruction; messages name its place until the next call.
  std::uint8_t instruction() {
    instruction_at_ = at_;
    return take(1)[0];
  }

  std::span<const std::uint8_t> take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      refuse("the pickle ends here: " + std::to_string(count) + " bytes wanted, " +
             std::to_string(bytes_.size() - at_) + " are left");
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += part.size();
    return part;
  }

  template <std::unsigned_integral Number>
  Number number() {
    return little_endian<Number>(take(sizeof(Number)));
  }

  /// Up to the end of the line, which is passed over.
  std::string_view line() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const auto* end =
        at_ < bytes_.size() ? static_cast<const char*>(std::memchr(begin, '\n', bytes_.size() - at_)) : nullptr;
    if (end == nullptr) refuse("the pickle ends in the middle of a line");
    at_ += static_cast<std::size_t>(end - begin) + 1;
    return {begin, static_cast<std::size_t>(end - begin)};
  }

  /// "weights.pth, byte 17"
  std::string place() const {
    return where_ + ", byte " + std::to_string(begins_at_.value_or(0) + instruction_at_) +
           (begins_at_ ? "" : " of the pickle");
  }

  [[noreturn]] void refuse(
      const std::string& what,
      const std::string& mend = "the file is damaged or cut short; get it again from its source") const {
    throw Error({.what = what, .where = place(), .mend = mend});
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::string where_;
  std::optional<std::size_t> begins_at_;
  std::size_t at_ = 0, instruction_at_ = 0;
};

}  // namespace vos::detail
