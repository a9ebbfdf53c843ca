// Mixtures of experts: a router chooses k experts for each row; every expert computes the rows that
// chose it; a row's results are added, weighted.
//
//   run_route    logits of the router -> k experts and their weights for each row
//   run_group    … -> a place for each (row, slot), experts one after the other
//   run_gather   rows of activations -> their places
//   run_linear   of all experts at once, over the places (linear.h, LinearCall::experts)
//   run_combine  residual += sum of weight * result
//
// "Slot" is 0 … k - 1, in descending order of logits. A place is a row of the n k rows that experts
// compute: expert e's are expert_first[e] … expert_first[e + 1] - 1, in it the rows ascend. Sizes
// depend on rows_max alone, everything else is read from device memory, so that a recorded step
// serves every number of rows and every choice. Nothing is atomic and no block depends on another
// of its launch. Where a row's results lie depends on the other rows; their bits do not.
#ifndef KERNELS_CUDA_MOE_H_
#define KERNELS_CUDA_MOE_H_

#include "kernels/cuda/device.h"
#include "kernels/cuda/row_count.h"

namespace kernels::cuda {

inline constexpr std::uint32_t kExpertsMax = 256;
inline constexpr std::uint32_t kChosenMax = 16;

struct MoeKernels {
  Kernel route;
  Kernel group;
  Kernel gather;
  Kernel combine;
};
MoeKernels moe_kernels();
MoeKernels emulated_moe_kernels();

// Weights of the chosen; in real numbers the first and the last are the same.
enum class RouteWeights : std::uint8_t {
  kSoftmaxOfChosen,           // gpt-oss: softmax over the k logits
  kSoftmaxOfAll,              // Qwen2-MoE: softmax over all experts (norm_topk_prob is false)
  kSoftmaxOfAllRenormalised,  // Mixtral, Qwen3-MoE (norm_topk_prob is true): … divided by the k's
                              // sum
};

// The k largest logits of a row, of equal ones (+0 and -0 are) that of the lower expert first. With
// p[e] = 2^((logit[e] - largest) log2 e):
//   kSoftmaxOfChosen           p[slot] / (((p[0] + p[1]) + p[2]) + …), slots ascending
//   kSoftmaxOfAll              p[slot] / sum; the sum: 32 lanes, lane l adds experts l, l + 32, …;
//                              lanes are added as a balanced tree
//   kSoftmaxOfAllRenormalised  q[slot] / (((q[0] + q[1]) + q[2]) + …), with q that of kSoftmaxOfAll
// NaN among a row's logits: it counts as the smallest, and all weights of the row are NaN.
struct RouteCall {
  const float* logits = nullptr;  // [n, experts]
  RowCount n;
  std::uint32_t experts = 0;  // 1 … kExpertsMax
  std::uint32_t k = 0;        // 1 … kChosenMax, no more than experts
  RouteWeights weights = RouteWeights::kSoftmaxOfChosen;
  std::uint32_t* chosen = nullptr;  // [n, k], experts
  float* weight = nullptr;          // [n, k]
};
Status run_route(Device& device, const MoeKernels& kernels, const RouteCall& call);

// n k is at most 2^24.
struct GroupCall {
  const std::uint32_t* chosen = nullptr;  // [n, k]
  RowCount n;
  std::uint32_t experts = 0;
  std::uint32_t k = 0;
  std::uint32_t* expert_first = nullptr;  // [experts + 1]; the last: n k
  std::uint32_t* place = nullptr;         // [n, k]
};
Status run_group(Device& device, const MoeKernels& kernels, const GroupCall& call);

// to[place[row, slot], :] = x[row, :], bf16.
struct GatherCall {
  const std::uint16_t* x = nullptr;      // [n, stride], 16-byte aligned
  const std::uint32_t* place = nullptr;  // [n, k]
  RowCount n;
  std::uint32_t k = 0;
  std::uint32_t stride = 0;     // bf16 elements of either's rows, a multiple of 8
  std::uint16_t* to = nullptr;  // [n k, stride], 16-byte aligned
};
Status run_gather(Device& device, const MoeKernels& kernels, const GatherCall& call);

// out[row, c] = out[row, c] + sum, the sum: weight[row, 0] * y[place[row, 0], c], and then slot by
// slot fma(weight, y, sum).
struct CombineCall {
  const float* y = nullptr;  // [n k, stride]
  std::uint32_t stride = 0;
  const std::uint32_t* place = nullptr;  // [n, k]
  const float* weight = nullptr;         // [n, k]
  RowCount n;
  std::uint32_t k = 0;
  std::uint32_t cols = 0;
  float* out = nullptr;  // [n, out_stride]
  std::uint32_t out_stride = 0;
};
Status run_combine(Device& device, const MoeKernels& kernels, const CombineCall& call);

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_MOE_H_
