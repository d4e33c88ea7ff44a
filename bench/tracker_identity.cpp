/// How well each way of tracking keeps identities, on synthetic scenes with hand-made embeddings.
///
///   tracker_identity FIRST_SEED LAST_SEED [--write DIR] [--try NAME:KEY=VALUE,...]... [KEY=VALUE ...]
///
/// Each scene's exact masks become the detections of an imperfect detector: some are missing, some false, some double, masks
/// are a little off, and confidence falls where an object is hidden. A detection's embedding is its object's own vector, which
/// changes slowly, with noise, with a share of what covers the object, and now and then it is another's altogether; look-alikes
/// have nearly the same. Every variant reads the same detections, in an order that is another in each frame; `masks-alone`
/// reads them without their embeddings.
///
/// Behind the scores of all scenes: by how much a video's switches and IDF1 differ from the first variant's on average, and
/// the standard error of that average over the videos. Two standard errors are about what chance does.
///
/// KEY=VALUE changes the default before variants are made of it; --try NAME:KEY=VALUE,... measures such a variant instead of
/// the usual ones. --write stores the truth and each variant's guesses as label maps, for
/// vos-eval identity --gt DIR/truth --pred DIR/VARIANT; tracker_identity.py does that for all.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <vos/core/options.hpp>
#include <vos/core/random.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/metric/identity/scores.hpp>
#include <vos/track/global_tracker.hpp>

namespace {

using Labels = std::vector<vos::ObjectId>;
using Vector = std::vector<float>;

constexpr std::size_t embedding_width = 64;
constexpr std::int64_t stride = 4;  // of the detector's masks

struct SeenFrame {
  Labels truth;
  std::vector<vos::Sighting> sightings = {};
  std::vector<std::vector<std::uint8_t>> masks = {};  // of each query, at the picture's size
};

struct Clip {
  std::string name;
  std::int64_t height = 0, width = 0;
  std::vector<SeenFrame> frames = {};
};

double normal(vos::CounterRandom& random) {
  return std::sqrt(-2 * std::log(1 - random.uniform())) * std::cos(2 * std::numbers::pi * random.uniform());
}

Vector direction(vos::CounterRandom& random) {
  Vector v(embedding_width);
  for (auto& value : v) value = static_cast<float>(normal(random));
  vos::make_unit(v);
  return v;
}

void add(Vector& to, const Vector& v, double weight) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += static_cast<float>(weight) * v[i];
}

/// How the objects of a scene look to the detector.
class Looks {
 public:
  Looks(std::int64_t objects, std::uint64_t seed) {
    for (std::int64_t i = 0; i < objects; ++i) {
      vos::CounterRandom kind{seed, 1, static_cast<std::uint64_t>(i / 2)}, self{seed, 2, static_cast<std::uint64_t>(i)};
      auto look = direction(kind);  // two of a kind
      add(look, direction(self), 0.55);
      vos::make_unit(look);
      looks_.push_back(look);
      other_.push_back(direction(self));
      period_.push_back(self.uniform(120, 300));
    }
  }

  /// The look of an object in a frame: it turns slowly towards another one and back.
  Vector at(std::size_t object, std::int64_t frame) const {
    auto look = looks_[object];
    add(look, other_[object], 0.5 * std::sin(2 * std::numbers::pi * static_cast<double>(frame) / period_[object]));
    vos::make_unit(look);
    return look;
  }

 private:
  std::vector<Vector> looks_, other_;
  std::vector<double> period_;
};

struct Detection {
  std::vector<std::uint8_t> mask;
  double score = 0;
  Vector embedding;
};

/// The mask moved by a few pixels.
std::vector<std::uint8_t> moved(const std::vector<std::uint8_t>& mask, std::int64_t height, std::int64_t width,
                                std::int64_t dy, std::int64_t dx) {
  std::vector<std::uint8_t> result(mask.size());
  for (std::int64_t y = std::max<std::int64_t>(0, dy); y < std::min(height, height + dy); ++y)
    for (std::int64_t x = std::max<std::int64_t>(0, dx); x < std::min(width, width + dx); ++x)
      result[static_cast<std::size_t>(y * width + x)] = mask[static_cast<std::size_t>((y - dy) * width + x - dx)];
  return result;
}

