#include "kernels/cuda/kernel_list.h"

#include <type_traits>

namespace kernels::cuda {
namespace {

// A kernel, or an array of them of any number of dimensions.
template <typename T>
void add(const T& kernels, std::vector<const Kernel*>& out) {
  if constexpr (std::is_array_v<T>) {
    for (const auto& part : kernels) add(part, out);
  } else if (kernels.function != nullptr || kernels.run != nullptr) {
    out.push_back(&kernels);
  }
}

}  // namespace

std::vector<const Kernel*> list_kernels(const KernelSet& set) {
  std::vector<const Kernel*> kernels;
  add(set.linear.kernels, kernels);
  add(set.linear.gated, kernels);
  add(set.rows.embed, kernels);
  add(set.rows.norm, kernels);
  add(set.rows.pad, kernels);
  add(set.rows.gate, kernels);
  add(set.rows.add_segments, kernels);
  add(set.rows.join, kernels);
  add(set.rows.logit_stats, kernels);
  add(set.attention.rope_store, kernels);
  add(set.attention.decode, kernels);
  add(set.attention.prefill, kernels);
  add(set.attention.copy_block, kernels);
  add(set.sample.sample, kernels);
  add(set.moe.route, kernels);
  add(set.moe.group, kernels);
  add(set.moe.gather, kernels);
  add(set.moe.combine, kernels);
  return kernels;
}

}  // namespace kernels::cuda
