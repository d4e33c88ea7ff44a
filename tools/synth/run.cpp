#include "run.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/parallel.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/io/files.hpp>

#include "common/progress.hpp"
#include "lists.hpp"
#include "video.hpp"

namespace vos::synth {
namespace {

namespace fs = std::filesystem;

/// The place of a dataset that is being written: a folder beside it, gone unless it gets the dataset's name.
class PendingFolder {
 public:
  PendingFolder(const fs::path& place, bool overwrite)
      : place_(fs::weakly_canonical(fs::absolute(place))) {     // "." has no name that a folder beside it could have
    if (!place_.has_filename()) place_ = place_.parent_path();  // "world/"
    const bool there = fs::exists(place_), empty = there && fs::is_directory(place_) && fs::is_empty(place_);
    const auto refuse = [&](const std::string& what, const std::string& mend) {
      throw Error({.what = what, .where = "--output " + place_.string(), .mend = mend});
    };
    if (there && !fs::is_directory(place_)) refuse("this is not a folder", "name another one");
    if (there && !empty && !fs::exists(place_ / "synth.json"))
      refuse("the folder is not empty, and it is not a dataset of vos-synth's",
             "name another folder, or empty this one");
    if (there && !empty && !overwrite)
      refuse("the folder already holds a dataset", "pass --overwrite to replace it, or name another folder");
    growing_ = beside(".part.");
    fs::remove_all(growing_);  // of a run that was killed
    make_folder(growing_);
  }
  ~PendingFolder() {
    std::error_code ignored;
    fs::remove_all(growing_, ignored);
  }
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;

  const fs::path& growing() const { return growing_; }

  /// Something whole has the dataset's name at all times but for the moment between two renames.
  void commit() {
    const auto old = beside(".old.");
    const bool there = fs::exists(place_);
    std::error_code code, ignored;
    if (there) {
      fs::remove_all(old);  // of a run that was killed
      fs::rename(place_, old, code);
      if (code) PendingFile::refuse(place_, code.message());
    }
    fs::rename(growing_, place_, code);
    if (code && there) fs::rename(old, place_, ignored);
    if (code) PendingFile::refuse(place_, code.message());
    fs::remove_all(old, code);
    if (code)
      throw Error({.what = "the dataset is written, but the one before it cannot be deleted: " + code.message(),
                   .where = old.string(),
                   .mend = "delete it yourself"});
  }

 private:
  fs::path beside(const std::string& mark) const { return place_.parent_path() / (mark + place_.filename().string()); }

  fs::path place_, growing_;
};

struct Totals {
  std::int64_t frames = 0, objects = 0, masks = 0, hidden = 0, cut = 0;
};

Totals totals_of(const std::vector<WrittenVideo>& videos) {
  Totals totals;
  for (const auto& video : videos) {
    totals.frames += static_cast<std::int64_t>(video.stems.size());
    totals.masks += video.masks();
    for (const auto& object : video.objects) {
      totals.objects += object.seen();
      for (const auto& seen : object.frames) {
        if (seen.area == 0) continue;
        totals.hidden += seen.occluded > 0.1;
        totals.cut += seen.outside > 0.1;
      }
    }
  }
  return totals;
}

void report(const Options& options, const std::vector<WrittenVideo>& videos, double seconds, std::ostream& out) {
  const auto totals = totals_of(videos);
  const double rate = static_cast<double>(totals.frames) / seconds;
  if (options.common.json) {
    out << nlohmann::ordered_json{{"output", options.output.string()},
                                  {"layout", options.layout_name()},
                                  {"scene", options.scene},
                                  {"videos", videos.size()},
                                  {"frames", totals.frames},
                                  {"objects", totals.objects},
                                  {"masks", totals.masks},
                                  {"masks_occluded", totals.hidden},
                                  {"masks_cut", totals.cut},
                                  {"height", videos.front().height},
                                  {"width", videos.front().width},
                                  {"threads", options.threads},
                                  {"seconds", seconds},
                                  {"fps", rate}}
               .dump(2)
        << std::endl;
    return;
  }
  if (options.common.quiet) return;
  const auto percent = [&](std::int64_t count) {
    return totals.masks > 0 ? std::to_string(100 * count / totals.masks) + " %" : std::string{"-"};
  };
  char speed[32];
  std::snprintf(speed, sizeof speed, "%.1f", rate);
  out << options.output.string() << ": " << videos.size() << " videos of scene " << options.scene << " in the layout "
      << options.layout_name() << ", split " << (options.training_split ? "train" : "val") << '\n'
      << "  " << totals.frames << " frames of " << videos.front().width << 'x' << videos.front().height << ", "
      << totals.objects << " objects, " << totals.masks << " masks: " << percent(totals.hidden)
      << " of them occluded and " << percent(totals.cut) << " cut by the picture's side, by more than a tenth\n"
      << "  " << tool::duration_text(seconds) << ", " << speed << " frames/s on " << options.threads << " threads\n";
  if (options.common.verbose)
    for (const auto& video : videos)
      out << "  " << video.name << "  " << video.stems.size() << " frames, " << video.objects.size() << " objects  "
          << video.input << '\n';
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  if (!options.text.empty()) {
    out << options.text;
    return exit_code::done;
  }
  const auto begin = std::chrono::steady_clock::now();
  PendingFolder folder{options.output, options.overwrite};
  const auto count = static_cast<std::size_t>(options.videos);
  std::vector<WrittenVideo> videos(count);
  {
    const auto frames = (options.scene_of(0).frames + options.stride() - 1) / options.stride();
    std::mutex mutex;
    tool::Progress progress(err, options.progress, options.scene, frames * options.videos);
    for_each_parallel(count, static_cast<std::size_t>(options.threads), stop, [&](std::size_t i) {
      videos[i] = write_video(options, static_cast<std::int64_t>(i), folder.growing(), [&] {
        const std::lock_guard lock(mutex);
        progress.step();
        return !stop.stop_requested();
      });
    });
  }
  if (stop.stop_requested()) {
    if (!options.common.quiet) err << "vos-synth: interrupted; nothing was written" << std::endl;
    return exit_code::interrupted;
  }
  write_list(options, videos, folder.growing());
  write_facts(options, videos, folder.growing());
  folder.commit();
  report(options, videos, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), out);
  if (!out.flush())
    throw Error({.what = "the report cannot be written", .where = "standard output", .mend = "check where it goes to"});
  return exit_code::done;
}

}  // namespace vos::synth
