#pragma once

#include <map>
#include <string>

#include <vos/train/run_log.hpp>

namespace vos {

/// What a run's figures are called wherever curves are drawn: GROUP/NAME, or a name alone.
inline std::map<std::string, double> curves_of(const StepReport& report) {
  std::map<std::string, double> curves{{"loss", report.loss},
                                       {"gradient_norm", report.gradient_norm},
                                       {"speed/seconds a step", report.seconds},
                                       {"speed/seconds waiting for data", report.waited}};
  for (const auto& [name, value] : report.losses) curves["loss/" + name] = value;
  for (const auto& [name, value] : report.lr) curves["lr/" + name] = value;
  return curves;
}

inline std::map<std::string, double> curves_of(const ValidationReport& report) {
  std::map<std::string, double> curves;
  for (const auto& [name, value] : report.metrics) curves["validation/" + name] = value;
  return curves;
}

}  // namespace vos
