/// What more objects cost: milliseconds a frame with the N largest objects of a label map, for each N asked for.
///
///   flow_objects FRAMES LABELS N [N ...] [out=FOLDER] [key=value ...]
///
/// LABELS is a label PNG, or a folder of them named like frames. `out` receives overlays of the last N, to look at.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <vos/core/options.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/io/all.hpp>
#include <vos/model/flow/flow.hpp>

namespace fs = std::filesystem;

namespace {

/// `labels` with all but the `keep` largest objects removed.
at::Tensor largest(at::Tensor labels, std::size_t keep) {
  std::vector<std::pair<std::int64_t, vos::ObjectId>> areas;
  for (const auto& [id, extent] : vos::label_extents(labels)) areas.emplace_back(-extent.area, id);
  std::sort(areas.begin(), areas.end());
  labels = labels.clone();
  auto* pixel = labels.mutable_data_ptr<std::int32_t>();
  for (std::size_t i = keep; i < areas.size(); ++i)
    std::replace(pixel, pixel + labels.numel(), areas[i].second, vos::ObjectId{0});
  return labels;
}

void run(const std::string& frames, const fs::path& labels, std::size_t objects, const fs::path& out,
         const vos::FlowOptions& options) {
  auto source = vos::open_source({.input = frames});
  vos::FlowSegmenter segmenter(options);
  std::vector<double> ms;
  std::size_t known = 0, lost = 0;
  for (bool first = true; auto frame = source->next(); first = false) {
    const auto file = fs::is_directory(labels) ? labels / (source->stem(frame->index) + ".png") : labels;
    if (fs::is_directory(labels) ? fs::exists(file) : first)
      segmenter.prompt(*frame, largest(vos::read_labels(file), objects));
    const auto begin = std::clock();
    const vos::FrameResult result = segmenter.push(*frame);
    const auto end = std::clock();
    if (!first) ms.push_back(1000.0 * static_cast<double>(end - begin) / CLOCKS_PER_SEC);
    known = result.objects.size();
    lost = static_cast<std::size_t>(std::count_if(result.objects.begin(), result.objects.end(), [](const auto& object) {
      return object.state == vos::ObjectState::lost;
    }));
    if (out.empty()) continue;
    fs::create_directories(out);
    cv::Mat picture;
    cv::cvtColor(vos::mat_of(vos::draw(*frame, result)), picture, cv::COLOR_RGB2BGR);
    cv::imwrite((out / (source->stem(frame->index) + ".png")).string(), picture);
  }
  std::nth_element(ms.begin(), ms.begin() + static_cast<std::ptrdiff_t>(ms.size() / 2), ms.end());
  std::printf("%3zu objects %8.1f ms a frame (median), %zu lost at the end\n", known,
              ms.empty() ? 0 : ms[ms.size() / 2], lost);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::fputs("usage: flow_objects FRAMES LABELS N [N ...] [out=FOLDER] [key=value ...]\n", stderr);
    return 2;
  }
  at::set_num_threads(1);
  cv::setNumThreads(1);
  vos::FlowOptions options;
  std::vector<std::size_t> counts;
  fs::path out;
  for (int i = 3; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) counts.push_back(vos::number_from<std::size_t>(word).value_or(1));
    else if (word.substr(0, equals) == "out") out = word.substr(equals + 1);
    else vos::set_option(options, word.substr(0, equals), word.substr(equals + 1), "the command line");
  }
  for (const auto count : counts) run(argv[1], argv[2], count, count == counts.back() ? out : fs::path{}, options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "flow_objects: %s\n", error.what());
  return 1;
}
