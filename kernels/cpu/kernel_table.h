// The table of one ISA, filled from its lanes type.
#ifndef KERNELS_CPU_KERNEL_TABLE_H_
#define KERNELS_CPU_KERNEL_TABLE_H_

#include "kernels/cpu/activation_rows.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/rope_row.h"

namespace kernels::cpu {
namespace {

template <typename L>
void logit_chunk(const float* x, std::size_t count, float* max_out, float* sum_out) {
  const auto minus_infinity = L::broadcast(-__builtin_inff());
  auto largest = minus_infinity;
  for (std::size_t at = 0; at < count; at += kLanes) {
    const std::size_t lanes = count - at < kLanes ? count - at : kLanes;
    const auto v =
        L::keep_range(load_within<L>(x, at, count), 0, static_cast<int>(lanes), minus_infinity);
    largest = L::max(largest, v);
  }
  const float max = max_lanes<L>(largest);
  auto sum = L::zero();
  for (std::size_t at = 0; at < count; at += kLanes) {
    const std::size_t lanes = count - at < kLanes ? count - at : kLanes;
    const auto weight = exp<L>(L::sub(load_within<L>(x, at, count), L::broadcast(max)));
    sum = L::add(sum, L::keep_range(weight, 0, static_cast<int>(lanes), L::zero()));
  }
  *max_out = max;
  *sum_out = sum_lanes<L>(sum);
}

template <typename L>
constexpr KernelSet kTable = {
    L::kName,        prepare_row<L>,    linear<L>,          rope_store<L>,  pack_queries<L>,
    attend_split<L>, merge_partials<L>, write_attention<L>, logit_chunk<L>,
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_KERNEL_TABLE_H_
