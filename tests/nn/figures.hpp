#pragma once

/// What the tests of networks share: images and weights that are functions of their names, and the figures that the scripts
/// in golden/ record. Included after every LibTorch header, as it brings test.hpp.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include <vos/core/text.hpp>
#include <vos/io/files.hpp>
#include <vos/weights/fill.hpp>
#include <vos/weights/keys.hpp>

#include "../test.hpp"

namespace vos::test {

/// `factor` * u(i) in float32: how the rules make images.
template <FillRule rule>
at::Tensor made(std::uint64_t number, at::IntArrayRef sizes, double factor) {
  auto values = at::empty(sizes);
  fill_values({rule, number, 0, factor}, 0,
              {values.mutable_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
  return values;
}

inline at::Tensor named(const std::string& name, at::IntArrayRef sizes, double factor = 1) {
  return made<FillRule::vita>(fill_hash(name), sizes, factor);
}

/// Sum, sum of |x|, and the elements at 0, 1, n/3, n/2, n-1.
struct Figures {
  std::string shape;
  double sum = 0, abs = 0;
  std::vector<double> samples;
};

inline std::vector<double> samples_of(const at::Tensor& tensor) {
  const auto flat = tensor.detach().to(at::kDouble).contiguous().flatten();
  const auto n = flat.numel();
  std::vector<double> samples;
  for (const auto i : {std::int64_t{0}, std::min<std::int64_t>(1, n - 1), n / 3, n / 2, n - 1})
    samples.push_back(flat[i].item<double>());
  return samples;
}

inline double largest(const at::Tensor& tensor) { return tensor.detach().abs().max().item<double>(); }

inline double sum_of(const at::Tensor& tensor) { return tensor.detach().to(at::kDouble).sum().item<double>(); }

/// Against recorded figures; `relative` to the sum of |x|, and to its mean for single elements.
inline void check_figures(const at::Tensor& tensor, const Figures& expected, double relative) {
  CHECK(shape_text(tensor.sizes().vec()) == expected.shape);
  const double mean = expected.abs / static_cast<double>(tensor.numel());
  CHECK(std::abs(sum_of(tensor) - expected.sum) <= relative * expected.abs);
  CHECK(std::abs(sum_of(tensor.abs()) - expected.abs) <= relative * expected.abs);
  const auto samples = samples_of(tensor);
  for (std::size_t i = 0; i < samples.size(); ++i)
    CHECK(std::abs(samples[i] - expected.samples[i]) <= relative * std::max(mean, std::abs(expected.samples[i])));
}

/// mean, population deviation, mean |x| and five elements, as one family's figures are recorded.
struct Moments {
  std::vector<std::int64_t> sizes;
  double mean, deviation, abs;
  std::vector<double> samples;
};

inline void check_moments(const at::Tensor& tensor, const Moments& expected) {
  // float32 against float32 of another program: its own figures move by 3e-5 between float32 and double.
  constexpr double tolerance = 3e-5;
  CHECK(tensor.sizes() == at::IntArrayRef(expected.sizes));
  const auto values = tensor.to(at::kDouble);
  CHECK(std::abs(values.mean().item<double>() - expected.mean) <= tolerance);
  CHECK(std::abs(values.std(false).item<double>() - expected.deviation) <= tolerance);
  CHECK(std::abs(values.abs().mean().item<double>() - expected.abs) <= tolerance);
  const auto samples = samples_of(tensor);
  for (std::size_t i = 0; i < samples.size(); ++i) CHECK(std::abs(samples[i] - expected.samples[i]) <= tolerance);
}

/// Frames of noise as a video would bring them: eight bits, normalised, padded to 64x96.
inline at::Tensor noise_frames(std::int64_t frames) {
  auto pixels = at::empty({frames, 3, 60, 90});
  auto* out = pixels.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < pixels.numel(); ++i) {
    const auto unit = fill_unit<FillRule::vita>(fill_hash("image"), static_cast<std::uint64_t>(i));  // in [-1,1)
    out[i] = static_cast<float>(std::floor(128 * (unit + 1)));
  }
  const auto channel = [](std::vector<float> values) { return at::tensor(values).view({1, 3, 1, 1}); };
  const auto normal = (pixels - channel({123.675F, 116.28F, 103.53F})) / channel({58.395F, 57.12F, 57.375F});
  return at::constant_pad_nd(normal, {0, 6, 0, 4});
}

/// The rows of a list below a prefix, with or without it.
inline std::vector<KeyRow> keys_below(const std::string& list, const std::string& prefix, bool strip) {
  std::vector<KeyRow> rows;
  for (auto& row : read_keys(file("golden/keys/" + list + ".tsv")))
    if (row.key.starts_with(prefix)) {
      if (strip) row.key.erase(0, prefix.size());
      rows.push_back(row);
    }
  return rows;
}

/// A file that a script in golden/ made: figures by case and tensor.
class Goldens {
 public:
  explicit Goldens(const std::string& name) {
    const auto bytes = read_file(file(name));
    for (const auto& line : split(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()}, '\n')) {
      if (line.empty()) continue;
      const auto cells = split(line, '\t');
      const auto number = [&](std::size_t i) { return std::stod(cells.at(i)); };
      all_[{cells[0], cells[1]}] = {
          cells[2], number(3), number(4), {number(5), number(6), number(7), number(8), number(9)}};
    }
  }

  bool has(const std::string& name, const std::string& tensor) const { return all_.contains({name, tensor}); }
  const Figures& operator()(const std::string& name, const std::string& tensor) const {
    return all_.at({name, tensor});
  }

 private:
  std::map<std::pair<std::string, std::string>, Figures> all_;
};

}  // namespace vos::test
