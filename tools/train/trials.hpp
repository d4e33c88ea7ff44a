#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/train/rate_sweep.hpp>
#include <vos/train/sketch.hpp>
#include <vos/train/training.hpp>

#include "options.hpp"

namespace vos::train {

/// What a dry run leaves in the folder of the run that is to come.
inline constexpr const char* dry_picture = "first_batch.png";

/// What would be trained: shapes, parts, memory; and a picture of the first batch, whose name is printed. `facts` are what
/// JSON begins with.
void dry_run(std::ostream& out, const Options& options, Training& training, nlohmann::ordered_json facts);

/// How the loss goes while the learning rate rises, and the rate to take.
void find_rate(std::ostream& out, std::ostream& err, const Options& options, Training& training, std::stop_token stop);

/// Clips a second and memory by the size of a batch, until one does not fit.
void find_batch(std::ostream& out, const Options& options, Training& training, std::stop_token stop);

/// The loss over the rate, on a logarithmic axis, as letters.
std::string plot(const std::vector<RatePoint>& points, std::size_t columns = 64, std::size_t rows = 12);

/// What there is to tell of a batch that would be twice as large as the last one: bytes, by the two largest that were tried.
std::int64_t guessed_bytes(const std::vector<StepCost>& costs);

}  // namespace vos::train
