// Sequences, and their attention on the emulated device and by the reference backend.
#ifndef TESTS_KERNELS_CUDA_ATTENTION_RUNNER_H_
#define TESTS_KERNELS_CUDA_ATTENTION_RUNNER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/attention.h"
#include "kernels/cuda/emulated/emulated_device.h"

namespace kernels_cuda_test {

using kernels::KvFormat;
using kernels::RopePairs;

struct HeadShape {
  std::uint32_t q_heads = 1;
  std::uint32_t kv_heads = 1;
  std::uint32_t head_dim = 64;
  std::uint32_t block_tokens = 16;
  std::int32_t window = 0;
  KvFormat format = KvFormat::kF16;
  RopePairs pairs = RopePairs::kHalves;
  bool head_norms = false;
  std::uint32_t rope_dims = 0;  // 0: all
  float softcap = 0;
  bool sinks = false;

  std::uint32_t q_cols() const { return q_heads * head_dim; }
  std::uint32_t kv_cols() const { return kv_heads * head_dim; }
};
std::string describe(const HeadShape& shape);

// Queries, keys and values of a whole sequence (in [-2, 2), values in [-1, 1)), and its angles.
struct Sequence {
  Sequence(const HeadShape& made_for, std::uint32_t length, std::uint64_t seed);

  HeadShape shape;
  std::uint32_t tokens;
  std::uint32_t rope_dims;
  std::vector<float> q, k, v, cos_sin;
  std::vector<float> q_norm, k_norm;  // weights, the same for every sequence of a shape
  std::vector<float> sinks;           // [q_heads]
};

// A sequence (of an even length) whose last rows are nearly nothing but rounding: the second half
// has the first half's keys with the opposite values, and nothing is turned. Outputs have 8 bits;
// here, they show the order in which 24-bit sums were made.
Sequence make_delicate(const HeadShape& shape, std::uint32_t length, std::uint64_t seed);

// What attention over the whole sequence should be, [tokens, q_cols]: by the reference backend;
// with a softcap or sinks, by the formulas in double, over keys as they are (turned by the
// reference backend).
std::vector<float> expected_attention(const Sequence& sequence);

struct RunnerOptions {
  std::uint64_t order_seed = 0;  // of the emulator
  std::uint32_t slots = 64;      // splits the workspace has room for; 0: no workspace
  std::uint64_t table_seed = 0;  // which blocks the sequences own
  bool stale_nans = false;       // every byte of the cache is 0xff before anything is stored
  std::uint32_t rows_more = 0;   // the grid is made for so many rows more than there are
};

// Sequences in one cache on one emulated device.
class Runner {
 public:
  Runner(const std::vector<Sequence>& sequences, const RunnerOptions& options);
  ~Runner();

  struct Run {
    std::uint32_t sequence;
    std::uint32_t first;
    std::uint32_t count;
  };
  // Stores and attends these rows in one call. `decode` as in AttentionCall.
  void step(const std::vector<Run>& runs, bool decode = false);
  // The whole of sequence 0, in calls of so many rows.
  std::vector<std::uint16_t> in_chunks(std::uint32_t chunk);

  // bf16, [tokens, q_cols] of a sequence; 0xffff where no step came by.
  const std::vector<std::uint16_t>& out(std::uint32_t sequence) const { return out_[sequence]; }
  std::vector<float> floats(std::uint32_t sequence) const;
  // Of the last step: its rotated queries [rows, q_cols].
  const std::vector<float>& turned() const { return turned_; }
  // The workspace from now on.
  void make_room(std::uint32_t slots);
  bool counters_are_zero() const;
  void copy_block(std::int32_t from, std::int32_t to);
  std::vector<std::int32_t>& tables() { return tables_; }
  std::vector<std::uint8_t> cache_bytes() const;

 private:
  template <typename T>
  T* to_device(const std::vector<T>& values);
  kernels::cuda::RowTable row_table(const std::vector<Run>& runs);

  const std::vector<Sequence>& sequences_;
  HeadShape shape_;
  RunnerOptions options_;
  std::unique_ptr<kernels::cuda::Device> device_;
  kernels::cuda::AttentionKernels kernels_;
  kernels::cuda::KvMemory cache_;
  std::size_t cache_bytes_ = 0;
  std::uint32_t table_stride_ = 0;
  std::vector<std::int32_t> tables_;
  void* workspace_ = nullptr;
  std::size_t workspace_bytes_ = 0;
  std::vector<void*> temporaries_;
  std::vector<std::vector<std::uint16_t>> out_;
  std::vector<float> turned_;
};

using Bits = std::vector<std::uint16_t>;
// Sequence 0 in steps of `rest` rows from token `head` on, of 64 before it.
Bits in_steps(const std::vector<Sequence>& sequences, std::uint32_t head, std::uint32_t rest,
              const RunnerOptions& options = {});

inline constexpr std::uint32_t kRowsMax = 128;  // of a step, rows_more included

}  // namespace kernels_cuda_test

#endif  // TESTS_KERNELS_CUDA_ATTENTION_RUNNER_H_
