// 2,048 sums of 64 bits in a block's shared memory, and the search for the one in which a running
// sum reaches a target.
//
// Integers: threads add in any order. A sum is two words, since atomics have 32 bits here; whoever
// overflows the lower one carries.
#ifndef KERNELS_CUDA_SAMPLE_BINS_H_
#define KERNELS_CUDA_SAMPLE_BINS_H_

#include "kernels/cuda/portable/portable.h"
#include "kernels/cuda/sample.h"

namespace kernels::cuda {
#ifdef __CUDACC__
inline namespace for_gpus {
#else
inline namespace for_emulator {
#endif

inline constexpr std::uint32_t kBins = 2048;
inline constexpr std::uint32_t kBinsOfLane = kBins / 32;

struct Bins {
  std::uint32_t low[kBins];
  std::uint32_t high[kBins];
  // What the first warp found for all.
  std::uint64_t total;
  std::uint64_t rest;
  std::uint32_t found;
};

KERNELS_DEVICE std::uint64_t bin_sum(const Bins& bins, std::uint32_t bin) {
  return bins.low[bin] | (std::uint64_t{bins.high[bin]} << 32);
}

// One thread's; nobody else writes this bin meanwhile.
KERNELS_DEVICE void set_bin(Bins& bins, std::uint32_t bin, std::uint64_t sum) {
  bins.low[bin] = static_cast<std::uint32_t>(sum);
  bins.high[bin] = static_cast<std::uint32_t>(sum >> 32);
}

KERNELS_DEVICE void add_to_bin(Bins& bins, std::uint32_t bin, std::uint64_t value) {
  const auto low = static_cast<std::uint32_t>(value);
  const std::uint32_t former = atomic_add(&bins.low[bin], low);
  const std::uint32_t carry = former + low < low ? 1 : 0;
  const std::uint32_t high = static_cast<std::uint32_t>(value >> 32) + carry;
  if (high != 0) (void)atomic_add(&bins.high[bin], high);
}

// By all threads; they are in step afterwards.
KERNELS_DEVICE void clear_bins(Bins& bins) {
  sync_block();  // what was in them has been read
  for (std::uint32_t bin = thread(); bin < kBins; bin += kSampleThreads) set_bin(bins, bin, 0);
  sync_block();
}

KERNELS_DEVICE std::uint64_t shuffle_wide(std::uint64_t value, unsigned source_lane) {
  const std::uint32_t low = shuffle(static_cast<std::uint32_t>(value), source_lane);
  const std::uint32_t high = shuffle(static_cast<std::uint32_t>(value >> 32), source_lane);
  return low | (std::uint64_t{high} << 32);
}

KERNELS_DEVICE std::uint64_t sum_of_warp(std::uint64_t value) {
  KERNELS_UNROLL
  for (unsigned mask = 1; mask < 32; mask *= 2) value += shuffle_wide(value, lane() ^ mask);
  return value;
}

// The sum of the values of this lane and those before it.
KERNELS_DEVICE std::uint64_t running_sum(std::uint64_t value) {
  KERNELS_UNROLL
  for (unsigned distance = 1; distance < 32; distance *= 2) {
    const bool reaches = lane() >= distance;
    const std::uint64_t before = shuffle_wide(value, reaches ? lane() - distance : lane());
    if (reaches) value += before;
  }
  return value;
}

// One lane's 64 bins. Lanes start at different places, so that they read from different banks.
KERNELS_DEVICE std::uint64_t sum_bins_of_lane(const Bins& bins) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < kBinsOfLane; ++i)
    sum += bin_sum(bins, lane() * kBinsOfLane + (i + lane()) % kBinsOfLane);
  return sum;
}

// By all threads: the sum of all bins.
KERNELS_DEVICE std::uint64_t sum_bins(Bins& bins) {
  sync_block();
  if (warp() == 0) {
    const std::uint64_t sum = sum_of_warp(sum_bins_of_lane(bins));
    if (lane() == 0) bins.total = sum;
  }
  sync_block();
  return bins.total;
}

struct FoundBin {
  std::uint32_t bin;
  std::uint64_t rest;  // what the bin has to give: 1 … its sum
};

// By all threads: the first bin at which the sum of the bins up to it reaches `target` >= 1; the
// last, where none does.
KERNELS_DEVICE FoundBin find_bin(Bins& bins, std::uint64_t target) {
  sync_block();
  if (warp() == 0) {
    const std::uint64_t own = sum_bins_of_lane(bins);
    const std::uint64_t sum = running_sum(own);
    const std::uint64_t before = sum - own;
    if (before < target && target <= sum) {
      std::uint64_t rest = target - before;
      std::uint32_t bin = lane() * kBinsOfLane;
      while (bin_sum(bins, bin) < rest) rest -= bin_sum(bins, bin++);
      bins.found = bin;
      bins.rest = rest;
    }
    if (lane() == 31 && target > sum) {
      bins.found = kBins - 1;
      bins.rest = target - (sum - bin_sum(bins, kBins - 1));
    }
  }
  sync_block();
  return {bins.found, bins.rest};
}

}  // inline namespace
}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_SAMPLE_BINS_H_