std::vector<Detection> detect(const vos::Rendered& picture, const Looks& looks, std::int64_t frame,
                              std::uint64_t seed) {
  const auto height = picture.labels.size(0), width = picture.labels.size(1);
  const auto* label = picture.labels.const_data_ptr<std::int32_t>();
  std::vector<Detection> found;
  vos::CounterRandom random{seed, 3, static_cast<std::uint64_t>(frame)};
  for (std::size_t i = 0; i < picture.objects.size(); ++i) {
    const auto& object = picture.objects[i];
    const double hidden = object.occluded();
    const bool missed = random.uniform() < 0.04 + 0.3 * hidden;
    const double wobble = normal(random);
    const auto dy = random.below(5) - 2, dx = random.below(5) - 2;
    auto look = looks.at(i, frame);
    if (random.uniform() < 0.02)
      look = looks.at(static_cast<std::size_t>(random.below(static_cast<std::int64_t>(picture.objects.size()))), frame);
    for (std::size_t k = 0; k < picture.objects.size(); ++k)  // what lies over it shows in its embedding
      if (k != i && hidden > 0.05 && vos::iou(picture.objects[k].box, object.box) > 0)
        add(look, looks.at(k, frame), 0.8 * hidden);
    add(look, direction(random), 0.45);
    vos::make_unit(look);
    const bool twice = random.uniform() < 0.05;
    if (object.visible < 60 || missed) continue;
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(height * width));
    for (std::size_t at = 0; at < mask.size(); ++at) mask[at] = label[at] == object.id;
    const double score = std::clamp(0.93 - 0.6 * hidden + 0.05 * wobble, 0.02, 0.99);
    if (twice) {
      auto other = look;
      add(other, direction(random), 0.4);
      found.push_back({moved(mask, height, width, -dx, dy), score * 0.8, other});
    }
    found.push_back({moved(mask, height, width, dy, dx), score, look});
  }
  while (random.uniform() < 0.35) {  // nothing there
    const auto h = 10 + random.below(height / 4), w = 10 + random.below(width / 4);
    const auto y0 = random.below(height - h), x0 = random.below(width - w);
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(height * width));
    for (auto y = y0; y < y0 + h; ++y) std::fill_n(mask.begin() + y * width + x0, w, std::uint8_t{1});
    found.push_back({std::move(mask), random.uniform(0.3, 0.9), direction(random)});
  }
  for (std::size_t i = found.size(); i > 1; --i)
    std::swap(found[i - 1], found[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
  return found;
}

vos::FrameDetections tensors_of(const std::vector<Detection>& found, std::int64_t height, std::int64_t width) {
  const auto queries = static_cast<std::int64_t>(found.size());
  const auto h = (height + stride - 1) / stride, w = (width + stride - 1) / stride;
  vos::FrameDetections detections{.logits = at::empty({1, queries, 2}, at::kFloat),
                                  .masks = at::full({1, queries, h, w}, -6, at::kFloat),
                                  .embeddings = at::empty({1, queries, std::int64_t{embedding_width}}, at::kFloat)};
  auto* logit = detections.logits.mutable_data_ptr<float>();
  auto* mask = detections.masks.mutable_data_ptr<float>();
  auto* embedding = detections.embeddings.mutable_data_ptr<float>();
  for (const auto& each : found) {
    *logit++ = static_cast<float>(std::log(each.score / (1 - each.score)));
    *logit++ = 0;
    std::vector<int> cover(static_cast<std::size_t>(h * w));
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        cover[static_cast<std::size_t>(y / stride * w + x / stride)] +=
            each.mask[static_cast<std::size_t>(y * width + x)];
    for (const int pixels : cover) *mask++ = 2 * pixels >= stride * stride ? 6 : -6;
    embedding = std::copy(each.embedding.begin(), each.embedding.end(), embedding);
  }
  return detections;
}

Clip make_clip(const std::string& text, std::uint64_t seed) {
  const vos::SceneRenderer renderer(vos::scene_from(text + ",size=427x240,seed=" + std::to_string(seed)));
  const auto& scene = renderer.scene();
  const Looks looks(vos::objects_in(scene), seed);
  Clip clip{.name = scene.name + "-" + std::to_string(seed), .height = scene.height, .width = scene.width};
  for (std::int64_t t = 0; t < scene.frames; ++t) {
    const auto picture = renderer.render(t);
    const auto* label = picture.labels.const_data_ptr<std::int32_t>();
    SeenFrame frame{.truth = {label, label + picture.labels.numel()}};
    auto found = detect(picture, looks, t, seed);
    frame.sightings = vos::observe(tensors_of(found, scene.height, scene.width));
    for (auto& each : found) frame.masks.push_back(std::move(each.mask));
    clip.frames.push_back(std::move(frame));
  }
  return clip;
}

struct Variant {
  std::string name;
  vos::GlobalTrackerOptions options;
  bool blind = false;  // without embeddings
};

std::vector<Variant> variants_of(const vos::GlobalTrackerOptions& usual) {
  std::vector<Variant> variants{{"default", usual}};
  const auto with = [&](const std::string& name, const std::function<void(vos::GlobalTrackerOptions&)>& change) {
    auto options = usual;
    change(options);
    const auto text = [](const vos::GlobalTrackerOptions& o) {
      std::string all;
      for (const auto& option : vos::describe_options(o)) all += option.key + '=' + option.value + '\n';
      return all;
    };
    if (text(options) == text(usual)) return;  // the default by another name
    variants.push_back({name, options});
  };
  for (const char* similarity : {"cosine", "bisoftmax"}) with(similarity, [&](auto& o) { o.similarity = similarity; });
  for (const char* update : {"momentum", "guided", "temporal"})
    with(update, [&](auto& o) { o.book.bank.update = update; });
  for (const double overlap : {0.0, 0.3, 0.5}) {
    char name[16];
    std::snprintf(name, sizeof name, "overlap-%.1f", overlap);
    with(name, [&](auto& o) { o.overlap = overlap; });
  }
  variants.push_back({"masks-alone", usual, true});
  with("no-gate", [](auto& o) { o.gate = -1; });
  with("no-gallery", [](auto& o) { o.book.gallery.size = 0; });
  with("greedy", [](auto& o) { o.assign = "greedy"; });
  with("one-sighting", [](auto& o) { o.book.life.births = 1; });
  with("no-hysteresis", [](auto& o) { o.book.life.keep = o.book.life.back = o.book.life.birth; });
  with("previous-frame", [](auto& o) {  // what one frame's optimum alone can do
    o.book.bank.update = "momentum", o.book.bank.momentum = 1;
    o.similarity = "cosine", o.overlap = 0, o.gate = -1, o.book.life.patience = 0, o.book.gallery.size = 0;
  });
  return variants;
}

std::vector<vos::Sighting> without_embeddings(std::vector<vos::Sighting> sightings) {
  for (auto& each : sightings) each.embedding.clear();
  return sightings;
}

/// The mean of how `values` differ from `others`, pair by pair, and its standard error: "-1.2 +- 0.4".
std::string paired(const std::vector<double>& values, const std::vector<double>& others) {
  const auto count = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) mean += (values[i] - others[i]) / count;
  for (std::size_t i = 0; i < values.size(); ++i) squares += std::pow(values[i] - others[i] - mean, 2);
  char text[64];
  std::snprintf(text, sizeof text, "%+7.2f +- %.2f", mean, count > 1 ? std::sqrt(squares / (count - 1) / count) : 0.0);
  return text;
}

