// Working memory of the operations, planned from Limits and laid out once at creation.
#ifndef KERNELS_CPU_SCRATCH_H_
#define KERNELS_CPU_SCRATCH_H_

#include <atomic>
#include <memory>
#include <vector>

#include "kernels/cpu/arena.h"
#include "kernels/cpu/kernel_set.h"
#include "kernels/ops.h"

namespace kernels::cpu {

// Pieces a row of logits is summed in, whatever its length.
constexpr std::size_t kLogitChunks = 64;

struct Scratch {
  // False when memory is refused.
  bool plan(const Limits& limits, std::size_t threads, Arena* arena);

  std::size_t bytes = 0;  // of all that follows

  QuantBlock* quant = nullptr;   // [rows_max, cols_max / kBlock], as Activations tells
  float* floats = nullptr;       // [rows_max, cols_max]
  float* logit_parts = nullptr;  // [rows_max, kLogitChunks, 2]: max and sum

  // Attention: a task has up to task_queries queries, or split_queries where splits are spread over
  // threads, each result partial_floats long.
  std::size_t task_queries = 0;
  std::size_t split_queries = 0;
  std::size_t partial_floats = 0;
  std::size_t splits_max = 0;
  std::size_t split_tasks_max = 0;        // tasks whose splits may be spread over threads
  AttentionScratch* attention = nullptr;  // [threads]
  float* states = nullptr;                // [threads, 2, task_queries, partial_floats]
  float* split_partials = nullptr;  // [split_tasks_max, splits_max, split_queries, partial_floats]
  AttentionTile* tiles = nullptr;   // [rows_max]
  std::atomic<std::uint32_t>* splits_left = nullptr;  // [split_tasks_max]

 private:
  std::vector<Arena::Piece> pieces_;
};

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_SCRATCH_H_
