// Making the input of a linear operation: one row normalised, and quantised where its weights are.
#ifndef KERNELS_CPU_ACTIVATION_ROWS_H_
#define KERNELS_CPU_ACTIVATION_ROWS_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/cpu/vector_math.h"

namespace kernels::cpu {
namespace {

// Below this, a block is taken as zeros: 127 / magnitude would leave the range of a float.
constexpr float kSmallestMagnitude = 1e-30F;

// q = round(x * 127 / largest). A NaN anywhere makes the
// scale NaN, and with it every output of the row.
template <typename L>
KERNELS_INLINE void quantize_block(typename L::F a, typename L::F b, QuantBlock* out) {
  const float largest = L::largest_magnitude(a, b);
  const bool vanishes = largest < kSmallestMagnitude;
  const auto inverse = L::broadcast(vanishes ? 0.0F : 127.0F / largest);
  std::int32_t sums[2];
  L::store_int8(out->q, L::mul(a, inverse), L::mul(b, inverse), sums);
  out->scale = vanishes ? 0.0F : largest / 127.0F;
  out->minus_sum = -(out->scale * static_cast<float>(sums[0] + sums[1]));
  out->start8 = -8 * (sums[0] + sums[1]);
  out->start128 = -128 * (sums[0] + sums[1]);
  out->start32[0] = -32 * sums[0];
  out->start32[1] = -32 * sums[1];
  out->minus_sums[0] = -(out->scale * static_cast<float>(sums[0]));
  out->minus_sums[1] = -(out->scale * static_cast<float>(sums[1]));
}

template <typename L>
struct NormalisedRow {
  const RowJob& job;
  float inverse;

  explicit KERNELS_INLINE NormalisedRow(const RowJob& row)
      : job(row),
        inverse(row.norm.weight == nullptr ? 1.0F : inverse_rms<L>(row.x, row.cols, row.norm.eps)) {
  }

  KERNELS_INLINE typename L::F at(std::size_t k) const {
    const auto x = load_within<L>(job.x, k, job.cols);
    if (job.norm.weight == nullptr) return x;
    return L::mul(L::mul(x, L::broadcast(inverse)), load_within<L>(job.norm.weight, k, job.cols));
  }
};

template <typename L>
void prepare_row(const RowJob& job) {
  const NormalisedRow<L> row(job);
  if (job.quant != nullptr) {
    for (std::size_t b = 0; b < job.cols / kBlock; ++b) {
      __builtin_prefetch(job.x + (b + 16) * kBlock);  // often another core wrote it
      __builtin_prefetch(job.x + (b + 16) * kBlock + kLanes);
      quantize_block<L>(row.at(b * kBlock), row.at(b * kBlock + kLanes),
                        &job.quant[b * job.stride]);
    }
  }
  if (job.floats != nullptr) {
    for (std::size_t k = 0; k < job.cols; k += kLanes) {
      float values[kLanes];
      L::store(values, row.at(k));
      const std::size_t count = job.cols - k < kLanes ? job.cols - k : kLanes;
      for (std::size_t i = 0; i < count; ++i) job.floats[(k + i) * job.stride] = values[i];
    }
  }
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_ACTIVATION_ROWS_H_
