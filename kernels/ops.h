// The contract of every backend: what a decoder-only transformer needs, as a dozen fused operations.
//
// `reference` (scalar, accumulates in double, written to be read), `cpu` and `cuda` implement this one
// interface; the decoder in `runtime` composes it and knows no backend. This header includes nothing of ours
// but the weight formats, so kernels can be built, tested and timed alone.
//
// THE PROMISE, of every operation of every backend: batch-invariance. Output row i depends on the inputs of
// row i alone, bit for bit: never on how many rows the call has, which rows they are, how many threads run
// it, or how a prompt was cut into calls. The order of every reduction follows from the weight's shape and
// format (and, in attention, from absolute positions) alone. No floating-point atomics.
//
// Conventions, said once:
//   n          rows of a call, 1 <= n <= Limits::rows_max
//   tensors    float32, row-major, densely packed unless a stride is named; 64-byte aligned when allocated
//              through Ops::allocate
//   pointers   into memory of the backend (Ops::allocate), except where marked "host"; borrowed for the call
//   threads    an Ops is used by one thread at a time; it runs its own workers inside a call
//   errors     shapes are checked once, at load (Ops::load_weight, Ops::create_kv_cache); a call with arguments
//              outside the contract is a bug of the caller and aborts. A device that fails returns kDevice and
//              stays failed.
//   memory     nothing is allocated by an operation: scratch is sized by Limits at creation
#ifndef KERNELS_OPS_H_
#define KERNELS_OPS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "kernels/format.h"

namespace kernels {

enum class Status : std::uint8_t { kOk, kUnsupported, kOutOfMemory, kDevice };

// Sizes every call stays within; scratch memory is planned from them.
struct Limits {
  std::size_t rows_max = 512;          // rows of one call
  std::size_t cols_max = 0;            // longest input row of any linear operation
  std::size_t heads_max = 0;           // query heads
  std::size_t head_dim_max = 0;
  std::size_t context_tokens_max = 0;  // longest sequence attention sees
};

// How a backend of several devices may share a matrix out among them (Shoeybi et al. 2019, section 3). Others ignore it.
enum class WeightSplit : std::uint8_t {
  kNone,     // every device has all of it
  kRows,     // queries, keys, values, gate, up: each device has rows, and goes on with what they give
  kColumns,  // attention's output, down: each device has the columns that belong to such rows
};

// A matrix as the file has it: `rows` output features by `cols` input features, each row a run of blocks.
struct WeightSource {
  Format format = Format::kF32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  const void* data = nullptr;  // host; rows * row_bytes(format, cols) bytes, any alignment
  WeightSplit split = WeightSplit::kNone;
};

// A matrix in the backend's own layout. Owned by the caller, destroyed before its Ops.
class Weight {
 public:
  virtual ~Weight() = default;
  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  Format format() const { return format_; }

 protected:
  Weight(Format format, std::size_t rows, std::size_t cols) : format_(format), rows_(rows), cols_(cols) {}

 private:
  Format format_;
  std::size_t rows_;
  std::size_t cols_;
};

// Memory of the backend. Owned by the caller, destroyed before its Ops.
class Buffer {
 public:
  virtual ~Buffer() = default;
  void* data() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }
  std::size_t bytes() const { return bytes_; }

 protected:
  Buffer(void* data, std::size_t bytes) : data_(data), bytes_(bytes) {}

 private:
  void* data_;
  std::size_t bytes_;
};

// The paged KV cache: `blocks` blocks of `block_tokens` positions, in every layer, for keys and for values.
// A sequence owns a list of block numbers (its block table): position p lives in block table[p / block_tokens]
// at slot p % block_tokens. The element order inside a block is the backend's own.
struct KvShape {
  std::size_t layers = 0;
  std::size_t kv_heads = 0;
  std::size_t head_dim = 0;
  std::size_t block_tokens = 0;  // a power of two, 16 to 256
  std::size_t blocks = 0;
};
// What an element of the cache is rounded to. kQ8_0: int8 codes, and per position and head one binary16 scale for
// every 32 dimensions (fewer in the last, where head_dim is no multiple), as the weight format of that name.
enum class KvFormat : std::uint8_t { kF32, kF16, kQ8_0 };

// Owned by the caller, destroyed before its Ops.
class KvCache {
 public:
  virtual ~KvCache() = default;
  const KvShape& shape() const { return shape_; }
  KvFormat format() const { return format_; }

