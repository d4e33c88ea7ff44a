#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vos::serve {

/// Rises.
class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Rises and falls.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double value) { value_.fetch_add(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Counts values by size. The last bucket, without a bound, is there by itself.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void observe(double value) {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  const std::vector<double>& bounds() const { return bounds_; }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

/// For times in seconds: from what a message takes to what a heavy model does.
inline std::vector<double> time_bounds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

/// The numbers of a running program, as Prometheus reads them (text format 0.0.4). What `counter`, `gauge` and `histogram` give
/// may be kept, and used from any thread; the same name and labels give the same one.
class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& counter(const std::string& name, std::string_view help, const Labels& labels = {}) {
    return one<Counter>(counters_, "counter", name, help, labels);
  }
  Gauge& gauge(const std::string& name, std::string_view help, const Labels& labels = {}) {
    return one<Gauge>(gauges_, "gauge", name, help, labels);
  }
  Histogram& histogram(const std::string& name, std::string_view help, const Labels& labels = {},
                       std::vector<double> bounds = time_bounds()) {
    return one<Histogram>(histograms_, "histogram", name, help, labels, std::move(bounds));
  }

  std::string text() const {
    const std::lock_guard lock{mutex_};
    std::string text;
    for (const auto& [name, family] : families_) {
      text += "# HELP " + name + " " + escaped(family.help, false) + "\n# TYPE " + name + " " + family.type + "\n";
      if (const auto found = counters_.find(name); found != counters_.end())
        for (const auto& [labels, counter] : found->second)
          line(text, name, braces(labels), std::to_string(counter->value()));
      if (const auto found = gauges_.find(name); found != gauges_.end())
        for (const auto& [labels, gauge] : found->second) line(text, name, braces(labels), number(gauge->value()));
      if (const auto found = histograms_.find(name); found != histograms_.end())
        for (const auto& [labels, histogram] : found->second) add_histogram(text, name, labels, *histogram);
    }
    return text;
  }

 private:
  struct Family {
    std::string type, help;
  };
  template <class Metric>
  using ByLabels = std::map<std::string, std::map<std::string, std::unique_ptr<Metric>>>;  // by name, by labels

  template <class Metric, class... Parts>
  Metric& one(ByLabels<Metric>& all, const char* type, const std::string& name, std::string_view help,
              const Labels& labels, Parts&&... parts) {
    const std::lock_guard lock{mutex_};
    families_[name] = {type, std::string{help}};
    auto& metric = all[name][text_of(labels)];
    if (!metric) metric = std::make_unique<Metric>(std::forward<Parts>(parts)...);
    return *metric;
  }

  static std::string escaped(std::string_view text, bool quotes) {
    std::string escaped;
    for (const char c : text) {
      if (c == '\n') escaped += "\\n";
      else if (c == '\\' || (quotes && c == '"')) (escaped += '\\') += c;
      else escaped += c;
    }
    return escaped;
  }

  static std::string text_of(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels)
      text += (text.empty() ? "" : ",") + name + "=\"" + escaped(value, true) + "\"";
    return text;
  }

  static std::string braces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    char text[32];
    std::snprintf(text, sizeof text, "%.17g", value);
    for (const int digits : {6, 12}) {  // the shortest that means the same
      char shorter[32];
      std::snprintf(shorter, sizeof shorter, "%.*g", digits, value);
      if (std::stod(shorter) == value) return shorter;
    }
    return text;
  }

  static void line(std::string& text, const std::string& name, const std::string& labels, const std::string& value) {
    text += name + labels + " " + value + "\n";
  }

  static void add_histogram(std::string& text, const std::string& name, const std::string& labels,
                            const Histogram& histogram) {
    const auto comma = labels.empty() ? "" : labels + ",";
    std::uint64_t below = 0;
    for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
      below += histogram.count(i);
      const auto bound = i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
      line(text, name + "_bucket", "{" + comma + "le=\"" + bound + "\"}", std::to_string(below));
    }
    line(text, name + "_sum", braces(labels), number(histogram.sum()));
    line(text, name + "_count", braces(labels), std::to_string(below));
  }

  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
  ByLabels<Counter> counters_;
  ByLabels<Gauge> gauges_;
  ByLabels<Histogram> histograms_;
};

}  // namespace vos::serve
