#include "prompts.hpp"

#include "labels.hpp"

namespace vos::infer {
namespace {

namespace fs = std::filesystem;

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  const std::vector<std::string> some(names.begin(),
                                      names.begin() + static_cast<std::ptrdiff_t>(std::min(most, names.size())));
  return join(some, ", ") + (names.size() > most ? " and " + std::to_string(names.size() - most) + " more" : "");
}

/// The frame as it was before --max-size. Opened anew, since only a mask that does not fit asks for it; what is live
/// cannot be asked again.
std::optional<Frame> unshrunken(const SourceSpec& spec, std::int64_t index, bool live) {
  if (spec.max_size == 0 || live) return std::nullopt;
  return open_source({.input = spec.input, .frames = {.begin = index, .end = index + 1}, .ahead = 0})->next();
}

bool same_size(const at::Tensor& labels, const Frame& frame) {
  return labels.size(0) == frame.height() && labels.size(1) == frame.width();
}

}  // namespace

MaskFiles::MaskFiles(const Job& job, const FrameSource& source) : job_(job), live_(source.info().live) {
  if (!fs::is_directory(job.masks)) {
    first_ = job.masks;
    return;
  }
  for (const auto& entry : fs::directory_iterator(job.masks))
    if (entry.is_regular_file() && lower_case(entry.path().extension().string()) == ".png" &&
        !entry.path().filename().string().starts_with('.'))  // hidden ones are other programs' notes
      files_.emplace(entry.path().stem().string(), entry.path());
  if (files_.empty())
    throw Error({.what = "there is no PNG in the folder",
                 .where = "--masks " + job.masks.string(),
                 .mend = "put label maps there, named like their frames"});

  const auto frames = source.info().frames;
  constexpr std::int64_t most = 10'000'000;  // a longer claim is not worth its list of names
  if (frames < 0 || frames > most) return;   // a stream: who knows what will come
  const auto& range = job.source.frames;
  std::set<std::string> stems;
  for (std::int64_t i = 0; i < frames; ++i) stems.insert(source.stem(range.begin + i * range.step));
  std::vector<std::string> strangers;
  for (const auto& [stem, path] : files_)
    if (!stems.contains(stem)) strangers.push_back(path.filename().string());
  // With --frames, masks of the frames left out are to be expected, as long as there are others.
  if (strangers.empty() || (range != FrameRange{} && strangers.size() < files_.size())) return;
  throw Error({.what = std::to_string(strangers.size()) + " of " + std::to_string(files_.size()) +
                       " masks name no frame of '" + job.source.input + "': " + listed(strangers),
               .where = "--masks " + job.masks.string(),
               .mend = stems.empty() ? "the input has no frames"
                                     : "name masks like their frames, which run from " + *stems.begin() + " to " +
                                           *stems.rbegin()});
}

at::Tensor MaskFiles::take(const Frame& frame, const std::string& stem) {
  fs::path path;
  if (!first_.empty()) path = std::exchange(first_, {});
  else if (const auto found = files_.find(stem); found != files_.end()) path = files_.extract(found).mapped();
  if (path.empty()) return {};
  const auto labels = read_labels(path);
  if (same_size(labels, frame)) return labels;
  const auto original = unshrunken(job_.source, frame.index, live_);
  if (original && same_size(labels, *original)) return resize_labels(labels, frame.height(), frame.width());
  expect_same_size(labels, path.string(), original ? *original : frame, "frame " + stem + " of " + job_.source.input);
  return labels;
}

std::vector<std::string> MaskFiles::unused() const {
  std::vector<std::string> names;
  for (const auto& [stem, path] : files_) names.push_back(path.filename().string());
  return names;
}

at::Tensor TruthPrompts::take(const at::Tensor& truth) {
  std::set<ObjectId> entering;
  const auto height = static_cast<float>(truth.size(0)), width = static_cast<float>(truth.size(1));
  for (const auto& [id, extent] : label_extents(truth)) {
    const auto& box = extent.box;
    const bool clear = box.x0 > 0 && box.y0 > 0 && box.x1 < width && box.y1 < height;
    if ((first_ || clear) && known_.insert(id).second) entering.insert(id);
  }
  first_ = false;
  return entering.empty() ? at::Tensor{} : only(truth, entering);
}

}  // namespace vos::infer
