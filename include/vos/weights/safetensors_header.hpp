#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/weights/dtype.hpp>

namespace vos::detail {

/// The first 8 bytes of a safetensors file say how long its header is: so long at most, as in the official reader.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;
inline constexpr std::string_view safetensors_metadata = "__metadata__";
inline constexpr const char* safetensors_damaged =
    "the file is damaged, or made to do harm; get it again from its source";

/// What is no harm, and yet nothing that the usual writers do.
inline constexpr const char* safetensors_unusual =
    "an unusual header; in Python: safetensors.torch.save_file(safetensors.torch.load_file('FILE'), 'OUT.safetensors')";

/// Whether a text begins with '{', as the format demands, or with the white space that readers let pass.
inline bool begins_with_brace(std::string_view text) {
  const auto at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && text[at] == '{';
}

/// What the header says of one tensor.
struct SafetensorsEntry {
  std::string name = {};
  std::optional<DType> dtype = {};
  std::optional<std::vector<std::int64_t>> sizes = {};
  std::optional<std::vector<std::int64_t>> range = {};  ///< begin and end, in bytes after the header
};

/// Takes a header's JSON apart as it is read, so that neither nesting nor repetition builds up in memory, and hands each
/// entry to `take`. What the format does not know is refused rather than passed over: it might change the meaning.
template <class Take>
class SafetensorsHeader : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader(std::string where, std::map<std::string, std::string>& metadata, Take take)
      : where_(std::move(where)), metadata_(metadata), take_(std::move(take)) {}

  bool start_object(std::size_t) override {
    if (place_ == Place::before) return enter(Place::entries);
    if (place_ != Place::entries) return unexpected("an object");
    if (key_ == safetensors_metadata) return enter(Place::metadata);
    entry_ = {.name = key_};
    return enter(Place::entry);
  }

  bool key(string_t& key) override {
    if (place_ == Place::entry) {
      field_ = key;
      const bool again = (field_ == "dtype" && entry_.dtype) || (field_ == "shape" && entry_.sizes) ||
                         (field_ == "data_offsets" && entry_.range);
      if (again) refuse("it has two of " + in_quotes(field_));
      return true;
    }
    key_ = key;
    const bool again = place_ == Place::metadata ? metadata_.contains(key_)
                                                 : key_ == safetensors_metadata && std::exchange(has_metadata_, true);
    if (again) refuse("the header has two of " + in_quotes(key_), safetensors_unusual);
    return true;
  }

  bool string(string_t& text) override {
    constexpr std::size_t most_pairs = 100'000;  // real files have dozens
    if (place_ == Place::metadata) {
      if (metadata_.size() >= most_pairs)
        refuse("the metadata have more than " + std::to_string(most_pairs) + " texts");
      metadata_.emplace(key_, text);
    } else if (place_ == Place::entry && field_ == "dtype") {
      entry_.dtype = dtype_named(&DTypeInfo::safetensors, text);
      if (!entry_.dtype)
        throw Error({.what = "its type is " + in_quotes(text) + ", which LibTorch has no number type for",
                     .where = where(),
                     .mend = "convert it to one of " + type_names() + " in Python"});
    } else {
      return unexpected("a text");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::entry && field_ == "shape") {
      entry_.sizes.emplace();
      return enter(Place::sizes);
    }
    if (place_ == Place::entry && field_ == "data_offsets") {
      entry_.range.emplace();
      return enter(Place::range);
    }
    return unexpected("a list");
  }

  bool number_unsigned(std::uint64_t number) override {
    constexpr std::size_t most_dimensions = 64;  // as in LibTorch
    if (place_ != Place::sizes && place_ != Place::range) return unexpected("a number");
    auto& numbers = place_ == Place::sizes ? *entry_.sizes : *entry_.range;
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      refuse("its '" + field_ + "' has " + std::to_string(number) + ", which 63 bits cannot count");
    if (numbers.size() >= (place_ == Place::sizes ? most_dimensions : 2))
      refuse("its '" + field_ + "' has more than " + std::to_string(numbers.size()) + " numbers");
    numbers.push_back(static_cast<std::int64_t>(number));
    return true;
  }

  bool end_array() override { return enter(Place::entry); }

  bool end_object() override {
    if (place_ == Place::entry) {
      const char* missing = !entry_.dtype                                ? "dtype"
                            : !entry_.sizes                              ? "shape"
                            : !entry_.range || entry_.range->size() != 2 ? "data_offsets"
                                                                         : nullptr;
      if (missing != nullptr) refuse(std::string{"it has no whole '"} + missing + "'");
      take_(std::move(entry_));
    }
    return enter(place_ == Place::entries ? Place::after : Place::entries);
  }

  bool null() override {
    if (place_ == Place::entries && key_ == safetensors_metadata) return true;  // none
    return unexpected("null");
  }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(std::int64_t number) override { return unexpected("the number " + std::to_string(number)); }
  bool number_float(double, const string_t& text) override { return unexpected("the number " + in_quotes(text)); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw Error({.what = "the header is not JSON",
                 .where = where_ + ", byte " + std::to_string(8 + (position == 0 ? 0 : position - 1)),
                 .mend = safetensors_damaged});
  }

 private:
  enum class Place : std::uint8_t { before, entries, metadata, entry, sizes, range, after };

  bool enter(Place place) {
    place_ = place;
    return true;
  }

  std::string where() const {
    if (place_ <= Place::entries && key_.empty()) return where_ + ", header";
    return where_ + ", header, " + in_quotes(key_);
  }

  [[noreturn]] void refuse(const std::string& what, const char* mend = safetensors_damaged) const {
    throw Error({.what = what, .where = where(), .mend = mend});
  }

  [[noreturn]] bool unexpected(const std::string& found) const {
    const bool in_field = place_ == Place::entry || place_ == Place::sizes || place_ == Place::range;
    const char* wanted = place_ <= Place::entries                        ? "an object"
                         : place_ == Place::metadata                     ? "a text"
                         : place_ != Place::entry                        ? "a whole number from 0 on"
                         : field_ == "dtype"                             ? "a text"
                         : field_ == "shape" || field_ == "data_offsets" ? "a list"
                                                                         : "only 'dtype', 'shape' and 'data_offsets'";
    const bool known = place_ != Place::entry || field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
    refuse((in_field ? "its " + in_quotes(field_) + " has " : "here is ") + found + " where the format has " + wanted,
           known ? safetensors_damaged : safetensors_unusual);
  }

  static std::string type_names() {
    std::vector<std::string_view> names;
    for (const auto& info : dtypes)
      if (!info.safetensors.empty()) names.push_back(info.safetensors);
    return join(names, ", ");
  }

  const std::string where_;
  std::map<std::string, std::string>& metadata_;
  Take take_;
  bool has_metadata_ = false;
  Place place_ = Place::before;
  std::string key_, field_;
  SafetensorsEntry entry_;
};

}  // namespace vos::detail
