#include "preview.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/core/parallel.hpp>
#include <vos/frame/frame.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/io/contact_sink.hpp>
#include <vos/io/draw.hpp>
#include <vos/io/files.hpp>
#include <vos/io/images.hpp>

#include "page.hpp"
#include "pictures.hpp"

namespace vos::data {
namespace {

constexpr int tile_width = 360;

/// `count` of `size` things, evenly spread, the first and the last among them.
std::vector<std::size_t> spread(std::size_t size, std::size_t count) {
  std::vector<std::size_t> chosen;
  count = std::min(size, count);
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(count < 2 ? 0 : i * (size - 1) / (count - 1));
  return chosen;
}

/// A frame with its masks; nothing if it cannot be read.
struct Looked {
  Frame frame;
  FrameResult result;
};

std::optional<Looked> look(const Catalog& catalog, const CatalogVideo& video, std::size_t t) {
  Looked looked;
  try {
    looked.frame = {.index = static_cast<std::int64_t>(t), .rgb = read_image(video.frames[t].image)};
  } catch (const Error&) {
    return std::nullopt;
  }
  looked.result.index = looked.frame.index;
  looked.result.labels = labels_of(catalog, video, looked.frame.index, looked.frame.height(), looked.frame.width());
  return looked;
}

/// Drawn at the size of a tile, so that lines and numbers stay clear.
cv::Mat tile_of(const Looked& looked) {
  const auto height = std::max<std::int64_t>(1, looked.frame.height() * tile_width / looked.frame.width());
  Frame small{.index = looked.frame.index, .rgb = at::empty({height, tile_width, 3}, at::kByte)};
  auto view = mat_of(small.rgb);
  cv::resize(mat_of(looked.frame.rgb), view, view.size(), 0, 0, cv::INTER_AREA);
  FrameResult result{.index = looked.result.index, .labels = resize_labels(looked.result.labels, height, tile_width)};
  cv::Mat bgr;
  cv::cvtColor(mat_of(draw(small, result)), bgr, cv::COLOR_RGB2BGR);
  return bgr;
}

/// Up to four tiles, two in a row, as a JPEG.
std::vector<std::uint8_t> mosaic(const std::vector<cv::Mat>& tiles) {
  if (tiles.empty()) return {};
  constexpr int gap = 3;
  const int columns = tiles.size() == 1 ? 1 : 2, rows = (static_cast<int>(tiles.size()) + columns - 1) / columns;
  const auto size = tiles[0].size();
  cv::Mat sheet(rows * (size.height + gap) - gap, columns * (size.width + gap) - gap, CV_8UC3, cv::Scalar::all(34));
  for (int i = 0; i < static_cast<int>(tiles.size()); ++i) {
    cv::Mat fitting = tiles[static_cast<std::size_t>(i)];
    if (fitting.size() != size) cv::resize(fitting, fitting, size, 0, 0, cv::INTER_AREA);
    fitting.copyTo(
        sheet({i % columns * (size.width + gap), i / columns * (size.height + gap), size.width, size.height}));
  }
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", sheet, bytes, {cv::IMWRITE_JPEG_QUALITY, 80});
  return bytes;
}

/// A video's name as the name of a folder.
std::string folder_of(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

SinkSpec sheet_in(const std::filesystem::path& folder) { return {.format = "contact", .directory = folder}; }

Exhibit exhibit_of(const Catalog& catalog, const CatalogVideo& video, const std::filesystem::path& output) {
  Exhibit exhibit{.name = video.name, .frames = video.frames.size()};
  std::vector<cv::Mat> tiles;
  const bool clip = video.frames.size() > 1;
  std::optional<ContactSink> sheet;
  if (clip) sheet.emplace(sheet_in(output / folder_of(video.name)));
  const auto shown = spread(video.frames.size(), clip ? 12 : 1);
  const auto few = spread(shown.size(), 4);  // of those
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto looked = look(catalog, video, shown[i]);
    if (!looked) continue;
    exhibit.height = looked->frame.height(), exhibit.width = looked->frame.width();
    if (sheet) sheet->write(looked->frame, looked->result, video.frames[shown[i]].stem);
    if (std::find(few.begin(), few.end(), i) != few.end()) tiles.push_back(tile_of(*looked));
  }
  if (sheet) {
    sheet->close();
    if (!sheet->outputs().empty()) exhibit.sheet = folder_of(video.name) + "/contact.png";
  }
  exhibit.jpeg = mosaic(tiles);
  return exhibit;
}

}  // namespace

void prepare(const Options& options) {
  make_folder(options.output);
  if (!options.overwrite && !std::filesystem::is_empty(options.output))
    throw Error({.what = "the output folder is not empty",
                 .where = options.output.string(),
                 .mend = "name another one, or pass --overwrite"});
}

std::filesystem::path preview(const Options& options, const Checked& checked, std::stop_token stop) {
  const auto& videos = checked.catalog.videos;
  const auto chosen = spread(videos.size(), static_cast<std::size_t>(options.videos));
  std::vector<Exhibit> exhibits(chosen.size());
  for_each_parallel(chosen.size(), options.thread_count(), stop, [&](std::size_t i) {
    exhibits[i] = exhibit_of(checked.catalog, videos[chosen[i]], options.output);
  });
  const bool pictures = std::all_of(videos.begin(), videos.end(), [](const auto& v) { return v.frames.size() == 1; });
  if (pictures && !videos.empty()) {
    ContactSink sheet{sheet_in(options.output)};
    for (const auto v : spread(videos.size(), 12))
      if (auto looked = look(checked.catalog, videos[v], 0)) {
        looked->frame.index = looked->result.index = static_cast<std::int64_t>(v);
        sheet.write(looked->frame, looked->result, videos[v].name);
      }
    sheet.close();
  }
  const auto page = options.output / "index.html";
  const auto text = page_of(checked, exhibits);
  write_file(page, text);
  return page;
}

}  // namespace vos::data
