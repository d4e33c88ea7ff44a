#include "trials.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include <unistd.h>

#include <vos/io/files.hpp>
#if VOS_OPENCV
#include <vos/io/images.hpp>
#endif

#include "common/table.hpp"

namespace vos::train {
namespace {

using Json = nlohmann::ordered_json;

std::string number_text(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string bytes_text(std::int64_t bytes) {
  const auto mb = static_cast<double>(bytes) / 1e6;
  return mb >= 10000 ? number_text("%.1f GB", mb / 1000) : number_text(mb < 10 ? "%.1f MB" : "%.0f MB", mb);
}

std::string sizes_text(const std::vector<std::int64_t>& sizes) {
  std::vector<std::string> words;
  for (const auto size : sizes) words.push_back(std::to_string(size));
  return join(words, " x ");
}

/// Where the picture goes: into the run's folder if there is to be one, else a name of its own.
std::filesystem::path picture_file(const Options& options) {
  if (!options.run.empty()) return options.run / dry_picture;
  return std::filesystem::temp_directory_path() / ("first_batch_" + std::to_string(::getpid()) + ".png");
}

/// What this machine could give: the memory that is free, or less where a container may have no more.
std::int64_t free_bytes() {
  std::int64_t free = std::numeric_limits<std::int64_t>::max();
  std::ifstream info("/proc/meminfo");
  for (std::string name, unit; info >> name;) {
    std::int64_t kilobytes = 0;
    if (info >> kilobytes && name == "MemAvailable:") free = kilobytes * 1024;
    std::getline(info, unit);
  }
  std::int64_t most = 0, used = 0;
  if (std::ifstream{"/sys/fs/cgroup/memory.max"} >> most && std::ifstream{"/sys/fs/cgroup/memory.current"} >> used)
    free = std::min(free, most - used);
  return free;
}

}  // namespace

void dry_run(std::ostream& out, const Options& options, Training& training, Json facts) {
  const auto sketch = training.sketch();
  const auto file = picture_file(options);
#if VOS_OPENCV
  if (!options.run.empty()) make_folder(options.run);
  write_image(file, sketch.picture);
#endif
  const auto& memory = sketch.memory;
  if (options.common.json) {
    auto& json = facts;
    for (const auto& shape : sketch.shapes) json["shapes"][shape.name] = shape.sizes;
    for (const auto& part : sketch.parts)
      json["parts"].push_back(
          {{"name", part.name}, {"tensors", part.tensors}, {"numbers", part.numbers}, {"learning", part.learning}});
    json["memory"] = {{"weights", memory.weights},       {"gradients", memory.gradients},
                      {"optimizer", memory.optimizer},   {"average", memory.average},
                      {"passes", memory.passes},         {"all", memory.all()},
                      {"measured_with", memory.measured}};
    json["losses"] = sketch.losses;
#if VOS_OPENCV
    json["picture"] = file.string();
#endif
    out << json.dump() << '\n';
    return;
  }
  out << "\nshapes\n";
  tool::Table shapes(3);
  for (const auto& shape : sketch.shapes) shapes.add({shape.name, sizes_text(shape.sizes), shape.kind});
  shapes.print(out, "  ");
  out << "\nparts\n";
  tool::Table parts({"", "tensors", "numbers", "learning"});
  PartCount all{.name = "all"};
  for (const auto& part : sketch.parts) {
    parts.add({part.name, std::to_string(part.tensors), std::to_string(part.numbers), std::to_string(part.learning)});
    all.tensors += part.tensors, all.numbers += part.numbers, all.learning += part.learning;
  }
  parts.add({all.name, std::to_string(all.tensors), std::to_string(all.numbers), std::to_string(all.learning)});
  parts.print(out, "  ");
  out << "\nmemory of tensors\n";
  tool::Table bytes(1);
  for (const auto& [name, value] : {std::pair{"weights", memory.weights},
                                    {"gradients", memory.gradients},
                                    {"optimiser", memory.optimizer},
                                    {"moving average", memory.average},
                                    {"forward and backward", memory.passes},
                                    {"together, at the peak", memory.all()}})
    if (value > 0) bytes.add({name, bytes_text(value)});
  bytes.print(out, "  ");
  const auto measured = std::to_string(memory.measured);
  out << "  measured in a step with " << measured << (memory.measured == 1 ? " clip" : " clips")
      << (memory.clips > memory.measured ? ", the rest on a straight line" : "")
      << "; what libraries take for themselves comes on top\n";
  out << "\nfirst losses";
  for (const auto& [name, value] : sketch.losses) out << "  " << name << ' ' << number_text("%.3g", value);
  out << "\nfirst batch: " << file.string() << '\n';
}

std::string plot(const std::vector<RatePoint>& points, std::size_t columns, std::size_t rows) {
  if (points.empty()) return {};
  double low = points[0].smooth, high = low;
  for (const auto& point : points) low = std::min(low, point.smooth), high = std::max(high, point.smooth);
  // Where the loss is lost it goes far: what lies above the beginning by more than it fell is drawn at the edge.
  if (points[0].smooth > low) high = std::min(high, 2 * points[0].smooth - low);
  const auto from = std::log10(points.front().lr), to = std::log10(points.back().lr);
  const auto place = [](double value, double begin, double end, std::size_t count) {
    return end > begin ? static_cast<std::size_t>(
                             std::llround((value - begin) / (end - begin) * static_cast<double>(count - 1)))
                       : std::size_t{0};
  };
  std::vector<std::string> lines(rows, std::string(columns, ' '));
  for (const auto& point : points)
    lines[rows - 1 - place(std::min(point.smooth, high), low, high, rows)]
         [place(std::log10(point.lr), from, to, columns)] = '*';
  std::string text;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto label = i == 0          ? number_text("%8.3g", high)
                       : i + 1 == rows ? number_text("%8.3g", low)
                                       : std::string(8, ' ');
    text += label + " |" + lines[i].substr(0, lines[i].find_last_not_of(' ') + 1) + '\n';
  }
  const auto left = number_text("%.0e", points.front().lr), right = number_text("%.0e", points.back().lr);
  text += std::string(9, ' ') + '+' + std::string(columns, '-') + '\n' + std::string(10, ' ') + left +
          std::string(columns - left.size() - right.size(), ' ') + right + '\n';
  return text;
}

void find_rate(std::ostream& out, std::ostream& err, const Options& options, Training& training, std::stop_token stop) {
  const bool live = options.live && !options.common.quiet;
  const auto tell = [&](double done) {
    if (live) err << "\r\033[Ktrying learning rates  " << std::lround(100 * done) << " %" << std::flush;
  };
  const auto points = training.try_rates({}, {.stop = stop, .progress = tell});
  if (live) err << "\r\033[K" << std::flush;
  if (stop.stop_requested()) throw Cancelled("trying learning rates");
  const auto rate = suggested_rate(points);
  if (options.common.json) {
    Json json{{"tool", "vos-train"}, {"model", options.model}, {"points", Json::array()}};
    for (const auto& point : points)
      json["points"].push_back({{"lr", point.lr}, {"loss", point.loss}, {"smooth", point.smooth}});
    if (rate) json["lr"] = *rate;
    out << json.dump() << '\n';
    return;
  }
  out << "loss, smoothed, over the learning rate\n" << plot(points);
  if (rate)
    out << "suggested: --lr " << number_text("%.1e", *rate)
        << "  (a tenth of the rate at which the loss was lowest; the backbone's keeps its share)\n";
  else out << "no suggestion: the loss never fell; look at the data first (--dry-run), then at the losses' weights\n";
}

std::int64_t guessed_bytes(const std::vector<StepCost>& costs) {
  if (costs.empty()) return 0;
  const auto& last = costs.back();
  const auto a_clip = costs.size() < 2 ? last.bytes / std::max<std::int64_t>(1, last.clips)
                                       : (last.bytes - costs[costs.size() - 2].bytes) /
                                             std::max<std::int64_t>(1, last.clips - costs[costs.size() - 2].clips);
  return last.bytes + a_clip * last.clips;
}

void find_batch(std::ostream& out, const Options& options, Training& training, std::stop_token stop) {
  std::vector<StepCost> costs;
  std::string why;
  for (std::int64_t clips = 1; why.empty(); clips *= 2) {
    if (stop.stop_requested()) throw Cancelled("trying batch sizes");
    const auto guess = guessed_bytes(costs);
    if (const auto most = free_bytes() / 10 * 9; !costs.empty() && costs.back().on_cpu && guess > most)
      why = std::to_string(clips) + " clips would take about " + bytes_text(guess) + ", of " + bytes_text(most) +
            " that are free";
    else if (costs.size() > 1 && costs.back().seconds > 30)
      why = "a step of " + std::to_string(costs.back().clips) + " clips takes " +
            number_text("%.0f s", costs.back().seconds) + " already";
    else {
      const auto cost = training.try_batch(clips);
      if (cost.trouble.empty()) costs.push_back(cost);
      else why = cost.trouble;
    }
  }
  if (costs.empty())
    throw Error({.what = "not even one clip fits",
                 .where = "--find-batch-size",
                 .mend = "fewer data.frames, a smaller data.height and data.width, or optim.recompute=true"});
  const auto speed = [](const StepCost& cost) {
    return static_cast<double>(cost.clips) / std::max(1e-9, cost.seconds);
  };
  const auto fastest =
      *std::max_element(costs.begin(), costs.end(), [&](const auto& a, const auto& b) { return speed(a) < speed(b); });
  // A larger batch that is no faster only makes fewer steps of the same data.
  const auto best =
      *std::find_if(costs.begin(), costs.end(), [&](const auto& cost) { return speed(cost) >= 0.95 * speed(fastest); });
  if (options.common.json) {
    Json json{{"tool", "vos-train"}, {"model", options.model}, {"ended", why}, {"batch_size", best.clips}};
    for (const auto& cost : costs)
      json["tried"].push_back({{"batch_size", cost.clips}, {"clips_per_second", speed(cost)}, {"bytes", cost.bytes}});
    out << json.dump() << '\n';
    return;
  }
  tool::Table table({"batch", "s/step", "clips/s", "memory"}, 0);
  for (const auto& cost : costs)
    table.add({std::to_string(cost.clips), number_text("%.3f", cost.seconds), number_text("%.2f", speed(cost)),
               bytes_text(cost.bytes)});
  table.print(out, "  ");
  out << "ended: " << why << "\nsuggested: --batch_size " << best.clips
      << "  (the smallest that is as fast as any, to 5 %; memory is that of tensors)\n";
}

}  // namespace vos::train
