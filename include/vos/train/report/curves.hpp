#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <vos/train/report/chart.hpp>
#include <vos/train/report/run_record.hpp>

namespace vos::detail {

/// How many stretches a curve is thinned to: twice what a chart has pixels would tell no more.
inline constexpr std::size_t curve_points = 400, small_curve_points = 200;

/// A part of the loss belongs to the part that it is named after: those of earlier layers are called loss_mask_0, loss_mask_1.
inline std::string family_of(const std::string& loss) {
  const auto last = loss.find_last_not_of("0123456789");
  return last != std::string::npos && last + 1 < loss.size() && last > 0 && loss[last] == '_' ? loss.substr(0, last)
                                                                                              : loss;
}

/// Groups of parameters whose learning rates are the same all along as one curve.
inline std::vector<std::pair<std::string, const std::vector<double>*>> distinct_rates(const StepColumns& steps) {
  std::vector<std::pair<std::string, const std::vector<double>*>> curves;
  for (const auto& [name, values] : steps.lr) {
    bool known = false;
    for (auto& [names, column] : curves)
      if (*column == values) names += "; " + name, known = true;
    if (!known) curves.emplace_back(name, &values);
  }
  if (curves.size() == 1) curves[0].first = "all groups";
  return curves;
}

/// Steps and values of a figure over the validations of a run.
inline Thinned metric_curve(const RunRecord& run, const std::string& metric) {
  std::vector<double> steps, values;
  for (const auto& each : run.validations)
    if (const auto found = each.metrics.find(metric); found != each.metrics.end())
      steps.push_back(static_cast<double>(each.step)), values.push_back(found->second);
  return thinned(steps, values, curve_points);
}

/// Whether a figure is a share, so that it fits a chart with others of its kind.
inline bool is_share(const RunRecord& run, const std::string& metric) {
  bool share = metric.find("IDSW") == std::string::npos;
  for (const auto& each : run.validations)
    if (const auto found = each.metrics.find(metric); found != each.metrics.end() && std::abs(found->second) > 1)
      share = false;
  return share;
}

/// The share of each step's time that went into waiting for data, in per cent.
inline std::vector<double> waiting_shares(const StepColumns& steps) {
  std::vector<double> shares;
  for (std::size_t i = 0; i < steps.size(); ++i) shares.push_back(100 * steps.waited[i] / steps.seconds[i]);
  return shares;
}

}  // namespace vos::detail
