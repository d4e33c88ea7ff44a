#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include <vos/criterion/criterion.hpp>
#include <vos/segment/work.hpp>
#include <vos/train/metrics.hpp>

namespace torch::nn {
class Module;
}  // namespace torch::nn

namespace vos {

/// What the trainer trains. Its batches, its loss and its validation belong to the task; optimisation, precision,
/// devices, checkpoints and logging to the loop, which knows nothing else.
///
///   Batch                     on the host
///   module()                  whose parameters learn
///   steps_per_epoch()         batches; fixed
///   batches(first)            gives, by `next()`, batch `first` and those after it, epoch after epoch without end. Each
///                             is a function of its number and the seed: a resumed run sees the same data
///   loss(batch)               forward and loss, on the model's device; differentiable. LibTorch's generators are seeded
///                             anew before each call
///   validate(work)            figures, `main_metric()` among them; higher is better
///
/// Where a task remembers something beyond the module, `state()` gives it and `restore(state)` takes it back (NamedState). Where
/// files of the module should say what they are, `metadata()` gives it. `save(batch, path)` keeps a batch
/// that broke the run; where memory ends, `describe(batch)` and `memory_advice()` tell which batch was too large, and what makes
/// one smaller. Where a validation has clips to show, `gallery()` gives those of the last (ClipGallery).
///
/// Where several processes train together (Group), `batches` gives this process's part, of the same size in each, and the mean of
/// the processes' losses is meant to be that of the whole: what losses are divided by has to be shared, as ClipCriterion's
/// `average_over_ranks` does. `loss` is called equally often by all of them, and so are `validate`'s exchanges, if it has any.
///
/// Consumer: Trainer.
template <class T>
concept Task =
    requires(T& task, const T& fixed, const typename T::Batch& batch, std::int64_t number, const Work& work) {
      { task.module() } -> std::convertible_to<torch::nn::Module&>;
      { fixed.steps_per_epoch() } -> std::same_as<std::int64_t>;
      { fixed.batches(number).next() } -> std::same_as<typename T::Batch>;
      { task.loss(batch) } -> std::same_as<Losses>;
      { task.validate(work) } -> std::same_as<Metrics>;
      { fixed.main_metric() } -> std::same_as<std::string>;
    };

}  // namespace vos
