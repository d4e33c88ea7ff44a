#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vos/io/pending_file.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace vos {

/// A picture for an event file, as PNG.
struct EventPicture {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> png = {};
};

/// How often values fell into buckets: bucket i ends at `ends[i]`, where the next begins.
struct EventHistogram {
  double least = 0, most = 0, count = 0, sum = 0, squares = 0;
  std::vector<double> ends = {}, counts = {};
};

namespace detail {

/// The few shapes of protocol buffers that an event needs.
class Protobuf {
 public:
  Protobuf& integer(int field, std::uint64_t value) {
    key(field, 0);
    varint(value);
    return *this;
  }
  Protobuf& number(int field, double value) { return fixed(field, 1, std::bit_cast<std::uint64_t>(value), 8); }
  Protobuf& small_number(int field, float value) { return fixed(field, 5, std::bit_cast<std::uint32_t>(value), 4); }
  Protobuf& bytes(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  Protobuf& message(int field, const Protobuf& value) { return bytes(field, value.text_); }
  Protobuf& numbers(int field, const std::vector<double>& values) {
    Protobuf all;
    for (const auto value : values) all.little_endian(std::bit_cast<std::uint64_t>(value), 8);
    return message(field, all);
  }

  const std::string& text() const { return text_; }
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> 8 * i & 255);
  }

 private:
  void key(int field, int kind) { varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(kind)); }
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>((value & 127) | 128);
    text_ += static_cast<char>(value);
  }
  Protobuf& fixed(int field, int kind, std::uint64_t bits, int bytes) {
    key(field, kind);
    little_endian(bits, bytes);
    return *this;
  }

  std::string text_;
};

/// CRC-32C (Castagnoli), turned and moved as records want it.
inline std::uint32_t masked_crc32c(std::string_view bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> values{};
    for (std::uint32_t b = 0; b < 256; ++b) {
      auto value = b;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82F63B78U : 0U);
      values[b] = value;
    }
    return values;
  }();
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 255];
  return std::rotr(~crc, 15) + 0xA282EAD8U;
}

}  // namespace detail

/// A file that TensorBoard reads while it grows: one record an event, each with its length and checksums, so that a reader
/// knows a record that is not all there yet.
class EventFile {
 public:
  /// Makes the file. `seconds` since 1970 go into its name, by which TensorBoard orders the files of a folder.
  EventFile(const std::filesystem::path& folder, double seconds, std::string_view suffix = {}) {
    path_ = folder / ("events.out.tfevents." + std::to_string(static_cast<std::int64_t>(seconds)) + ".vos" +
                      std::string{suffix});
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) PendingFile::refuse(path_, errno);
    detail::Protobuf event;
    event.number(1, seconds).bytes(3, "brain.Event:2");
    write(event);
  }
  ~EventFile() {
    if (file_ >= 0) ::close(file_);
  }
  EventFile(EventFile&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  EventFile& operator=(EventFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// From here on the run is told anew from `step`: what earlier files say of it and of later ones is void.
  void begin(double seconds, std::int64_t step) {
    detail::Protobuf start, event = stamp(seconds, step);
    start.integer(1, 1);
    write(event.message(7, start));
  }

  void scalars(double seconds, std::int64_t step, const std::map<std::string, double>& values) {
    detail::Protobuf summary;
    for (const auto& [tag, value] : values) {
      detail::Protobuf one;
      summary.message(1, one.bytes(1, tag).small_number(2, static_cast<float>(value)));
    }
    write(stamp(seconds, step).message(5, summary));
  }

  void picture(double seconds, std::int64_t step, std::string_view tag, const EventPicture& picture) {
    detail::Protobuf image, one, summary;
    image.integer(1, static_cast<std::uint64_t>(picture.height)).integer(2, static_cast<std::uint64_t>(picture.width));
    image.integer(3, 3).bytes(4, {reinterpret_cast<const char*>(picture.png.data()), picture.png.size()});
    write(stamp(seconds, step).message(5, summary.message(1, one.bytes(1, tag).message(4, image))));
  }

  void histogram(double seconds, std::int64_t step, std::string_view tag, const EventHistogram& histogram) {
    detail::Protobuf body, one, summary;
    body.number(1, histogram.least).number(2, histogram.most).number(3, histogram.count);
    body.number(4, histogram.sum).number(5, histogram.squares);
    body.numbers(6, histogram.ends).numbers(7, histogram.counts);
    write(stamp(seconds, step).message(5, summary.message(1, one.bytes(1, tag).message(5, body))));
  }

 private:
  static detail::Protobuf stamp(double seconds, std::int64_t step) {
    detail::Protobuf event;
    event.number(1, seconds).integer(2, static_cast<std::uint64_t>(step));
    return event;
  }

  /// One write a record: the file ends with a whole record whenever the process does.
  void write(const detail::Protobuf& event) {
    const auto& data = event.text();
    detail::Protobuf record;
    record.little_endian(data.size(), 8);
    const auto length = record.text();
    record.little_endian(detail::masked_crc32c(length), 4);
    auto text = record.text() + data;
    detail::Protobuf end;
    end.little_endian(detail::masked_crc32c(data), 4);
    text += end.text();
    for (std::string_view rest = text; !rest.empty();) {
      const auto count = ::write(file_, rest.data(), rest.size());
      if (count < 0 && errno != EINTR) PendingFile::refuse(path_, errno);
      if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace vos
