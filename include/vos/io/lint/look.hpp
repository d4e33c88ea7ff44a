#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <vos/core/random.hpp>
#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/catalog/names.hpp>
#include <vos/data/lint/codes.hpp>
#include <vos/data/lint/list_masks.hpp>
#include <vos/data/lint/seen.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/io/images.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/io/whole_image.hpp>

namespace vos::detail {

/// What kind of image the first bytes tell, by the extensions it may have; empty for a kind not known here.
inline std::vector<std::string_view> extensions_of(std::span<const std::uint8_t> bytes) {
  const auto begins = [&](std::size_t at, std::string_view text) {
    return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
  };
  if (begins(0, "\xFF\xD8")) return {".jpg", ".jpeg"};
  if (begins(0, "\x89PNG")) return {".png"};
  if (begins(0, "BM")) return {".bmp"};
  if (begins(0, "RIFF") && begins(8, "WEBP")) return {".webp"};
  if (begins(0, "II*") || begins(0, "MM")) return {".tif", ".tiff"};
  if (begins(0, "P6") || begins(0, "P5")) return {".ppm", ".pgm"};
  return {};
}

/// A number that differs where pixels do, but for one chance in 2^64.
inline std::uint64_t content_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = bytes.size(), word = 0;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::memcpy(&word, bytes.data() + at, 8);
    sum = (sum ^ word) * 0x9E3779B97F4A7C15ULL;
    sum ^= sum >> 32;
  }
  for (word = 0; at < bytes.size(); ++at) word = word << 8 | bytes[at];
  return scramble(sum ^ word);
}

/// Decodes an image as training does.
inline SeenImage look_at_image(const std::filesystem::path& path, const std::string& where,
                               std::vector<Finding>& findings) {
  const auto found = [&](const char* code, const std::string& what) { findings.push_back(finding(code, where, what)); };
  try {
    const auto bytes = read_file(path);
    if (!bytes.empty() && !image_is_whole(bytes)) {
      found("cut-image", "the file ends after " + std::to_string(bytes.size()) + " bytes, before its image does");
      return {};
    }
    const auto rgb = image_from_bytes(bytes, where);
    const auto kinds = extensions_of(bytes);
    const auto extension = lower_case(path.extension().string());
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), extension) == kinds.end())
      found("wrong-extension", "the file is called " + in_quotes(extension) + ", but holds a " +
                                   std::string{kinds[0].substr(1)} + " image");
    return {rgb.size(0), rgb.size(1),
            content_of({rgb.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(rgb.numel())})};
  } catch (const Error& error) {
    found("unreadable-image", error.parts().what);
    return {};
  }
}

/// Which kind of trouble a mask that cannot be decoded has.
inline const char* mask_trouble(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > 2 && bytes[0] == 0xFF && bytes[1] == 0xD8) return "jpeg-mask";
  const bool colour = bytes.size() > 25 && (bytes[25] == PNG_COLOR_TYPE_RGB || bytes[25] == PNG_COLOR_TYPE_RGB_ALPHA);
  return colour && image_is_whole(bytes) ? "rgb-mask" : "unreadable-mask";
}

/// Whether a grey mask that reads as object 1 alone has white for it, and not 1.
inline bool is_white(std::span<const std::uint8_t> bytes) {
  const cv::Mat view{1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<std::uint8_t*>(bytes.data())};
  const auto grey = cv::imdecode(view, cv::IMREAD_UNCHANGED);
  double most = 0;
  if (!grey.empty()) cv::minMaxLoc(grey.reshape(1), nullptr, &most);
  return most > 1;
}

inline SeenMask look_at_mask(const Catalog& catalog, const std::filesystem::path& path, const std::string& where,
                             std::vector<Finding>& findings) {
  std::vector<std::uint8_t> bytes;
  try {
    bytes = read_file(path);
    const auto image = labels_from_png(bytes, where);
    std::map<ObjectId, std::int64_t> areas;
    auto last = areas.end();
    for (std::size_t i = 0; i < image.ids.size();) {
      const auto id = image.ids[i];
      const auto begin = i;
      while (i < image.ids.size() && image.ids[i] == id) ++i;
      if (id == 0) continue;
      if (last == areas.end() || last->first != id) last = areas.try_emplace(id, 0).first;
      last->second += static_cast<std::int64_t>(i - begin);
    }
    SeenMask mask{.height = image.height, .width = image.width, .palette = bytes[25] == PNG_COLOR_TYPE_PALETTE};
    mask.areas.assign(areas.begin(), areas.end());
    mask.white = !catalog.binary_masks && !mask.palette && areas.size() == 1 && areas.contains(1) && is_white(bytes);
    return mask;
  } catch (const Error& error) {
    findings.push_back(finding(mask_trouble(bytes), where, error.parts().what));
    return {};
  }
}

/// Decodes a frame and its masks, wherever they stand.
inline SeenFrame look_at_frame(const Catalog& catalog, const CatalogVideo& video, std::int64_t t) {
  SeenFrame seen{.looked = true};
  const auto& frame = video.frames[static_cast<std::size_t>(t)];
  std::error_code ignored;
  // One that a list names and nobody has was found when the catalogue was opened.
  if (std::filesystem::exists(frame.image, ignored))
    seen.image = look_at_image(frame.image, place_in(catalog.root, frame.image), seen.findings);
  if (!frame.labels.empty())
    seen.mask = look_at_mask(catalog, frame.labels, place_in(catalog.root, frame.labels), seen.findings);
  const bool sized = video.height > 0;
  if (sized || seen.image.read())
    look_at_listed(video, t, sized ? video.height : seen.image.height, sized ? video.width : seen.image.width, seen);
  return seen;
}

}  // namespace vos::detail
