#pragma once

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <png.h>

#include <vos/error.hpp>
#include <vos/fwd.hpp>
#include <vos/wire/palette.hpp>

namespace vos {

/// A label map without LibTorch: ids row by row, 0 for none.
struct LabelImage {
  std::int64_t height = 0, width = 0;
  std::vector<ObjectId> ids = {};
  bool operator==(const LabelImage&) const = default;
};

/// Label maps beyond this many pixels are refused.
inline constexpr std::int64_t label_pixel_limit = std::int64_t{1} << 26;

/// Label PNGs end at this id.
inline constexpr ObjectId label_id_limit = 65535;

namespace detail {

/// libpng leaves a failed call by longjmp, which skips destructors. So: every call goes through `run`, whose act does
/// nothing but call libpng; everything that owns memory lives outside of it.
class Png {
 public:
  enum class Way { read, write };

  explicit Png(Way way) : way_(way) {
    png_ = way == Way::read ? png_create_read_struct(PNG_LIBPNG_VER_STRING, this, failed, warned)
                            : png_create_write_struct(PNG_LIBPNG_VER_STRING, this, failed, warned);
    info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
  }
  ~Png() {
    if (way_ == Way::read) png_destroy_read_struct(&png_, &info_, nullptr);
    else png_destroy_write_struct(&png_, &info_);
  }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;

  /// Calls `act(png, info)`. False if libpng gave up; `message` says why.
  template <class Act>
  bool run(const Act& act) {
    if (png_ == nullptr || info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_)) != 0) return false;  // NOLINT: the only way that libpng offers
    act(png_, info_);
    return true;
  }

  const char* message() const { return message_.data(); }

  std::span<const std::uint8_t> input = {};  ///< what is still to be read
  std::vector<std::uint8_t> output = {};

  static void take(png_structp png, png_bytep to, std::size_t count) {
    auto& self = *static_cast<Png*>(png_get_io_ptr(png));
    if (count > self.input.size()) png_error(png, "the file is cut short");
    std::memcpy(to, self.input.data(), count);
    self.input = self.input.subspan(count);
  }

  static void give(png_structp png, png_bytep from, std::size_t count) {
    auto& output = static_cast<Png*>(png_get_io_ptr(png))->output;
    bool fits = true;
    try {
      output.insert(output.end(), from, from + count);
    } catch (const std::bad_alloc&) {
      fits = false;  // an exception must not cross libpng, and no longjmp may leave a handler
    }
    if (!fits) png_error(png, "out of memory");
  }

 private:
  [[noreturn]] static void failed(png_structp png, png_const_charp message) {
    auto& self = *static_cast<Png*>(png_get_error_ptr(png));
    std::snprintf(self.message_.data(), self.message_.size(), "%s", message);
    png_longjmp(png, 1);
  }
  static void warned(png_structp, png_const_charp) {}  // a strange text chunk does not concern us

  Way way_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::array<char, 128> message_{"out of memory"};
};

struct PngHeader {
  png_uint_32 width = 0, height = 0;
  int depth = 0, colour = 0;

  int channels() const {
    return colour == PNG_COLOR_TYPE_RGB          ? 3
           : colour == PNG_COLOR_TYPE_RGB_ALPHA  ? 4
           : colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                                 : 1;
  }
  int sample_bytes() const { return depth == 16 ? 2 : 1; }  // fewer bits are unpacked to a byte
  std::int64_t pixels() const { return std::int64_t{width} * height; }
  std::int64_t pixel_bytes() const { return std::int64_t{channels()} * sample_bytes(); }
};

inline std::string text_of(const PngHeader& header) {
  return std::to_string(header.width) + "x" + std::to_string(header.height);
}

[[noreturn]] inline void refuse_png(const std::string& what, const std::string& where, const std::string& mend) {
  throw Error({.what = what, .where = where, .mend = mend});
}

/// Ids from samples; `where` names the file in an Error.
inline std::vector<ObjectId> ids_from_samples(const PngHeader& header, const std::vector<std::uint8_t>& bytes,
                                              const std::string& where) {
  const auto sample = [&](std::int64_t i) -> ObjectId {
    const auto at = static_cast<std::size_t>(i);
    return header.depth == 16 ? bytes[2 * at] << 8 | bytes[2 * at + 1] : bytes[at];
  };
  const int channels = header.channels();
  const ObjectId white = (1 << header.depth) - 1;
  std::vector<ObjectId> ids(static_cast<std::size_t>(header.pixels()));
  bool black_and_white = true, any_white = false;
  for (std::int64_t i = 0; i < header.pixels(); ++i) {
    const auto value = sample(i * channels);
    if (channels >= 3 && (sample(i * channels + 1) != value || sample(i * channels + 2) != value))
      refuse_png("the mask is a colour picture: ids cannot be told from colours", where,
                 "save it as an indexed (palette) or grey PNG; an editor may have converted it to RGB");
    if (channels % 2 == 0 && sample(i * channels + channels - 1) != white)
      refuse_png("the mask has transparent pixels", where, "save it without an alpha channel");
    black_and_white &= value == 0 || value == white;
    any_white |= value == white;
    ids[static_cast<std::size_t>(i)] = value;
  }
  if (header.colour != PNG_COLOR_TYPE_PALETTE && black_and_white && any_white)
    for (auto& id : ids) id = id != 0 ? 1 : 0;
  return ids;
}

}  // namespace detail