/// The label map that a tracker's answer draws: the surer in front.
Labels draw(const vos::Tracks& tracks, const SeenFrame& frame) {
  Labels labels(frame.truth.size());
  auto shown = tracks;
  std::erase_if(shown, [](const vos::Track& track) { return track.query < 0; });
  std::sort(shown.begin(), shown.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
  for (const auto& track : shown) {
    const auto& mask = frame.masks[static_cast<std::size_t>(track.query)];
    for (std::size_t i = 0; i < mask.size(); ++i)
      if (mask[i] != 0) labels[i] = track.id;
  }
  return labels;
}

void write(const std::filesystem::path& folder, const Clip& clip, std::size_t t, const Labels& labels) {
  char stem[16];
  std::snprintf(stem, sizeof stem, "%05zu.png", t);
  std::filesystem::create_directories(folder / clip.name);
  vos::write_file(folder / clip.name / stem, vos::png_from_labels(labels, clip.height, clip.width, stem));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3)
    return std::fprintf(stderr,
                        "usage: tracker_identity FIRST_SEED LAST_SEED [--write DIR] [--try NAME:KEY=VALUE,...]... "
                        "[KEY=VALUE ...]\n"),
           2;
  const auto first = std::stoull(argv[1]), last = std::stoull(argv[2]);
  std::optional<std::filesystem::path> folder;
  vos::GlobalTrackerOptions usual;
  std::vector<Variant> tried;
  const auto set = [](vos::GlobalTrackerOptions& options, const std::string& text) {
    const auto equals = std::min(text.find('='), text.size() - 1);
    vos::set_option(options, text.substr(0, equals), text.substr(equals + 1), "the command line");
  };
  for (int i = 3; i < argc; ++i) {
    const std::string text = argv[i];
    if (text == "--write" && i + 1 < argc) {
      folder = argv[++i];
      continue;
    }
    if (text == "--try" && i + 1 < argc) {
      const std::string given = argv[++i];
      const auto colon = given.find(':');
      tried.push_back({given.substr(0, colon), usual});
      for (const auto& each : vos::split(given.substr(colon + 1), ',')) set(tried.back().options, each);
      continue;
    }
    set(usual, text);
  }
  const std::vector<std::string> scenes{
      "crossing,objects=4,frames=120", "occlusion,frames=150", "reentry,objects=4,frames=300",
      "crowd,objects=16,frames=90",    "twins,frames=150",     "train,objects=6,frames=150"};
  const auto variants = tried.empty() ? variants_of(usual) : tried;
  std::map<std::string, std::map<std::string, vos::IdentityScores>> scores;  // [scene][variant]
  std::map<std::string, std::vector<double>> switches, idf1;                 // [variant][video]
  for (const auto& scene : scenes)
    for (auto seed = first; seed <= last; ++seed) {
      const auto clip = make_clip(scene, seed);
      for (const auto& variant : variants) {
        vos::SightingTracker tracker(variant.options);
        vos::IdentitySequence sequence;
        for (std::size_t t = 0; t < clip.frames.size(); ++t) {
          const auto& frame = clip.frames[t];
          const auto tracks = tracker.step(variant.blind ? without_embeddings(frame.sightings) : frame.sightings);
          const auto labels = draw(tracks, frame);
          sequence.add(vos::LabelPair({frame.truth, clip.height, clip.width}, {labels, clip.height, clip.width}));
          if (!folder) continue;
          write(*folder / variant.name, clip, t, labels);
          if (&variant == &variants.front()) write(*folder / "truth", clip, t, frame.truth);
        }
        const auto one = vos::identity_scores(sequence).first;
        scores[scene.substr(0, scene.find(','))][variant.name] += one;
        scores["all"][variant.name] += one;
        switches[variant.name].push_back(static_cast<double>(one.clear.switches));
        idf1[variant.name].push_back(100 * one.identity.idf1());
      }
    }
  for (const auto& [scene, of_variant] : scores) {
    std::printf("\n%-16s %6s %7s %7s %7s %7s\n", scene.c_str(), "IDSW", "IDF1", "AssA", "HOTA", "return");
    for (const auto& variant : variants) {
      const auto& s = of_variant.at(variant.name);
      std::printf("%-16s %6lld %7.1f %7.1f %7.1f %7.1f\n", variant.name.c_str(),
                  static_cast<long long>(s.clear.switches), 100 * s.identity.idf1(), 100 * s.hota.assa(),
                  100 * s.hota.hota(), 100 * s.recovered.rate(1));
    }
  }
  const auto& base = variants.front().name;
  std::printf("\n%-16s %18s %18s\n", "to the first", "IDSW a video", "IDF1 a video");
  for (const auto& variant : variants)
    std::printf("%-16s %18s %18s\n", variant.name.c_str(), paired(switches[variant.name], switches[base]).c_str(),
                paired(idf1[variant.name], idf1[base]).c_str());
} catch (const vos::Error& error) {
  std::cerr << "tracker_identity: " << error.what() << '\n';
  return error.parts().exit_code;
}
