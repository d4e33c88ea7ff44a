#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <opencv2/core.hpp>
// After core.hpp, which it relies on.
#include <opencv2/imgproc/detail/gcgraph.hpp>

namespace vos::detail::flow {

/// What an outline costs between neighbours: right, below, below right, below left. Shared by all objects.
struct Contrast {
  struct Step {
    int x, y;
  };
  static constexpr std::array<Step, 4> step{Step{1, 0}, {0, 1}, {1, 1}, {-1, 1}};
  std::array<cv::Mat, 4> price;  // CV_32F; 0 where the neighbour is outside the picture
};

/// Dear through even colour, cheap along edges: smoothness (.1 + exp(-|difference|² / (2 mean))), Boykov and Jolly's
/// form as GrabCut scales it; diagonal neighbours are farther apart and count less.
inline Contrast contrast_of(const cv::Mat& lab, double smoothness) {
  std::array<cv::Mat, 4> squared;
  double sum = 0, count = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const auto step = Contrast::step[k];
    squared[k] = cv::Mat(lab.size(), CV_32F, cv::Scalar(-1));
    for (int y = 0; y + step.y < lab.rows; ++y) {
      const auto *here = lab.ptr<cv::Vec3b>(y), *there = lab.ptr<cv::Vec3b>(y + step.y) + step.x;
      auto* out = squared[k].ptr<float>(y);
      const int first = step.x < 0 ? 1 : 0, last = lab.cols - (step.x > 0 ? 1 : 0);
      int row_sum = 0;
      for (int x = first; x < last; ++x) {
        const int l = here[x][0] - there[x][0], a = here[x][1] - there[x][1], b = here[x][2] - there[x][2];
        const int square = l * l + a * a + b * b;
        row_sum += square;
        out[x] = static_cast<float>(square);
      }
      sum += row_sum;
      count += last - first;
    }
  }
  const float sharpness = sum > 0 ? static_cast<float>(count / (2 * sum)) : 0.0F;
  Contrast contrast;
  for (std::size_t k = 0; k < 4; ++k) {
    const float weight = static_cast<float>(smoothness) * (k < 2 ? 1.0F : 0.7071F);
    cv::Mat price;
    cv::exp(squared[k] * -sharpness, price);
    price = (price + 0.1F) * weight;
    price.setTo(0, squared[k] < 0);
    contrast.price[k] = price;
  }
  return contrast;
}

/// The exact best outline: maximises the sum of the evidence inside it minus its price (a minimum cut).
///
/// A pixel whose evidence outweighs the prices to all its undecided neighbours is decided at once, and may decide its
/// neighbours in turn; only what remains, a small part, becomes a graph. This leaves the optimum untouched.
class Outline {
 public:
  /// Pixels outside `box` are background; `evidence` is CV_32F over the box.
  Outline(const cv::Mat& evidence, const Contrast& contrast, const cv::Rect& box)
      : rows_(box.height), columns_(box.width), wide_(box.width + 2), pixels_(index(box.height, box.width) + 1) {
    // A frame of decided background around the box saves every test for its border.
    for (std::size_t k = 0; k < 4; ++k) {
      const auto step = Contrast::step[k];
      hop_[k] = static_cast<std::size_t>(step.y * wide_ + step.x);
      const cv::Rect priced =
          cv::Rect(box.x - 1, box.y - 1, box.width + 2, box.height + 2) & cv::Rect({}, contrast.price[k].size());
      for (int y = priced.y; y < priced.br().y; ++y)
        for (int x = priced.x; x < priced.br().x; ++x)
          pixels_[index(y - box.y, x - box.x)].price[k] = contrast.price[k].at<float>(y, x);
    }
    each([&](std::size_t at, int y, int x) {
      pixels_[at].label = undecided;
      pixels_[at].gain = evidence.at<float>(y, x);
    });
  }

