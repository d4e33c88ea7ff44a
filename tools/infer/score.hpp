#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include <vos/metric/region.hpp>
#include <vos/vos.hpp>

namespace vos::infer {

/// Mean region similarity J of each object against the truth. The frame in which an object is first known does not
/// count: there its mask was given.
class Score {
 public:
  void add(const at::Tensor& truth, const FrameResult& result) {
    for (const auto& object : result.objects) {
      const auto [entry, is_new] = objects_.try_emplace(object.id);
      mask_of(truth, object.id, true_);
      entry->second.real |= std::find(true_.begin(), true_.end(), 1) != true_.end();
      if (is_new) continue;
      mask_of(result.labels, object.id, given_);
      entry->second.sum +=
          region_similarity({true_, truth.size(0), truth.size(1)}, {given_, truth.size(0), truth.size(1)});
      ++entry->second.frames;
    }
  }

  /// By id; objects that the truth never shows are left out.
  std::map<ObjectId, double> means() const {
    std::map<ObjectId, double> j;
    for (const auto& [id, entry] : objects_)
      if (entry.real && entry.frames > 0) j[id] = entry.sum / static_cast<double>(entry.frames);
    return j;
  }

 private:
  struct Entry {
    double sum = 0;
    std::int64_t frames = 0;
    bool real = false;
  };

  static void mask_of(const at::Tensor& labels, ObjectId id, std::vector<std::uint8_t>& mask) {
    mask.resize(static_cast<std::size_t>(labels.numel()));
    const auto* pixel = labels.const_data_ptr<std::int32_t>();
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = pixel[i] == id;
  }

  std::map<ObjectId, Entry> objects_;
  std::vector<std::uint8_t> true_, given_;  // kept between frames
};

}  // namespace vos::infer
