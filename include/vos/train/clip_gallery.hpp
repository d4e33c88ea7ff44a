#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <nlohmann/json.hpp>

#include <vos/train/clip_figures.hpp>
#include <vos/train/parallel/group.hpp>

namespace vos {

/// What a validation has to show: figures of every clip, and pictures of the best and the worst by one of them. Of a clip
/// amid the others no picture is made.
class ClipGallery {
 public:
  /// So many pictures of the best, and of the worst.
  ClipGallery(std::string by, std::int64_t pictures)
      : by_(std::move(by)), most_(static_cast<std::size_t>(std::max<std::int64_t>(0, pictures))) {}

  /// `picture` gives uint8 [H,W,3], and is called at once or never.
  void add(std::string name, Metrics metrics, const std::function<at::Tensor()>& picture) {
    clips_.push_back({.name = std::move(name), .metrics = std::move(metrics)});
    show_last(picture);
  }

  /// All clips, in the order in which they came.
  std::vector<ClipFigures> clips() const {
    auto clips = clips_;
    for (std::size_t i = 0; i < shown_.size(); ++i) clips[shown_[i].clip].picture = name_of(i);
    return clips;
  }

  /// "best 1", "best 2", ..., "worst 1".
  std::vector<std::pair<std::string, at::Tensor>> pictures() const {
    std::vector<std::pair<std::string, at::Tensor>> pictures;
    for (std::size_t i = 0; i < shown_.size(); ++i) pictures.emplace_back(name_of(i), shown_[i].picture);
    return pictures;
  }

  /// That of all processes of a group, each of which has seen other clips.
  ClipGallery together(Group& group) const {
    auto json = nlohmann::json::array();
    std::string bytes;
    for (const auto& clip : clips_) json.push_back({{"name", clip.name}, {"metrics", clip.metrics}});
    for (const auto& shown : shown_) {
      const auto plain = shown.picture.contiguous();
      json[shown.clip]["picture"] = {plain.size(0), plain.size(1), bytes.size()};
      bytes.append(reinterpret_cast<const char*>(plain.const_data_ptr<std::uint8_t>()), plain.nbytes());
    }
    ClipGallery all{by_, static_cast<std::int64_t>(most_)};
    for (const auto& sent :
         gather(group, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\0' + bytes)) {
      const auto end = sent.find('\0');
      for (const auto& clip : nlohmann::json::parse(sent.substr(0, end))) {
        Metrics metrics;
        for (const auto& [name, value] : clip["metrics"].items())
          metrics[name] = value.is_number() ? value.get<double>() : NAN;
        all.clips_.push_back({.name = clip["name"], .metrics = std::move(metrics)});
        if (!clip.contains("picture")) continue;  // amid the others of its process, so amid all
        all.show_last([&] {
          const auto [height, width, from] = clip["picture"].get<std::array<std::int64_t, 3>>();
          auto picture = at::empty({height, width, 3}, at::kByte);
          std::memcpy(picture.mutable_data_ptr<std::uint8_t>(), sent.data() + end + 1 + from, picture.nbytes());
          return picture;
        });
      }
    }
    return all;
  }

 private:
  struct Shown {
    double value = 0;
    std::size_t clip = 0;
    at::Tensor picture = {};
  };

  /// Keeps a picture of the clip that came last, if it is among the best or the worst so far.
  void show_last(const std::function<at::Tensor()>& picture) {
    const auto& metrics = clips_.back().metrics;
    const auto found = metrics.find(by_);
    if (found == metrics.end() || !std::isfinite(found->second) || most_ == 0) return;
    const auto middle = static_cast<std::ptrdiff_t>(most_);
    const auto place = std::upper_bound(shown_.begin(), shown_.end(), found->second,
                                        [](double value, const Shown& shown) { return value > shown.value; });
    const bool full = shown_.size() == 2 * most_;
    if (full && place == shown_.begin() + middle) return;
    shown_.insert(place, {found->second, clips_.size() - 1, picture()});
    if (full) shown_.erase(shown_.begin() + middle);
  }

  /// Of the i-th best of those that are shown.
  std::string name_of(std::size_t i) const {
    const auto best = std::min(most_, (shown_.size() + 1) / 2);
    return i < best ? "best " + std::to_string(i + 1) : "worst " + std::to_string(shown_.size() - i);
  }

  std::string by_;
  std::size_t most_;
  std::vector<ClipFigures> clips_;
  std::vector<Shown> shown_;  // the best first; at most twice `most_`
};

}  // namespace vos
