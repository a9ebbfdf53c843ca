// Attention by itself, with the heads of an 8B (32 queries to 8 keys, of 128): decode over long
// contexts, and a prompt of 8,192 tokens. Layers are cycled through so that keys and values come
// from memory.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/gpu/gpu_bench.h"
#include "bench/gpu/recorded_time.h"
#include "bench/synth/random_blocks.h"
#include "kernels/half.h"

namespace bench {
namespace {

using kernels::KvFormat;
using kernels::Status;
using kernels::cuda::Device;

constexpr std::uint32_t kHeads = 32, kKvHeads = 8, kHeadDim = 128, kBlockTokens = 32;
constexpr std::size_t kCycledBytes = std::size_t{300} << 20;
constexpr std::size_t kLaunches = 8;

struct Case {
  std::uint32_t sequences;
  std::uint32_t context;  // tokens of each
  bool prompt;            // all tokens of one sequence are rows
};
constexpr Case kCases[] = {{1, 8192, false},   {32, 1024, false}, {1, 8192, true}, {8, 1024, false},
                           {128, 1024, false}, {1, 32768, false}, {1, 2048, true}};
constexpr std::size_t kQuickCases = 3;

// Memory of the device, given back together.
class Arena {
 public:
  explicit Arena(Device& device) : device_(device) {}
  ~Arena() {
    for (void* memory : taken_) device_.free(memory);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Null when there is none.
  void* take(std::size_t bytes) {
    void* memory = nullptr;
    if (device_.allocate(bytes, &memory) != Status::kOk) return nullptr;
    taken_.push_back(memory);
    return memory;
  }
  template <typename T>
  T* copy(const std::vector<T>& values) {
    void* const memory = take(values.size() * sizeof(T));
    if (memory == nullptr ||
        device_.copy_in(memory, values.data(), values.size() * sizeof(T)) != Status::kOk)
      return nullptr;
    return static_cast<T*>(memory);
  }

 private:
  Device& device_;
  std::vector<void*> taken_;
};

std::vector<std::int32_t> block_tables(const Case& which, std::uint32_t stride) {
  std::vector<std::int32_t> tables(std::size_t{which.sequences} * stride);
  for (std::size_t i = 0; i < tables.size(); ++i)
    tables[i] = static_cast<std::int32_t>(tables.size() - 1 - i);
  return tables;
}

// Fills a cache with small random numbers, whatever its layout: every two bytes are a binary16 of
// that kind.
bool fill_cache(Device& device, void* memory, std::size_t bytes) {
  std::vector<std::uint16_t> part(std::min<std::size_t>(bytes, std::size_t{8} << 20) / 2);
  RandomStream random(3);
  for (auto& value : part) value = kernels::f32_to_f16(random.next_normal() * 0.3F);
  for (std::size_t at = 0; at < bytes;) {
    const std::size_t count = std::min(bytes - at, part.size() * 2);
    if (device.copy_in(static_cast<char*>(memory) + at, part.data(), count) != Status::kOk)
      return false;
    at += count;
  }
  return true;
}

bool measure(const OpenGpu& gpu, const Case& which, KvFormat format) {
  Device& device = *gpu.device;
  Arena arena(device);
  const std::uint32_t stride = (which.context + kBlockTokens - 1) / kBlockTokens;
  const std::uint32_t rows = which.prompt ? which.context : which.sequences;
  kernels::KvShape shape{1, kKvHeads, kHeadDim, kBlockTokens,
                         std::size_t{which.sequences} * stride};
  const std::size_t layer_bytes = kernels::cuda::kv_memory_bytes(shape, format);
  shape.layers = std::clamp<std::size_t>(kCycledBytes / std::max<std::size_t>(layer_bytes, 1) + 1,
                                         1, kLaunches);
  const std::size_t cache_bytes = kernels::cuda::kv_memory_bytes(shape, format);

  kernels::Limits limits;
  limits.rows_max = rows;
  limits.heads_max = kHeads;
  limits.head_dim_max = kHeadDim;
  limits.context_tokens_max = which.context;
  const std::size_t workspace_bytes =
      kernels::cuda::attention_workspace_bytes(limits, kKvHeads, device.facts().processors);

  std::vector<std::int32_t> positions(rows), sequences(rows);
  for (std::uint32_t i = 0; i < rows; ++i) {
    positions[i] = static_cast<std::int32_t>(which.prompt ? i : which.context - 1);
    sequences[i] = static_cast<std::int32_t>(which.prompt ? 0 : i);
  }
  std::vector<float> q(std::size_t{rows} * kHeads * kHeadDim);
  RandomStream random(4);
  for (float& value : q) value = random.next_normal();

  kernels::cuda::AttentionCall call;
  void* const cache = arena.take(cache_bytes);
  call.q = arena.copy(q);
  call.out = static_cast<std::uint16_t*>(arena.take(q.size() * sizeof(std::uint16_t)));
  call.rows.positions = arena.copy(positions);
  call.rows.sequences = arena.copy(sequences);
  call.rows.block_tables = arena.copy(block_tables(which, stride));
  call.workspace = arena.take(workspace_bytes);
  if (cache == nullptr || call.q == nullptr || call.out == nullptr ||
      call.rows.positions == nullptr || call.rows.sequences == nullptr ||
      call.rows.block_tables == nullptr || call.workspace == nullptr ||
      !fill_cache(device, cache, cache_bytes)) {
    std::fprintf(stderr, "no memory for attention over %u tokens\n", which.context);
    return device.failure().empty();
  }
  call.q_stride = call.out_stride = kHeads * kHeadDim;
  call.q_heads = kHeads;
  call.scale = 1 / std::sqrt(static_cast<float>(kHeadDim));
  call.rows.n = {rows, nullptr};
  call.rows.block_table_stride = stride;
  call.decode = !which.prompt;
  call.positions_max = which.context - 1;
  call.cache = {cache,    format,       static_cast<std::uint32_t>(shape.layers), kKvHeads,
                kHeadDim, kBlockTokens, static_cast<std::uint32_t>(shape.blocks)};
  call.workspace_bytes = workspace_bytes;
  const double seconds = recorded_seconds(device, kLaunches, [&](std::size_t i) {
    call.layer = static_cast<std::uint32_t>(i % shape.layers);
    return kernels::cuda::run_attention(device, gpu.kernels->attention, call);
  });
  if (seconds <= 0) return false;

  // Two products of head_dim multiply-adds for every pair of a query head and a position it sees.
  const double seen = which.prompt ? 0.5 * which.context * (which.context + 1.0)
                                   : 1.0 * which.sequences * which.context;
  const double flops = 4.0 * kHeads * kHeadDim * seen / seconds;
  const double bytes = static_cast<double>(layer_bytes) / seconds;
  const std::string kv = format == KvFormat::kF16 ? "f16" : "q8_0";
  print_row({.target = which.prompt ? "G14" : "-",
             .what = which.prompt ? "attention of a prompt, causal, " +
                                        std::to_string(which.context) + " tokens, KV " + kv
                                  : "attention decode, " + std::to_string(which.sequences) + " x " +
                                        std::to_string(which.context) + " tokens, KV " + kv,
             .value = which.prompt ? flops / 1e12 : bytes / 1e9,
             .unit = which.prompt ? "TFLOP/s" : "GB/s",
             .bytes_per_second = which.prompt ? 0 : bytes,
             .flops_per_second = flops,
             .note = std::to_string(seconds * 1e6) + " us"});
  return true;
}

}  // namespace

int bench_gpu_attention(bool quick) {
  const OpenGpu gpu = open_gpu();
  if (gpu.device == nullptr) return 77;
  const auto cases = quick ? std::span(kCases).first(kQuickCases) : std::span(kCases);
  for (const KvFormat format : {KvFormat::kF16, KvFormat::kQ8_0}) {
    for (const Case& which : cases) {
      if (measure(gpu, which, format)) continue;
      std::fprintf(stderr, "attention stopped: %s\n", gpu.device->failure().c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace bench
