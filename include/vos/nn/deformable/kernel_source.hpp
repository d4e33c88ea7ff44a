#pragma once

#include <string_view>

namespace vos {

/// deformable_sampling on a GPU. What is known before the launch is a definition, so that divisions become shifts and loops
/// over points unroll:
///
///   VALUE     type of values and result: float, double, float16, bfloat16
///   REAL      type that is computed with, and of locations, weights and all gradients: float or double
///   HEADS, CHANNELS (of a head), LEVELS, POINTS
///   JOB_BYTES size of the job as the host knows it
///   PACK      makes it the forward kernel: channels that a thread reads at once
///   LANES     makes it the backward kernel: threads that share the channels of a head
inline constexpr std::string_view deformable_source = R"cuda(
struct Level { Index first; int height, width; };  // first: its first token

struct Job {
  const void* values;        // VALUE [N,S,M,D]
  const void* locations;     // REAL [N,Q,M,L,P,2]
  const void* weights;       // REAL [N,Q,M,L,P]
  void* output;              // VALUE [N,Q,M,D]
  const void* grad_output;   // REAL [N,Q,M,D]
  void* grad_values;         // REAL [N,S,M,D], zeros at first
  void* grad_locations;      // REAL, as locations
  void* grad_weights;        // REAL, as weights
  Index batch, tokens, queries;
  Level levels[LEVELS];
};
static_assert(sizeof(Job) == JOB_BYTES, "host and kernel disagree on the job");

// A point on a level (& rather than &&, which branches): the four pixels around it, those outside being absent, and how far along it lies between them.
struct Point {
  bool inside[2][2];  // [y][x]; none, where the point is off the map or not a number
  Index token[2][2];
  REAL x, y;

  __device__ Point(const Level& level, REAL u, REAL v) {
    const REAL at_x = u * level.width - (REAL)0.5, at_y = v * level.height - (REAL)0.5;
    const bool near = (at_x > -1) & (at_y > -1) & (at_x < level.width) & (at_y < level.height);
    const int left = near ? (int)floor(at_x) : 0, top = near ? (int)floor(at_y) : 0;
    x = near ? at_x - left : 0;
    y = near ? at_y - top : 0;
    for (int j = 0; j < 2; ++j)
      for (int i = 0; i < 2; ++i) {
        inside[j][i] = near & (top + j >= 0) & (top + j < level.height) & (left + i >= 0) & (left + i < level.width);
        token[j][i] = level.first + (Index)(top + j) * level.width + (left + i);
      }
  }

