#include "prompts.hpp"

#include <algorithm>

#include <vos/data/catalog_labels.hpp>

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
  auto original = spec;
  original.frames = {.begin = index, .end = index + 1};
  original.max_size = original.ahead = 0;
  return open_source(original)->next();
}

bool same_size(const at::Tensor& labels, const Frame& frame) {
  return labels.size(0) == frame.height() && labels.size(1) == frame.width();
}

/// A label map at its frame's size: one that fits the frame before --max-size is shrunk with it.
at::Tensor fitted(const at::Tensor& labels, const std::string& name, const Frame& frame, const std::string& stem,
                  const SourceSpec& spec, bool live) {
  if (same_size(labels, frame)) return labels;
  const auto original = unshrunken(spec, frame.index, live);
  if (original && same_size(labels, *original)) return resize_labels(labels, frame.height(), frame.width());
  expect_same_size(labels, name, original ? *original : frame, "frame " + stem + " of " + spec.input);
  return labels;
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
  return fitted(read_labels(path), path.string(), frame, stem, job_.source, live_);
}

std::vector<std::string> MaskFiles::unused() const {
  std::vector<std::string> names;
  for (const auto& [stem, path] : files_) names.push_back(path.filename().string());
  return names;
}

CatalogPrompts::CatalogPrompts(const Job& job) : job_(job) {
  const auto& frames = job.video->frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (frames[i].labels.empty() && !has_listed_masks(*job.video, i)) continue;
    frames_.emplace(frames[i].stem, i);
    if (job.catalog->layout == Layout::davis) break;
  }
}

at::Tensor CatalogPrompts::labels_of(std::size_t at, const Frame& frame) const {
  const auto& [stem, image, path] = job_.video->frames[at];
  if (!path.empty()) return fitted(read_labels(path, *job_.catalog), path.string(), frame, stem, job_.source, false);
  auto height = job_.video->height, width = job_.video->width;
  if (height == 0) {  // no list states it: outlines are fractions of the picture, at any size
    height = frame.height();
    width = frame.width();
  }
  return fitted(listed_labels(*job_.video, at, height, width), job_.video->name, frame, stem, job_.source, false);
}

at::Tensor CatalogPrompts::take(const Frame& frame, const std::string& stem) {
  const auto found = frames_.find(stem);
  if (found == frames_.end()) return {};
  const auto labels = labels_of(found->second, frame);
  frames_.erase(found);
  std::set<ObjectId> fresh;
  for (const auto& [id, extent] : label_extents(labels))
    if (known_.insert(id).second) fresh.insert(id);
  return fresh.empty() ? at::Tensor{} : only(labels, fresh);
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