/// Decodes a label PNG, as `read_labels` describes. Memory stays in proportion to the bytes given, whatever they claim.
inline LabelImage labels_from_png(std::span<const std::uint8_t> bytes, const std::string& where) {
  constexpr const char* anew = "export the mask again from its source";
  if (bytes.size() < 8 || png_sig_cmp(bytes.data(), 0, 8) != 0) {
    const bool jpeg = bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8;
    detail::refuse_png(jpeg            ? "the mask is a JPEG: compression has changed its ids"
                       : bytes.empty() ? "the mask file is empty"
                                       : "the mask is not a PNG file",
                       where, "save masks as PNG: indexed (palette) or grey");
  }
  detail::Png png{detail::Png::Way::read};
  png.input = bytes;
  detail::PngHeader header;
  const bool opened = png.run([&](png_structp p, png_infop info) {
    png_set_read_fn(p, &png, detail::Png::take);
    png_set_user_limits(p, 1U << 20, 1U << 20);
    png_set_chunk_malloc_max(p, 1U << 20);  // text and profiles, which we do not read
    png_set_keep_unknown_chunks(p, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_read_info(p, info);
    png_get_IHDR(p, info, &header.width, &header.height, &header.depth, &header.colour, nullptr, nullptr, nullptr);
  });
  if (!opened) detail::refuse_png(std::string{"the mask cannot be read: "} + png.message(), where, anew);
  if (header.pixels() > label_pixel_limit)
    detail::refuse_png("a mask of " + detail::text_of(header) + " pixels", where,
                       "masks may have " + std::to_string(label_pixel_limit) + " pixels");
  // Deflate packs at most 1032 bytes into one, so a short file cannot be a large picture: refused before memory is taken.
  const auto packed_bytes = header.pixels() * header.channels() * header.depth / 8;
  if (packed_bytes / 1032 > static_cast<std::int64_t>(bytes.size()))
    detail::refuse_png("the mask cannot be read: " + std::to_string(bytes.size()) + " bytes cannot hold " +
                           detail::text_of(header) + " pixels",
                       where, anew);

  const auto row_bytes = static_cast<std::size_t>(header.width * header.pixel_bytes());
  std::vector<std::uint8_t> samples(row_bytes * header.height);
  std::vector<png_bytep> rows(header.height);
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = samples.data() + y * row_bytes;
  const bool read = png.run([&](png_structp p, png_infop info) {
    png_set_packing(p);
    png_set_interlace_handling(p);
    png_read_update_info(p, info);
    if (png_get_rowbytes(p, info) != row_bytes) png_error(p, "unexpected row length");
    png_read_image(p, rows.data());
    png_read_end(p, nullptr);
  });
  if (!read) detail::refuse_png(std::string{"the mask cannot be read: "} + png.message(), where, anew);
  return {header.height, header.width, detail::ids_from_samples(header, samples, where)};
}

/// Encodes a label map: 8-bit palette in DAVIS colours where ids end at 255, else 16-bit grey.
inline std::vector<std::uint8_t> png_from_labels(std::span<const ObjectId> ids, std::int64_t height, std::int64_t width,
                                                 const std::string& where) {
  if (height < 1 || width < 1 || height * width > label_pixel_limit ||
      ids.size() != static_cast<std::size_t>(height * width))
    detail::refuse_png("a label map of " + std::to_string(width) + "x" + std::to_string(height), where,
                       "it must have from 1 to " + std::to_string(label_pixel_limit) + " pixels");
  const auto [least, most] = std::minmax_element(ids.begin(), ids.end());
  if (*least < 0)
    detail::refuse_png("the label map holds the negative id " + std::to_string(*least), where,
                       "ids are positive, 0 is the background");
  if (*most > label_id_limit)
    throw Error({.what = "the label map holds id " + std::to_string(*most),
                 .where = where,
                 .mend = "a PNG holds ids up to " + std::to_string(label_id_limit) + "; use the format rle",
                 .exit_code = exit_code::too_many_ids});
  const bool wide = *most > 255;
  std::vector<std::uint8_t> samples(ids.size() * (wide ? 2 : 1));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (wide)
      samples[2 * i] = static_cast<std::uint8_t>(ids[i] >> 8), samples[2 * i + 1] = static_cast<std::uint8_t>(ids[i]);
    else samples[i] = static_cast<std::uint8_t>(ids[i]);
  }
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = samples.data() + y * (samples.size() / rows.size());
  std::array<png_color, 256> palette{};
  for (int id = 0; id < 256; ++id) {
    const auto colour = davis_colour(id);
    palette[static_cast<std::size_t>(id)] = {colour.r, colour.g, colour.b};
  }
  detail::Png png{detail::Png::Way::write};
  png.output.reserve(8192);
  const bool written = png.run([&](png_structp p, png_infop info) {
    png_set_write_fn(p, &png, detail::Png::give, nullptr);
    png_set_IHDR(p, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), wide ? 16 : 8,
                 wide ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (!wide) png_set_PLTE(p, info, palette.data(), 256);
    png_set_filter(p, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);  // most rows of a mask repeat the row above
    png_set_compression_strategy(p, 3);                      // zlib's Z_RLE: as small as any here, and the fastest
    png_write_info(p, info);
    png_write_image(p, rows.data());
    png_write_end(p, nullptr);
  });
  if (!written) detail::refuse_png(std::string{"the label map cannot be encoded: "} + png.message(), where, "");
  return std::move(png.output);
}

}  // namespace vos
