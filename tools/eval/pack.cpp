#include "pack.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <vos/core/parallel.hpp>
#include <vos/core/text.hpp>
#include <vos/data/catalog/image_size.hpp>
#include <vos/data/open_catalog.hpp>
#include <vos/io/open_labels.hpp>
#include <vos/io/zip.hpp>

#include "davis.hpp"
#include "tracks.hpp"

namespace vos::eval {
namespace {

namespace fs = std::filesystem;

/// What a server wants of a sequence. Without a dataset at hand much of it is unknown.
struct Wanted {
  std::string name;
  std::vector<std::string> stems = {};
  std::int64_t height = 0, width = 0;                       ///< 0: unknown
  std::optional<std::map<ObjectId, std::size_t>> ids = {};  ///< allowed, from which of the stems on
};

/// All that is wrong, by the exit code that it deserves.
class Offences {
 public:
  void add(int code, std::string text) {
    const std::scoped_lock lock(mutex_);
    found_[code].push_back(std::move(text));
  }
  /// Throws one Error with every offence, in an order that threads do not change. The smallest code is the gravest.
  void expect_none(const std::string& server) {
    if (found_.empty()) return;
    std::vector<std::string> lines;
    for (auto& [code, texts] : found_) {
      std::sort(texts.begin(), texts.end());
      lines.insert(lines.end(), texts.begin(), texts.end());
    }
    throw Error({.what = "the results break the rules of " + server + " (" + std::to_string(lines.size()) + ")",
                 .where = join(lines, "\n         "),
                 .mend = "mend them and pack again; nothing was written",
                 .exit_code = found_.begin()->first});
  }