 protected:
  KvCache(const KvShape& shape, KvFormat format) : shape_(shape), format_(format) {}

 private:
  KvShape shape_;
  KvFormat format_;
};

// Which token each row of a call is: its place in its sequence, and where that sequence's blocks are.
struct Rows {
  std::size_t n = 0;
  const std::int32_t* positions = nullptr;     // [n]; position of the row's token in its sequence, 0-based
  const std::int32_t* sequences = nullptr;     // [n]; row of block_tables. Rows of one sequence are adjacent, positions ascending by 1
  const std::int32_t* block_tables = nullptr;  // [sequences, block_table_stride]
  std::size_t block_table_stride = 0;
};

// Root mean square normalisation of a row (Zhang and Sennrich 2019, equation 4):
//   norm(x)[c] = x[c] / sqrt(mean_c(x[c]^2) + eps) * weight[c]
struct RmsNorm {
  const float* weight = nullptr;  // [cols]; null means no normalisation at all: norm(x) = x
  float eps = 0;
};

// One matrix of a linear operation: out[i, r] = sum_c weight[r, c] * input[i, c] + bias[r].
struct LinearTerm {
  const Weight* weight = nullptr;
  const float* bias = nullptr;  // [weight.rows], or null for none
  float* out = nullptr;         // [n, out_stride]
  std::size_t out_stride = 0;   // >= weight.rows
  // linear_residual: what the next operation on these rows of `out` normalises them by, where the caller knows it; a null
  // weight: it does not. Only a hint: a backend may begin with it, and no bit depends on it.
  RmsNorm next = {};
};

enum class Activation : std::uint8_t { kSilu };

// Rotary position embedding (Su et al. 2021, section 3.4.2). Pair j of a head's first rope_dims elements is
// turned by the angle position * frequency[j]. cos_sin holds, for each row, rope_dims/2 cosines and then
// rope_dims/2 sines, already multiplied by the attention factor of YaRN where the model has one (runtime makes
// it, in double precision, so that all backends turn by the same bits).
enum class RopePairs : std::uint8_t {
  kAdjacent,  // pair j is elements 2j and 2j+1: GGUF llama and mistral
  kHalves,    // pair j is elements j and j + rope_dims/2: GPT-NeoX order, qwen2 and qwen3
};
struct Rope {
  RopePairs pairs = RopePairs::kAdjacent;
  std::size_t rope_dims = 0;       // even, <= head_dim; elements after them are left as they are
  const float* cos_sin = nullptr;  // [n, rope_dims]
};

// How a token is drawn from a row of logits where nothing but the row decides (no history, no grammar): the parameters of
// runtime's Sampler, which says what each means and is the oracle.
struct SampleRow {
  std::uint32_t row = 0;    // of the logits
  float temperature = 1;    // 0: the largest logit, the lowest id among equals
  std::int32_t top_k = 0;   // 0: all
  float top_p = 1;
  float min_p = 0;
  std::uint64_t seed = 0;
  std::uint32_t choice = 0;
  std::uint32_t position = 0;
};

// The operations of one forward pass, announced before them.
struct Step {
  Rows rows;                                // as every operation of the step will be given them
  const std::int32_t* tokens = nullptr;     // host, [rows.n]: what embed will be given
  const std::int32_t* logit_rows = nullptr; // host, [logit_count]: what logits will be given
  std::size_t logit_count = 0;
  std::int32_t position_max = 0;            // largest of rows.positions
  bool decode = false;                      // every row is of another sequence, and each wants logits
};

class Ops {
 public:
  virtual ~Ops() = default;

  // Names the kernel set whose bits these are ("reference", "cpu-avx512vnni", …); recorded in audit records.
  virtual std::string_view name() const = 0;
  virtual const Limits& limits() const = 0;

  // After kDevice: what happened, a sentence for people; empty where nothing is known. hung(): it did not answer within
  // its deadline, rather than say no.
  virtual std::string_view failure() const { return {}; }
  virtual bool hung() const { return false; }

  // ---- memory -------------------------------------------------------------------------------------------

