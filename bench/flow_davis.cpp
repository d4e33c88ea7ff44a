/// J and F of the flow segmenter by the rules of DAVIS-2016: the first mask is given, the last frame is not scored.
///
///   flow_davis ROOT [sequence=NAME] [key=value ...]   ROOT holds JPEGImages/480p and Annotations/480p

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <opencv2/imgcodecs.hpp>

#include <vos/core/options.hpp>
#include <vos/metric/boundary.hpp>
#include <vos/metric/region.hpp>
#include <vos/metric/statistics.hpp>
#include <vos/model/flow/flow.hpp>

namespace fs = std::filesystem;

namespace {

vos::Frame frame_from(const fs::path& file, std::int64_t index) {
  cv::Mat picture = cv::imread(file.string(), cv::IMREAD_COLOR);
  if (picture.empty()) throw vos::Error({.what = "not a picture", .where = file.string()});
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  vos::Frame frame{index, static_cast<double>(index) / 24, at::empty({picture.rows, picture.cols, 3}, at::kByte)};
  std::memcpy(frame.rgb.mutable_data_ptr<std::uint8_t>(), picture.data, picture.total() * 3);
  return frame;
}

std::vector<std::uint8_t> mask_from(const fs::path& file) {
  const cv::Mat mask = cv::imread(file.string(), cv::IMREAD_GRAYSCALE);
  if (mask.empty()) throw vos::Error({.what = "not a mask", .where = file.string()});
  return {mask.datastart, mask.dataend};
}

struct Score {
  std::vector<double> j, f, ms;
  int lost = 0;
};

Score run(const fs::path& root, const std::string& sequence, const vos::FlowOptions& options) {
  std::vector<std::string> stems;
  for (const auto& entry : fs::directory_iterator(root / "Annotations/480p" / sequence))
    stems.push_back(entry.path().stem().string());
  std::sort(stems.begin(), stems.end());
  vos::FlowSegmenter segmenter(options);
  Score score;
  for (std::size_t t = 0; t < stems.size(); ++t) {
    const auto frame =
        frame_from(root / "JPEGImages/480p" / sequence / (stems[t] + ".jpg"), static_cast<std::int64_t>(t));
    const auto truth = mask_from(root / "Annotations/480p" / sequence / (stems[t] + ".png"));
    if (t == 0) {
      auto labels = at::zeros({frame.height(), frame.width()}, at::kInt);
      std::transform(truth.begin(), truth.end(), labels.mutable_data_ptr<std::int32_t>(),
                     [](auto pixel) { return pixel > 0; });
      segmenter.prompt(frame, labels);
    }
    const auto begin = std::clock();
    const vos::FrameResult result = segmenter.push(frame);
    const auto end = std::clock();
    if (t == 0 || t + 1 == stems.size()) continue;
    score.ms.push_back(1000.0 * static_cast<double>(end - begin) / CLOCKS_PER_SEC);
    score.lost += result.objects.front().state == vos::ObjectState::lost;
    std::vector<std::uint8_t> guess(truth.size());
    const auto* label = result.labels.const_data_ptr<std::int32_t>();
    std::transform(label, label + guess.size(), guess.begin(), [](auto id) { return static_cast<std::uint8_t>(id); });
    const vos::MaskView true_mask(truth, frame.height(), frame.width()), found(guess, frame.height(), frame.width());
    score.j.push_back(vos::region_similarity(true_mask, found));
    score.f.push_back(vos::boundary_measure(true_mask, found));
  }
  return score;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fputs("usage: flow_davis ROOT [sequence=NAME] [key=value ...]\n", stderr);
    return 2;
  }
  const fs::path root = argv[1];
  // One thread: times of one object on one core are what can be compared.
  at::set_num_threads(1);
  cv::setNumThreads(1);
  vos::FlowOptions options;
  std::vector<std::string> sequences;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto key = word.substr(0, word.find('=')), value = word.substr(std::min(word.find('=') + 1, word.size()));
    if (key == "sequence") sequences.emplace_back(value);
    else vos::set_option(options, key, value, "the command line");
  }
  if (sequences.empty())
    for (const auto& entry : fs::directory_iterator(root / "Annotations/480p"))
      sequences.push_back(entry.path().filename().string());
  std::sort(sequences.begin(), sequences.end());

  double sum = 0;
  std::printf("%-20s %6s %6s %6s %8s %5s\n", "sequence", "J", "F", "J&F", "ms p50", "lost");
  for (const auto& sequence : sequences) {
    auto score = run(root, sequence, options);
    const double j = 100 * vos::mean_of(score.j), f = 100 * vos::mean_of(score.f);
    std::nth_element(score.ms.begin(), score.ms.begin() + static_cast<std::ptrdiff_t>(score.ms.size() / 2),
                     score.ms.end());
    std::printf("%-20s %6.1f %6.1f %6.1f %8.1f %5d\n", sequence.c_str(), j, f, (j + f) / 2,
                score.ms[score.ms.size() / 2], score.lost);
    std::fflush(stdout);
    sum += (j + f) / 2;
  }
  std::printf("%-20s %20.2f\n", "mean", sum / static_cast<double>(sequences.size()));
} catch (const std::exception& error) {
  std::fprintf(stderr, "flow_davis: %s\n", error.what());
  return 1;
}
