// The kernels of moe.h. Included by moe.cu and emulated/moe.cc alone.
#ifndef KERNELS_CUDA_MOE_KERNEL_H_
#define KERNELS_CUDA_MOE_KERNEL_H_

#include <bit>
#include <limits>

#include "kernels/cuda/kernel_of.h"
#include "kernels/cuda/moe_arguments.h"
#include "kernels/cuda/portable/portable.h"

namespace kernels::cuda {
// Which of the two compilations this is, so that a program may hold both.
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

KERNELS_DEVICE std::uint32_t row_number(const RowCount& n) {
  return n.rows == nullptr ? n.rows_max : *n.rows;
}

// ---- route: a warp to a row

inline constexpr std::uint32_t kLaneExperts =
    kExpertsMax / 32;  // expert 32 i + lane is lane's i-th

// An integer that ascends as logits do: 1 … 2^32 - 1. Both zeros are one, NaN is the least.
KERNELS_DEVICE std::uint32_t logit_order(float logit) {
  if (logit != logit) return 1;
  const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0F);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

struct Candidate {
  std::uint32_t order = 0;  // 0: none, or taken
  std::uint32_t expert = 0;
};
// Of two with the same logit the lower expert.
KERNELS_DEVICE Candidate better(const Candidate& a, const Candidate& b) {
  const bool first = a.order > b.order || (a.order == b.order && a.expert < b.expert);
  return first ? a : b;
}

KERNELS_DEVICE Candidate best_of_warp(const std::uint32_t (&order)[kLaneExperts]) {
  Candidate best = {order[0], lane()};
  KERNELS_UNROLL
  for (std::uint32_t i = 1; i < kLaneExperts; ++i)
    best = better(best, Candidate{order[i], i * 32 + lane()});
  KERNELS_UNROLL
  for (unsigned mask = 1; mask < 32; mask *= 2) {
    const Candidate other = {shuffle_xor(best.order, mask), shuffle_xor(best.expert, mask)};
    best = better(best, other);
  }
  return best;
}

KERNELS_DEVICE float add_warp(float value) {
  KERNELS_UNROLL
  for (unsigned mask = 1; mask < 32; mask *= 2) value = value + shuffle_xor(value, mask);
  return value;
}

// Lane `slot` has slot's value; all lanes get ((v[0] + v[1]) + v[2]) + ….
KERNELS_DEVICE float add_slots(float value, std::uint32_t k) {
  float sum = shuffle(value, 0);
  for (std::uint32_t slot = 1; slot < k; ++slot) sum = sum + shuffle(value, slot);
  return sum;
}

KERNELS_DEVICE float share(float logit, float largest) {
  return exp2_fast((logit - largest) * 1.44269504F);
}

KERNELS_GLOBAL void KERNELS_BOUNDS(128, 4) route_row(RouteCall a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x() * kRoutedRows + warp();
  if (row >= row_number(a.n)) return;  // the whole warp does
  const float* const logits = a.logits + std::size_t{row} * a.experts;
  float logit[kLaneExperts];
  std::uint32_t order[kLaneExperts];
  float nans = 0;  // zero, or NaN where a logit is
  KERNELS_UNROLL
  for (std::uint32_t i = 0; i < kLaneExperts; ++i) {
    const std::uint32_t expert = i * 32 + lane();
    const bool there = expert < a.experts;
    logit[i] = there ? logits[expert] : -std::numeric_limits<float>::infinity();
    order[i] = there ? logit_order(logit[i]) : 0;
    if (logit[i] != logit[i]) nans = logit[i];
  }
  nans = add_warp(nans);

  std::uint32_t mine = 0;  // lane `slot`: the expert
  float largest = 0;
  for (std::uint32_t slot = 0; slot < a.k; ++slot) {
    const Candidate best = best_of_warp(order);
    if (lane() == slot) mine = best.expert;
    if (slot == 0) largest = logits[best.expert] + nans;
    KERNELS_UNROLL
    for (std::uint32_t i = 0; i < kLaneExperts; ++i)
      if (best.expert == i * 32 + lane()) order[i] = 0;
  }

  float weight = lane() < a.k ? share(logits[mine], largest) : 0.0F;
  if (a.weights != RouteWeights::kSoftmaxOfChosen) {
    float sum = share(logit[0], largest);
    KERNELS_UNROLL
    for (std::uint32_t i = 1; i < kLaneExperts; ++i) sum = sum + share(logit[i], largest);
    weight = divide_rn(weight, add_warp(sum));
  }
  if (a.weights != RouteWeights::kSoftmaxOfAll) weight = divide_rn(weight, add_slots(weight, a.k));
  if (lane() >= a.k) return;
  a.chosen[std::size_t{row} * a.k + lane()] = mine;
  a.weight[std::size_t{row} * a.k + lane()] = weight;
}

// ---- group: a block to an expert

// Counts of two kinds, in one word each of shared memory.
struct Counts {
  std::uint32_t before;  // of lower experts
  std::uint32_t equal;   // of this one
};

// To every thread the sums over the threads before it; `all`: over all threads. Hillis and Steele
// 1986.
KERNELS_DEVICE Counts counts_before(const Counts& mine, Counts* shared, Counts& all) {
  Counts sum = mine;
  shared[thread()] = sum;
  sync_block();
  for (std::uint32_t distance = 1; distance < kGroupThreads; distance *= 2) {
    if (thread() >= distance) {
      sum.before += shared[thread() - distance].before;
      sum.equal += shared[thread() - distance].equal;
    }
    sync_block();
    shared[thread()] = sum;
    sync_block();
  }
  all = shared[kGroupThreads - 1];
  return {sum.before - mine.before, sum.equal - mine.equal};
}

// A thread looks at a run of neighbouring entries, so that places ascend with rows.
KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) group_rows(GroupCall a) {
  KERNELS_SHARED(shared);
  wait_for_former();
  allow_next();
  const std::uint32_t expert = block_x();
  const std::uint32_t entries = row_number(a.n) * a.k;
  const std::uint32_t run = (entries + kGroupThreads - 1) / kGroupThreads;
  const std::uint32_t first = thread() * run < entries ? thread() * run : entries;
  const std::uint32_t last = run < entries - first ? first + run : entries;
  Counts mine = {0, 0};
  for (std::uint32_t i = first; i < last; ++i) {
    const std::uint32_t chosen = a.chosen[i];
    mine.before += chosen < expert ? 1 : 0;
    mine.equal += chosen == expert ? 1 : 0;
  }
  Counts all = {0, 0};
  const Counts former = counts_before(mine, reinterpret_cast<Counts*>(shared), all);
  std::uint32_t place = all.before + former.equal;
  for (std::uint32_t i = first; i < last; ++i)
    if (a.chosen[i] == expert) a.place[i] = place++;
  if (thread() != 0) return;
  a.expert_first[expert] = all.before;
  if (expert + 1 == a.experts) a.expert_first[a.experts] = all.before + all.equal;
}

