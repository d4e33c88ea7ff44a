#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <string>

#include <vos/criterion/criterion.hpp>
#include <vos/segment/work.hpp>

namespace vos {

/// Figures by name, of a validation; "J&F" and the like.
using Metrics = std::map<std::string, double>;

/// What the trainer trains. Its batches, its loss and its validation belong to the task; optimisation, precision,
/// devices, checkpoints and logging to the loop, which knows nothing else.
///
///   Batch                     copyable; on the host
///   steps_per_epoch()         fixed
///   batch(epoch, step)        a function of its arguments and the seed: a resumed run sees the same data; any thread
///   loss(batch)               forward and loss, on the model's device; differentiable
///   validate(work)            figures, `main_metric()` among them; higher is better
///
/// Consumer: the training loop.
template <class T>
concept Task =
    requires(T& task, const T& fixed, const typename T::Batch& batch, std::int64_t number, const Work& work) {
      { fixed.steps_per_epoch() } -> std::same_as<std::int64_t>;
      { fixed.batch(number, number) } -> std::same_as<typename T::Batch>;
      { task.loss(batch) } -> std::same_as<Losses>;
      { task.validate(work) } -> std::same_as<Metrics>;
      { fixed.main_metric() } -> std::same_as<std::string>;
    };

}  // namespace vos