  // Bytes load_weight will keep for such a matrix: for the memory plan.
  virtual std::size_t weight_bytes(Format format, std::size_t rows, std::size_t cols) const = 0;
  // The same of a matrix that may be shared out: what the fullest device keeps. 0: it cannot be shared out so.
  virtual std::size_t split_weight_bytes(Format format, std::size_t rows, std::size_t cols, WeightSplit /*split*/) const {
    return weight_bytes(format, rows, cols);
  }
  // Makes the backend's layout; source.data may be released afterwards. kUnsupported: format or shape.
  virtual Status load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) = 0;

  // The same in two steps, for a caller who keeps the layout in memory of its own: to share it, or to have it outlive
  // the process. Names what pack_weight writes: equal numbers, equal bytes, on every processor; 0 where the backend
  // has no such thing, and the next two are kUnsupported.
  virtual std::uint32_t packed_layout() const { return 0; }
  // Writes the layout to `to` (host): weight_bytes(…) bytes, 64-byte aligned, zero-filled.
  virtual Status pack_weight(const WeightSource& /*source*/, void* /*to*/) { return Status::kUnsupported; }
  // A weight of what pack_weight wrote, by any backend of the same packed_layout(). `packed` (host) is read for as long
  // as the weight lives, and never written.
  virtual Status adopt_weight(Format /*format*/, std::size_t /*rows*/, std::size_t /*cols*/, const void* /*packed*/,
                              std::unique_ptr<Weight>* /*out*/) {
    return Status::kUnsupported;
  }

  // Bytes the backend took for itself when it was made, for any Limits: its working memory.
  virtual std::size_t scratch_bytes() const { return 0; }

  virtual Status allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) = 0;  // zero-filled
  virtual Status copy_in(void* to, const void* from_host, std::size_t bytes) = 0;
  virtual Status copy_out(void* to_host, const void* from, std::size_t bytes) = 0;

  virtual std::size_t kv_cache_bytes(const KvShape& shape, KvFormat format) const = 0;
  virtual Status create_kv_cache(const KvShape& shape, KvFormat format, std::unique_ptr<KvCache>* out) = 0;
  // Copies block `from` to block `to` in every layer, keys and values.
  virtual Status kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) = 0;

  // ---- steps --------------------------------------------------------------------------------------------

  // A caller who runs the same operations with the same pointers again and again says so: from embed to logits, between
  // these two. A backend that remembers a step of that kind runs it at once and sets *replayed: then the operations are
  // left out, and end_step follows immediately. Without a step around them operations just run.
  virtual Status begin_step(const Step& /*step*/, bool* replayed) {
    *replayed = false;
    return Status::kOk;
  }
  virtual Status end_step() { return Status::kOk; }

  // ---- operations ---------------------------------------------------------------------------------------

  // out[i, :] = table[tokens[i], :]                                 tokens: host, [n]; out [n, table.cols]
  virtual Status embed(const Weight& table, const std::int32_t* tokens, std::size_t n, float* out) = 0;

  // For each of `terms`: out = weight * norm(x) + bias. The normalised (and, for quantised weights, quantised)
  // row is made once and shared by up to four terms: queries, keys and values of a layer.  x [n, cols]
  virtual Status norm_linear(const float* x, std::size_t n, const RmsNorm& norm, const LinearTerm* terms,
                             std::size_t term_count) = 0;

  // out[i, r] += sum_c weight[r, c] * x[i, c] + bias[r]: a projection added to the residual stream.
  // x [n, cols], out [n, rows]
  // x is what attention or norm_gated_mlp wrote, or rows that write_rows wrote: a backend may keep such rows in a form of
  // its own (bf16, say) in the memory of as many floats.
  virtual Status linear_residual(const float* x, std::size_t n, const LinearTerm& term) = 0;

  // out[i, r] = activation(gate[r] . norm(x[i])) * (up[r] . norm(x[i])): SwiGLU (Shazeer 2020, equation 6)
  // without its last matrix. silu(z) = z / (1 + exp(-z)).  x [n, cols], out [n, gate.rows]
  virtual Status norm_gated_mlp(const float* x, std::size_t n, const RmsNorm& norm, const Weight& gate,
                                const Weight& up, Activation activation, float* out) = 0;

  // Normalises each head of q and k (qwen3; RmsNorm over head_dim with one weight for all heads; a null weight
  // leaves them as they are), turns q and k by `rope`, and stores k and v of each row in layer `layer` of the
  // cache at the row's position. q is changed in place; k and v may be.
  //   q [n, q_heads * head_dim] with stride q_stride; k, v [n, kv_heads * head_dim] with stride kv_stride
  struct RopeStore {
    float* q = nullptr;
    std::size_t q_stride = 0;
    std::size_t q_heads = 0;
    float* k = nullptr;
    float* v = nullptr;
    std::size_t kv_stride = 0;
    RmsNorm q_norm;
    RmsNorm k_norm;
    Rope rope;
  };
  virtual Status rope_store(const RopeStore& args, const Rows& rows, KvCache& cache, std::size_t layer) = 0;

  // Causal attention of each row over its sequence's cached positions 0 … position (inclusive; its own keys are
  // already stored). Query head h reads kv head h / (q_heads / kv_heads).
  //   score[p] = scale * q . k[p];  out = sum_p softmax(score)[p] * v[p]
  // With window > 0 only positions above position - window are seen. The sum runs in splits that begin at
  // absolute multiples of a fixed number of positions, merged in ascending order (Dao et al. 2022, algorithm 1),
  // so that its bits do not depend on chunking.
  //   q, out [n, q_heads * head_dim] with strides
  struct Attention {
    const float* q = nullptr;
    std::size_t q_stride = 0;
    std::size_t q_heads = 0;
    float scale = 0;
    std::int32_t window = 0;
    float* out = nullptr;
    std::size_t out_stride = 0;
  };
  virtual Status attention(const Attention& args, const Rows& rows, const KvCache& cache, std::size_t layer) = 0;

  // Logits of the chosen rows: out[m, :] = head * norm(x[row_indexes[m], :]).
  //   x [*, cols]; row_indexes: host, [count], count <= Limits::rows_max; out [count, head.rows]
  virtual Status logits(const float* x, const std::int32_t* row_indexes, std::size_t count, const RmsNorm& norm,
                        const Weight& head, float* out) = 0;

  // Per row of logits: its largest value and ln(sum_v exp(logit[v] - max)), from which every log-probability
  // follows. logits [count, vocab]; max, log_sum_exp: host, [count]
  virtual Status logit_stats(const float* logits, std::size_t count, std::size_t vocab, float* max,
                             float* log_sum_exp) = 0;

  // Rows in the form of attention's and norm_gated_mlp's `out`, to and from floats: for tests, and between devices.
  // `rows` in backend memory [n, cols]; host: [n, cols] floats.
  virtual Status write_rows(float* rows, const float* from_host, std::size_t n, std::size_t cols) {
    return copy_in(rows, from_host, n * cols * sizeof(float));
  }
  virtual Status read_rows(float* to_host, const float* rows, std::size_t n, std::size_t cols) {
    return copy_out(to_host, rows, n * cols * sizeof(float));
  }

  // Whether sample() is there: one token for each of `rows` (host, [count]), to `tokens` (host, [count]); -1 where a logit
  // of the row is not finite. The same tokens as runtime's Sampler draws, to the bit.  logits [*, vocab]
  virtual bool samples() const { return false; }
  virtual Status sample(const float* /*logits*/, std::size_t /*vocab*/, const SampleRow* /*rows*/, std::size_t /*count*/,
                        std::int32_t* /*tokens*/) {
    return Status::kUnsupported;
  }

  // ---- the host's threads -------------------------------------------------------------------------------

  // Host threads an operation runs on, the caller's included: 1 where a backend has none of its own.
  virtual std::size_t host_threads() const { return 1; }

  // Lends them between operations: calls run(context, task) once for every task below `tasks`, in any order and on
  // any of them, and returns when all are done. Nothing is allocated; tasks call no operation. May be serial.
  using HostTask = void (*)(const void* context, std::size_t task);
  virtual void for_each_host(std::size_t tasks, HostTask run, const void* context) {
    for (std::size_t task = 0; task < tasks; ++task) run(context, task);
  }
};

// The scalar backend: the oracle of the others. One thread.
std::unique_ptr<Ops> make_reference_ops(const Limits& limits);

// Which instruction set the CPU backend uses. kBest asks the processor at run time.
enum class CpuIsa : std::uint8_t { kBest, kPlain, kAvx2, kAvx512Vnni, kAmx };
struct CpuOptions {
  Limits limits;
  std::size_t threads = 1;
  CpuIsa isa = CpuIsa::kBest;
};
// The CPU backend; null when the processor lacks the ISA asked for by name, or memory is refused.
// Starts threads - 1 workers, which sleep when idle.
std::unique_ptr<Ops> make_cpu_ops(const CpuOptions& options);

}  // namespace kernels

#endif  // KERNELS_OPS_H_
