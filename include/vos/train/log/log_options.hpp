#pragma once

#include <cstdint>
#include <string>

namespace vos {

/// Servers that follow a run, besides the files in its folder.
struct LogOptions {
  std::string mlflow = {};
  bool clearml = false;
  std::string visdom = {};
  std::string project = "vos", name = {};
  std::int64_t every = 10;

  void visit(auto&& field) {
    field("mlflow", mlflow, "tracking URI of an MLflow server; env: what MLFLOW_TRACKING_URI says; empty: none");
    field("clearml", clearml, "follow the run on ClearML, found by CLEARML_API_HOST or ~/clearml.conf");
    field("visdom", visdom, "address of a Visdom server, like http://localhost:8097; empty: none");
    field("project", project, "MLflow's experiment, ClearML's project");
    field("name", name, "of the run on these servers; empty: the folder's");
    field("every", every, "of the steps, the first and each so many are sent; the files have all");
  }
};

}  // namespace vos
