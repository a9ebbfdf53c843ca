// Attention of one sequence over its cache: one row (decode) and 512 rows (a piece of a prompt).
#include <fmt/format.h>

#include "bench/kernels/call_time.h"
#include "bench/kernels/kernel_bench.h"

namespace bench {
namespace {

using base::Status;

// llama-3.2-1b's.
constexpr std::size_t kHeads = 32;
constexpr std::size_t kKvHeads = 8;
constexpr std::size_t kHeadDim = 64;
constexpr std::size_t kBlockTokens = 32;
constexpr std::size_t kContexts[] = {512, 2048, 8192};
constexpr std::size_t kPromptRows = 512;

// A cache in which positions 0 … tokens - 1 of every layer are stored.
class FilledCache {
 public:
  Status fill(kernels::Ops& ops, std::size_t tokens, std::size_t layers) {
    const std::size_t blocks = tokens / kBlockTokens;
    const kernels::KvShape shape{layers, kKvHeads, kHeadDim, kBlockTokens, blocks};
    if (ops.create_kv_cache(shape, kernels::KvFormat::kF16, &cache_) != kernels::Status::kOk) {
      return base::exhausted("no memory for a KV cache");
    }
    for (std::size_t block = 0; block < blocks; ++block)
      table_.push_back(static_cast<std::int32_t>(block));
    for (std::size_t layer = 0; layer < layers; ++layer) store_block(ops, layer);
    for (std::size_t block = 1; block < blocks; ++block) {
      (void)ops.kv_copy_block(*cache_, 0, static_cast<std::int32_t>(block));
    }
    return {};
  }

  const kernels::KvCache& cache() const { return *cache_; }

  // The last n of `tokens` positions.
  kernels::Rows rows(std::size_t tokens, std::size_t n) {
    positions_.resize(n);
    sequences_.assign(n, 0);
    for (std::size_t i = 0; i < n; ++i) positions_[i] = static_cast<std::int32_t>(tokens - n + i);
    return {n, positions_.data(), sequences_.data(), table_.data(), table_.size()};
  }

 private:
  void store_block(kernels::Ops& ops, std::size_t layer) {
    std::vector<float> q(kBlockTokens * kHeads * kHeadDim, 0.1F);
    std::vector<float> k(kBlockTokens * kKvHeads * kHeadDim, 0.1F);
    std::vector<float> v = k;
    std::vector<float> cos_sin(kBlockTokens * kHeadDim, 0.7F);
    kernels::Ops::RopeStore store;
    store.q = q.data();
    store.q_stride = kHeads * kHeadDim;
    store.q_heads = kHeads;
    store.k = k.data();
    store.v = v.data();
    store.kv_stride = kKvHeads * kHeadDim;
    store.rope = {kernels::RopePairs::kHalves, kHeadDim, cos_sin.data()};
    (void)ops.rope_store(store, rows(kBlockTokens, kBlockTokens), *cache_, layer);
  }

  std::unique_ptr<kernels::KvCache> cache_;
  std::vector<std::int32_t> table_, positions_, sequences_;
};

}  // namespace

Status bench_attention(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink) {
  const bool wide = ops.name() == "cpu-amx" || ops.name().find("avx512") != std::string_view::npos;
  std::vector<float> q(kPromptRows * kHeads * kHeadDim, 0.1F);
  std::vector<float> out(q.size());
  for (const std::size_t context : kContexts) {
    if (options.quick && context > kContexts[0]) break;
    const std::size_t layer_bytes = context * kKvHeads * kHeadDim * 2 * 2;
    const std::size_t layers = std::max<std::size_t>(1, options.cycle_bytes / layer_bytes);
    FilledCache filled;
    TRY(filled.fill(ops, context, layers));
    for (const std::size_t n : {std::size_t{1}, kPromptRows}) {
      kernels::Ops::Attention args;
      args.q = q.data();
      args.q_stride = args.out_stride = kHeads * kHeadDim;
      args.q_heads = kHeads;
      args.scale = 0.125F;
      args.out = out.data();
      const kernels::Rows rows = filled.rows(context, n);
      const double seconds = call_seconds(options.quick, [&](std::size_t call) {
        (void)ops.attention(args, rows, filled.cache(), call % layers);
      });
      // Row i sees all but the n - 1 - i last positions: two products of head_dim with each.
      const double seen = static_cast<double>(n * context) - static_cast<double>(n * (n - 1)) / 2;
      sink({n == 1 ? "attention, decode" : "attention, prefill",
            fmt::format("context {}, n {}, {}/{} heads of {}", context, n, kHeads, kKvHeads,
                        kHeadDim),
            seconds, static_cast<double>(layer_bytes), 4.0 * seen * kHeads * kHeadDim,
            n == 1 ? std::string(kReadHugePages) : (wide ? "fma-512" : "fma-256")});
    }
  }
  return {};
}

}  // namespace bench