 private:
  std::map<int, std::vector<std::string>> found_;
  std::mutex mutex_;
};

/// The wanted names, as the store that results in RLE take their names from.
class WantedNames final : public LabelStore {
 public:
  explicit WantedNames(const std::vector<Wanted>& all) {
    Frames frames;
    for (const auto& wanted : all) frames[wanted.name] = wanted.stems;
    set_frames(std::move(frames));
  }
  LabelImage read(const std::string&, const std::string&) const override { return {}; }
  std::string where(const std::string& sequence, const std::string& stem) const override {
    return sequence + "/" + stem;
  }
};

constexpr ObjectId largest_id = 254;  // 255 is void, and a palette ends there
constexpr ObjectId most_proposals = 20;

void find_size(Wanted& wanted, const CatalogVideo& video) {
  wanted.height = video.height, wanted.width = video.width;
  for (const auto& frame : video.frames) {
    if (wanted.height > 0) return;
    const auto& file = frame.labels.empty() ? frame.image : frame.labels;
    const auto size = detail::image_size_of(file);
    if (!size || size->height * size->width > static_cast<std::size_t>(label_pixel_limit)) continue;
    wanted.height = static_cast<std::int64_t>(size->height), wanted.width = static_cast<std::int64_t>(size->width);
  }
}

/// DAVIS wants every frame, with ids of the first frame's label map, or up to 20 proposals.
Wanted wanted_by_davis(const CatalogVideo& video, bool proposals) {
  Wanted wanted{video.name};
  for (const auto& frame : video.frames) wanted.stems.push_back(frame.stem);
  find_size(wanted, video);
  ObjectId largest = proposals ? most_proposals : 0;
  if (!proposals && !video.frames.empty() && !video.frames.front().labels.empty()) {
    const auto& file = video.frames.front().labels;
    for (const auto id : labels_from_png(read_file(file), file.string()).ids)
      if (id <= largest_id) largest = std::max(largest, id);
  }
  if (largest > 0) {
    wanted.ids.emplace();
    for (ObjectId id = 1; id <= largest; ++id) wanted.ids->emplace(id, 0);
  }
  return wanted;
}

/// YouTube-VOS wants the frames that its list names, and no object before its first mask.
Wanted wanted_by_ytvos(const CatalogVideo& video) {
  Wanted wanted{video.name};
  find_size(wanted, video);
  std::set<std::size_t> frames;
  for (const auto& object : video.objects)
    for (const auto frame : object.frames) frames.insert(static_cast<std::size_t>(frame));
  std::map<std::size_t, std::size_t> place;
  for (const auto frame : frames) {
    place.emplace(frame, wanted.stems.size());
    wanted.stems.push_back(video.frames[frame].stem);
  }
  wanted.ids.emplace();
  for (const auto& object : video.objects)
    if (!object.frames.empty())
      wanted.ids->emplace(static_cast<ObjectId>(object.id), place.at(static_cast<std::size_t>(object.frames.front())));
  return wanted;
}

std::vector<Wanted> wanted_of(const Options& options) {
  const bool davis = options.pack == "davis";
  const auto split = !options.split.empty() ? options.split : davis ? "val" : "valid";
  const auto list = davis ? choose_list(options).file : fs::path{};
  const auto catalog = open_catalog({.layout = davis ? "davis" : "ytvos",
                                     .root = options.gt,
                                     .split = split,
                                     .year = list.parent_path().filename().string(),
                                     .resolution = davis ? options.resolution : ""});
  std::vector<Wanted> all;
  for (const auto& video : catalog.videos)
    all.push_back(davis ? wanted_by_davis(video, options.protocol == "unsupervised") : wanted_by_ytvos(video));
  return all;
}

/// Without the dataset: what the results themselves hold. DAVIS numbers its frames from 0 without a gap.
std::vector<Wanted> wanted_of_results(const LabelStore& results, bool davis) {
  std::vector<Wanted> all;
  for (const auto& [name, stems] : results.frames()) {
    Wanted wanted{name, stems};
    if (davis && !stems.empty())
      if (const auto last = number_from<std::int64_t>(stems.back()); last && *last < 1'000'000) {
        wanted.stems.clear();
        for (std::int64_t t = 0; t <= *last; ++t) {
          const auto digits = std::to_string(t);
          wanted.stems.push_back(std::string(stems.back().size() - std::min(stems.back().size(), digits.size()), '0') +
                                 digits);
        }
      }
    all.push_back(std::move(wanted));
  }
  return all;
}

/// What is wrong with a label map, and the map as the server takes it: an 8-bit palette.
std::vector<std::uint8_t> checked_map(const LabelStore& results, const Wanted& wanted, std::size_t frame,
                                      std::pair<std::int64_t, std::int64_t> size, Offences& offences) {
  const auto& stem = wanted.stems[frame];
  const auto where = results.where(wanted.name, stem);
  auto image = results.read(wanted.name, stem);
  const auto [height, width] = size;
  if (image.ids.empty()) image = {height, width, std::vector<ObjectId>(static_cast<std::size_t>(height * width))};
  if (image.height != height || image.width != width) {
    offences.add(exit_code::sizes_differ, where + ": " + std::to_string(image.width) + "x" +
                                              std::to_string(image.height) + ", the frame is " + std::to_string(width) +
                                              "x" + std::to_string(height));
    return {};
  }
  std::set<ObjectId> ids(image.ids.begin(), image.ids.end());
  ids.erase(0);
  for (const auto id : ids) {
    if (id > largest_id)
      offences.add(exit_code::too_many_ids, where + ": id " + std::to_string(id) + ", 254 is the largest");
    else if (wanted.ids && !wanted.ids->contains(id))
      offences.add(exit_code::too_many_ids,
                   where + ": id " + std::to_string(id) + ", which the sequence does not have");
    else if (wanted.ids && wanted.ids->at(id) > frame)
      offences.add(exit_code::too_many_ids, where + ": id " + std::to_string(id) + " before its first mask in frame " +
                                                wanted.stems[wanted.ids->at(id)]);
  }
  if (!ids.empty() && *ids.rbegin() > largest_id) return {};
  return png_from_labels(image.ids, image.height, image.width, where);
}

int pack_labels(const Options& options, std::ostream& out, std::stop_token stop) {
  const bool davis = options.pack == "davis";
  std::vector<Wanted> all;
  if (!options.gt.empty()) all = wanted_of(options);
  const WantedNames names(all);
  const auto results = open_labels(options.pred, options.gt.empty() ? nullptr : &names);
  if (options.gt.empty()) all = wanted_of_results(*results, davis);

  Offences offences;
  std::set<std::string> expected;
  std::vector<std::pair<std::size_t, std::size_t>> maps;
  for (std::size_t s = 0; s < all.size(); ++s) {
    const auto& wanted = all[s];
    expected.insert(wanted.name);
    if (!results->frames().contains(wanted.name)) {
      offences.add(exit_code::frames_missing, wanted.name + ": the whole sequence is missing");
      continue;
    }
    for (std::size_t t = 0; t < wanted.stems.size(); ++t) {
      if (results->has(wanted.name, wanted.stems[t])) maps.emplace_back(s, t);
      else offences.add(exit_code::frames_missing, wanted.name + "/" + wanted.stems[t] + ".png: missing");
    }
  }
  std::size_t given = 0;
  for (const auto& [name, stems] : results->frames()) {
    given += stems.size();
    if (!expected.contains(name))
      offences.add(exit_code::unexpected_sequences, name + ": not a sequence of the benchmark");
  }

  // Where the dataset is not at hand, a sequence's first map tells the size of all.
  std::vector<std::pair<std::int64_t, std::int64_t>> sizes;
  for (const auto& wanted : all) {
    sizes.emplace_back(wanted.height, wanted.width);
    for (const auto& stem : wanted.stems) {
      if (sizes.back().first > 0) break;
      if (!results->has(wanted.name, stem)) continue;
      const auto first = results->read(wanted.name, stem);
      sizes.back() = {first.height, first.width};
    }
  }
  std::vector<std::vector<std::uint8_t>> packed(maps.size());
  for_each_parallel(maps.size(), options.thread_count(), stop, [&](std::size_t i) {
    const auto [s, t] = maps[i];
    packed[i] = checked_map(*results, all[s], t, sizes[s], offences);
  });
  if (stop.stop_requested()) throw Cancelled("vos-eval --pack");
  offences.expect_none(davis ? "DAVIS" : "YouTube-VOS");

  ZipWriter zip(options.output);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const auto& wanted = all[maps[i].first];
    zip.add((davis ? "" : "Annotations/") + wanted.name + "/" + wanted.stems[maps[i].second] + ".png", packed[i]);
  }
  zip.finish();
  out << options.output.string() << ": " << maps.size() << " label maps of " << all.size() << " sequences, "
      << fs::file_size(options.output) << " bytes";
  if (given > maps.size())
    out << "; " << given - maps.size() << " frames that the server does not ask for are left out";
  if (options.gt.empty()) out << "\nwithout --gt only sizes, ids up to 254 and gaps in the numbering were checked";
  out << std::endl;
  return exit_code::done;
}

int pack_tracks(const Options& options, std::ostream& out, std::stop_token stop) {
  if (options.gt.empty())
    throw Error({.what = "--gt is missing: results of vis are checked against its videos",
                 .where = "vos-eval --pack vis",
                 .mend = "name the benchmark's own file, such as valid.json; it lists the videos without objects",
                 .exit_code = exit_code::usage});
  const auto truth = load_truth(options.gt);
  const auto results = load_results(options.pred, truth.videos);
  std::set<std::int64_t> categories;
  for (const auto& category : truth.categories) categories.insert(category.id);

  Offences offences;
  for_each_parallel(results.tracks.size(), options.thread_count(), stop, [&](std::size_t i) {
    const auto& track = results.tracks[i];
    const auto& video = truth.videos[static_cast<std::size_t>(track.video)];
    const auto where = "record " + std::to_string(i) + " (video " + std::to_string(video.id) + ")";
    if (!categories.contains(track.category))
      offences.add(exit_code::error, where + ": category " + std::to_string(track.category) + " is not listed");
    bool any = false;
    for (std::size_t t = 0; t < track.masks.size(); ++t) {
      const auto& mask = track.masks[t];
      any |= mask.present();
      if (mask.present() && mask.form != MaskText::Form::text)
        offences.add(exit_code::error,
                     where + ", frame " + std::to_string(t) + ": the server reads COCO's text form alone");
      else try {
          static_cast<void>(rle_from(mask, video.height, video.width, where));
        } catch (const Error& error) {
          offences.add(error.parts().exit_code, where + ", frame " + std::to_string(t) + ": " + error.parts().what);
        }
    }
    if (!any) offences.add(exit_code::error, where + ": no mask in any frame");
  });
  if (stop.stop_requested()) throw Cancelled("vos-eval --pack");
  offences.expect_none("YouTube-VIS");

  const bool folder = fs::is_directory(options.pred), zipped = lower_case(options.pred.extension().string()) == ".zip";
  const auto bytes = zipped ? ZipReader(options.pred).read("results.json")
                            : read_file(folder ? options.pred / "results.json" : options.pred);
  ZipWriter zip(options.output);
  zip.add("results.json", bytes);
  zip.finish();
  out << options.output.string() << ": " << results.tracks.size() << " records of " << truth.videos.size()
      << " videos, " << fs::file_size(options.output) << " bytes" << std::endl;
  return exit_code::done;
}

}  // namespace

int run_pack(const Options& options, std::ostream& out, std::stop_token stop) {
  return options.pack == "vis" ? pack_tracks(options, out, stop) : pack_labels(options, out, stop);
}

}  // namespace vos::eval