// ---- gather: a block to a row and a slot

struct alignas(16) SixteenBytes {
  std::uint32_t at[4];
};

KERNELS_GLOBAL void KERNELS_BOUNDS(128, 4) gather_row(GatherCall a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  if (row >= row_number(a.n)) return;
  const std::uint32_t place = a.place[std::size_t{row} * a.k + block_y()];
  const auto* const from = reinterpret_cast<const SixteenBytes*>(a.x + std::size_t{row} * a.stride);
  auto* const to = reinterpret_cast<SixteenBytes*>(a.to + std::size_t{place} * a.stride);
  for (std::uint32_t i = thread(); i < a.stride / 8; i += kGatherThreads) to[i] = from[i];
}

// ---- combine: a thread to a column of a row

KERNELS_GLOBAL void KERNELS_BOUNDS(256, 4) combine_row(CombineCall a) {
  wait_for_former();
  allow_next();
  const std::uint32_t row = block_x();
  const std::uint32_t col = block_y() * kCombineThreads + thread();
  if (row >= row_number(a.n) || col >= a.cols) return;
  const std::uint32_t* const place = a.place + std::size_t{row} * a.k;
  const float* const weight = a.weight + std::size_t{row} * a.k;
  float sum = weight[0] * a.y[std::size_t{place[0]} * a.stride + col];
  for (std::uint32_t slot = 1; slot < a.k; ++slot)
    sum = fma(weight[slot], a.y[std::size_t{place[slot]} * a.stride + col], sum);
  float* const out = a.out + std::size_t{row} * a.out_stride + col;
  *out = *out + sum;
}

inline MoeKernels list_moe_kernels() {
  MoeKernels kernels;
  kernels.route = kernel_of<RouteCall, route_row>("moe_route_row", 0);
  kernels.group =
      kernel_of<GroupCall, group_rows>("moe_group_rows", kGroupThreads * sizeof(Counts));
  kernels.gather = kernel_of<GatherCall, gather_row>("moe_gather_row", 0);
  kernels.combine = kernel_of<CombineCall, combine_row>("moe_combine_row", 0);
  return kernels;
}

}  // inline namespace
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_MOE_KERNEL_H_