  /// CV_8U over the box, 255 inside.
  cv::Mat best() {
    settle();
    cut_rest();
    cv::Mat inside_mask(rows_, columns_, CV_8U);
    each([&](std::size_t at, int y, int x) { inside_mask.at<uchar>(y, x) = pixels_[at].label == inside ? 255 : 0; });
    return inside_mask;
  }

 private:
  enum Label : signed char { outside = -1, undecided = 0, inside = 1 };
  struct Pixel {
    Label label = outside;
    float gain = 0;                // evidence, and the prices to decided neighbours on either side
    float open = 0;                // prices to undecided neighbours
    std::array<float, 4> price{};  // as Contrast::price
  };

  std::size_t index(int y, int x) const { return static_cast<std::size_t>((y + 1) * wide_ + x + 1); }

  template <class Visit>
  void each(Visit visit) const {
    for (int y = 0; y < rows_; ++y)
      for (int x = 0; x < columns_; ++x) visit(index(y, x), y, x);
  }
  /// For a pixel of the box: its eight neighbours and the prices to them.
  template <class Visit>
  void neighbours(std::size_t at, Visit visit) {
    for (std::size_t k = 0; k < 4; ++k) {
      visit(pixels_[at + hop_[k]], at + hop_[k], pixels_[at].price[k]);
      visit(pixels_[at - hop_[k]], at - hop_[k], pixels_[at - hop_[k]].price[k]);
    }
  }

  /// Decides what its surroundings cannot change.
  void settle() {
    std::vector<std::size_t> fresh;
    const auto decide = [&](Pixel& pixel, std::size_t at) {
      if (std::abs(pixel.gain) < pixel.open || pixel.gain == 0) return;
      pixel.label = pixel.gain > 0 ? inside : outside;
      fresh.push_back(at);
    };
    each([&](std::size_t at, int, int) {
      neighbours(at, [&](const Pixel& other, std::size_t, float price) {
        (other.label == undecided ? pixels_[at].open : pixels_[at].gain) += other.label == undecided ? price : -price;
      });
    });
    each([&](std::size_t at, int, int) { decide(pixels_[at], at); });
    while (!fresh.empty()) {
      const auto at = fresh.back();
      fresh.pop_back();
      neighbours(at, [&](Pixel& other, std::size_t place, float price) {
        if (other.label != undecided) return;
        other.open -= price;
        other.gain += price * static_cast<float>(pixels_[at].label);
        decide(other, place);
      });
    }
  }

  /// A minimum cut over the pixels that are left.
  void cut_rest() {
    std::vector<std::size_t> rest;
    std::vector<int> vertex(pixels_.size(), -1);
    each([&](std::size_t at, int, int) {
      if (pixels_[at].label != undecided) return;
      vertex[at] = static_cast<int>(rest.size());
      rest.push_back(at);
    });
    if (rest.empty()) return;
    const auto count = static_cast<unsigned>(rest.size());
    cv::detail::GCGraph<float> graph(count, 8 * count);
    for (const auto at : rest)
      graph.addTermWeights(graph.addVtx(), std::max(pixels_[at].gain, 0.0F), std::max(-pixels_[at].gain, 0.0F));
    bool joined = false;
    for (const auto at : rest)
      for (std::size_t k = 0; k < 4; ++k)
        if (const int other = vertex[at + hop_[k]]; other >= 0) {
          graph.addEdges(vertex[at], other, pixels_[at].price[k], pixels_[at].price[k]);
          joined = true;
        }
    if (joined) graph.maxFlow();  // which insists on an edge
    for (const auto at : rest) {
      const bool in = joined ? graph.inSourceSegment(vertex[at]) : pixels_[at].gain > 0;
      pixels_[at].label = in ? inside : outside;
    }
  }

  int rows_, columns_, wide_;
  std::vector<Pixel> pixels_;  // of the box and a frame one pixel wide
  std::array<std::size_t, 4> hop_{};
};

}  // namespace vos::detail::flow
