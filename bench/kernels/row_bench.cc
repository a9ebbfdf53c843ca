// What is done to rows beside the matrices: normalising and quantising, turning and storing,
// looking up, and the two ends of a step.
#include <fmt/format.h>

#include "bench/kernels/call_time.h"
#include "bench/kernels/kernel_bench.h"
#include "bench/synth/random_blocks.h"

namespace bench {
namespace {

using base::Result;
using base::Status;
using kernels::Format;

// llama-3.2-1b's.
constexpr std::size_t kDim = 2048;
constexpr std::size_t kVocabulary = 128'256;
constexpr std::size_t kHeads = 32;
constexpr std::size_t kKvHeads = 8;
constexpr std::size_t kHeadDim = 64;
constexpr std::size_t kCounts[] = {1, 512};

Result<std::unique_ptr<kernels::Weight>> make_weight(kernels::Ops& ops, std::size_t rows) {
  const std::size_t row_bytes = *kernels::row_bytes(Format::kQ8_0, kDim);
  std::vector<std::byte> bytes(rows * row_bytes);
  for (std::size_t r = 0; r < rows; ++r) {
    fill_random_row(Format::kQ8_0, kDim, 0.02F, r,
                    std::span(bytes).subspan(r * row_bytes, row_bytes));
  }
  std::unique_ptr<kernels::Weight> weight;
  if (ops.load_weight({Format::kQ8_0, rows, kDim, bytes.data()}, &weight) != kernels::Status::kOk) {
    return base::exhausted("no memory for weights");
  }
  return weight;
}

double float_bytes(std::size_t count) {
  return static_cast<double>(count * sizeof(float));
}

Status bench_norm(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink) {
  // The least matrix there is: its time beside the rows' is small.
  const auto weight = TRY(make_weight(ops, 16));
  std::vector<float> x(512 * kDim, 0.3F);
  std::vector<float> norm(kDim, 1.1F);
  std::vector<float> out(512 * 16);
  for (const std::size_t n : kCounts) {
    const kernels::LinearTerm term{weight.get(), nullptr, out.data(), 16};
    const double seconds = call_seconds(options.quick, [&](std::size_t) {
      (void)ops.norm_linear(x.data(), n, {norm.data(), 1e-5F}, &term, 1);
    });
    sink({"norm, quantise", fmt::format("{} wide, n {} (with a matrix of 16 rows)", kDim, n),
          seconds, float_bytes(n * kDim), 0, ""});
  }
  return {};
}

Status bench_rope(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink) {
  constexpr std::size_t kBlocks = 16;
  std::unique_ptr<kernels::KvCache> cache;
  if (ops.create_kv_cache({1, kKvHeads, kHeadDim, 32, kBlocks}, kernels::KvFormat::kF16, &cache) !=
      kernels::Status::kOk) {
    return base::exhausted("no memory for a KV cache");
  }
  std::vector<float> q(512 * kHeads * kHeadDim, 0.1F);
  std::vector<float> k(512 * kKvHeads * kHeadDim, 0.1F);
  std::vector<float> v = k;
  std::vector<float> cos_sin(512 * kHeadDim, 0.7F);
  std::vector<std::int32_t> positions(512), sequences(512, 0), table(kBlocks);
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int32_t>(i);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::int32_t>(i);
  kernels::Ops::RopeStore store;
  store.q = q.data();
  store.q_stride = kHeads * kHeadDim;
  store.q_heads = kHeads;
  store.k = k.data();
  store.v = v.data();
  store.kv_stride = kKvHeads * kHeadDim;
  store.rope = {kernels::RopePairs::kHalves, kHeadDim, cos_sin.data()};
  for (const std::size_t n : kCounts) {
    const kernels::Rows rows{n, positions.data(), sequences.data(), table.data(), table.size()};
    const double seconds = call_seconds(
        options.quick, [&](std::size_t) { (void)ops.rope_store(store, rows, *cache, 0); });
    sink({"rope, store", fmt::format("{}/{} heads of {}, n {}", kHeads, kKvHeads, kHeadDim, n),
          seconds, float_bytes(n * (kHeads + 2 * kKvHeads) * kHeadDim), 0, ""});
  }
  return {};
}

Status bench_ends(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink) {
  const std::size_t vocabulary = options.quick ? 4096 : kVocabulary;
  const auto table = TRY(make_weight(ops, vocabulary));
  const auto table_bytes =
      static_cast<double>(*kernels::row_bytes(Format::kQ8_0, kDim) * vocabulary);
  std::vector<std::int32_t> tokens(512);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>(i * 7919 % vocabulary);
  std::vector<float> x(512 * kDim);
  for (const std::size_t n : kCounts) {
    const double seconds = call_seconds(
        options.quick, [&](std::size_t) { (void)ops.embed(*table, tokens.data(), n, x.data()); });
    sink({"embed Q8_0", fmt::format("{} wide, n {}", kDim, n), seconds, float_bytes(n * kDim), 0,
          ""});
  }
  const std::vector<float> norm(kDim, 1.1F);
  const std::int32_t indexes[] = {0, 1, 2, 3, 4, 5, 6, 7};
  std::vector<float> logits(8 * vocabulary);
  for (const std::size_t count : {std::size_t{1}, std::size_t{8}}) {
    const double seconds = call_seconds(options.quick, [&](std::size_t) {
      (void)ops.logits(x.data(), indexes, count, {norm.data(), 1e-5F}, *table, logits.data());
    });
    sink({"logits Q8_0", fmt::format("{} x {}, n {}", vocabulary, kDim, count), seconds,
          table_bytes, 2.0 * static_cast<double>(vocabulary * kDim * count),
          count == 1 ? std::string(kReadHugePages) : ""});
    float most[8];
    float sums[8];
    const double stat_seconds = call_seconds(options.quick, [&](std::size_t) {
      (void)ops.logit_stats(logits.data(), count, vocabulary, most, sums);
    });
    sink({"logit_stats", fmt::format("{}, n {}", vocabulary, count), stat_seconds,
          float_bytes(count * vocabulary), 0, ""});
  }
  return {};
}

}  // namespace

Status bench_rows(kernels::Ops& ops, const KernelBenchOptions& options, const RowSink& sink) {
  TRY(bench_norm(ops, options, sink));
  TRY(bench_rope(ops, options, sink));
  return bench_ends(ops, options, sink);
}

}  // namespace bench