  __device__ REAL share(int j, int i) const { return (j ? y : 1 - y) * (i ? x : 1 - x); }
};

#ifdef PACK
// A thread for each PACK channels of each query and head.
extern "C" __global__ void __launch_bounds__(256) deformable_forward(const Job job) {
  const int packs = CHANNELS / PACK;
  const Index thread = (Index)blockIdx.x * blockDim.x + threadIdx.x;
  const Index place = thread / packs;  // query and head
  if (place >= job.queries * HEADS) return;
  const int head = (int)(place % HEADS), channel = (int)(thread % packs) * PACK;
  for (Index n = blockIdx.y; n < job.batch; n += gridDim.y) {
    const Index row = n * job.queries * HEADS + place;
    const REAL* locations = (const REAL*)job.locations + row * (LEVELS * POINTS * 2);
    const REAL* weights = (const REAL*)job.weights + row * (LEVELS * POINTS);
    const VALUE* values = (const VALUE*)job.values + (n * job.tokens * HEADS + head) * CHANNELS + channel;
    REAL sum[PACK] = {};
#pragma unroll 1
    for (int l = 0; l < LEVELS; ++l) {
#pragma unroll
      for (int p = 0; p < POINTS; ++p) {
        const int k = l * POINTS + p;
        const Point point(job.levels[l], locations[2 * k], locations[2 * k + 1]);
        Pack<VALUE, PACK> pixel[2][2] = {};  // all are asked for before one is waited for
        for (int j = 0; j < 2; ++j)
          for (int i = 0; i < 2; ++i)
            if (point.inside[j][i])
              pixel[j][i] = *(const Pack<VALUE, PACK>*)(values + point.token[j][i] * (HEADS * CHANNELS));
        for (int j = 0; j < 2; ++j)
          for (int i = 0; i < 2; ++i) {
            const REAL share = weights[k] * point.share(j, i);
            for (int c = 0; c < PACK; ++c) sum[c] += share * (REAL)pixel[j][i].at[c];
          }
      }
    }
    Pack<VALUE, PACK> result;
    for (int c = 0; c < PACK; ++c) result.at[c] = sum[c];
    *(Pack<VALUE, PACK>*)((VALUE*)job.output + row * CHANNELS + channel) = result;
  }
}

#endif
#ifdef LANES
// LANES threads for each query and head: neighbours take neighbouring channels, so that what they add to the gradient of the
// values is one access, and together they sum over the channels for the gradients of locations and weights.
extern "C" __global__ void __launch_bounds__(256) deformable_backward(const Job job) {
  const int steps = (CHANNELS + LANES - 1) / LANES;
  const Index thread = (Index)blockIdx.x * blockDim.x + threadIdx.x;
  const Index place = thread / LANES;  // query and head; a group goes or stays as a whole
  if (place >= job.queries * HEADS) return;
  const int head = (int)(place % HEADS), lane = (int)(thread % LANES);
  for (Index n = blockIdx.y; n < job.batch; n += gridDim.y) {
    const Index row = n * job.queries * HEADS + place;
    const Index first = (n * job.tokens * HEADS + head) * CHANNELS;
    const REAL* locations = (const REAL*)job.locations + row * (LEVELS * POINTS * 2);
    const REAL* weights = (const REAL*)job.weights + row * (LEVELS * POINTS);
    REAL* grad_locations = (REAL*)job.grad_locations + row * (LEVELS * POINTS * 2);
    REAL* grad_weights = (REAL*)job.grad_weights + row * (LEVELS * POINTS);
    REAL grad[steps];
    for (int s = 0; s < steps; ++s) {
      const int c = s * LANES + lane;
      grad[s] = c < CHANNELS ? ((const REAL*)job.grad_output)[row * CHANNELS + c] : (REAL)0;
    }
#pragma unroll 1
    for (int k = 0; k < LEVELS * POINTS; ++k) {
      const Level level = job.levels[k / POINTS];
      const Point point(level, locations[2 * k], locations[2 * k + 1]);
      const REAL weight = weights[k];
      REAL by_x = 0, by_y = 0, by_weight = 0;
      for (int s = 0; s < steps; ++s) {
        const int c = s * LANES + lane;
        if (c >= CHANNELS) break;
        REAL pixel[2][2] = {};
        for (int j = 0; j < 2; ++j)
          for (int i = 0; i < 2; ++i)
            if (point.inside[j][i])
              pixel[j][i] = ((const VALUE*)job.values)[first + point.token[j][i] * (HEADS * CHANNELS) + c];
        for (int j = 0; j < 2; ++j)
          for (int i = 0; i < 2; ++i) {
            const REAL share = point.share(j, i), product = grad[s] * pixel[j][i];
            by_weight += share * product;
            by_x += (i ? 1 : -1) * (j ? point.y : 1 - point.y) * product;
            by_y += (j ? 1 : -1) * (i ? point.x : 1 - point.x) * product;
            if (point.inside[j][i])
              atomicAdd((REAL*)job.grad_values + first + point.token[j][i] * (HEADS * CHANNELS) + c, grad[s] * weight * share);
          }
      }
      by_weight = group_sum<LANES>(by_weight);
      by_x = group_sum<LANES>(by_x);
      by_y = group_sum<LANES>(by_y);
      if (lane == 0) {
        grad_weights[k] = by_weight;
        grad_locations[2 * k] = by_x * weight * level.width;
        grad_locations[2 * k + 1] = by_y * weight * level.height;
      }
    }
  }
}
#endif
)cuda";

}  // namespace vos
