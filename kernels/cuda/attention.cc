#include "kernels/cuda/attention.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/check.h"
#include "kernels/cuda/attention_arguments.h"

namespace kernels::cuda {
namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr std::uint32_t kScaleDims = 32;  // of Q8_0
constexpr std::uint32_t kGridMax =
    65535;  // blocks in y (CUDA C++ Programming Guide, technical specifications)

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

bool is_supported(const KvMemory& cache) {
  return (cache.format == KvFormat::kF16 || cache.format == KvFormat::kQ8_0) && cache.layers > 0 &&
         cache.layers <= kGridMax && cache.kv_heads > 0 && cache.kv_heads <= kGridMax &&
         cache.blocks > 0 && cache.head_dim > 0 && cache.head_dim % 16 == 0 &&
         cache.head_dim <= kHeadDimMax && std::has_single_bit(cache.block_tokens) &&
         cache.block_tokens >= 16 && cache.block_tokens <= 256;
}

// The cache is supported, and its bytes can be counted.
KvStrides strides_of(const KvMemory& cache) {
  const bool codes = cache.format == KvFormat::kQ8_0;
  const std::size_t positions = std::size_t{2} * cache.kv_heads * cache.block_tokens;
  KvStrides strides;
  strides.block_bytes = positions * cache.head_dim * (codes ? 1 : 2);
  strides.layer_bytes = strides.block_bytes * cache.blocks;
  strides.scales_at = round_up(strides.layer_bytes * cache.layers, 256);
  if (codes) {
    strides.scale_block_bytes = positions * ((cache.head_dim + kScaleDims - 1) / kScaleDims) * 2;
    strides.scale_layer_bytes = strides.scale_block_bytes * cache.blocks;
  }
  strides.bytes = strides.scales_at + strides.scale_layer_bytes * cache.layers;
  return strides;
}

KvLayer layer_of(const KvMemory& cache, std::uint32_t layer) {
  KERNELS_CHECK(cache.data != nullptr && is_supported(cache) && layer < cache.layers);
  const KvStrides strides = strides_of(cache);
  auto* data = static_cast<std::uint8_t*>(cache.data);
  KvLayer of;
  of.codes = data + strides.layer_bytes * layer;
  of.scales = data + strides.scales_at + strides.scale_layer_bytes * layer;
  of.kv_heads = cache.kv_heads;
  of.head_dim = cache.head_dim;
  of.blocks = cache.blocks;
  of.block_shift = static_cast<std::uint32_t>(std::countr_zero(cache.block_tokens));
  of.row_bytes = cache.head_dim * (cache.format == KvFormat::kQ8_0 ? 1 : 2);
  of.scale_groups = (cache.head_dim + kScaleDims - 1) / kScaleDims;
  return of;
}

void check_rows(const RowTable& rows) {
  KERNELS_CHECK(rows.n.rows_max >= 1 && rows.positions != nullptr && rows.sequences != nullptr &&
                rows.block_tables != nullptr && rows.block_table_stride >= 1);
}

std::size_t index_of(KvFormat format) {
  return format == KvFormat::kQ8_0 ? 1 : 0;
}

std::size_t index_of(std::uint32_t head_dim) {
  return head_dim <= 64 ? 0 : head_dim <= 128 ? 1 : 2;
}

// Of one split of all heads of a row.
std::size_t partial_bytes(std::size_t q_heads, std::size_t head_dim) {
  return q_heads * (head_dim + 2) * sizeof(float);
}

// The workspace: counters, then partial results. Where these begin follows from the size alone, so
// that calls of every shape leave the counters zero for each other.
std::size_t counter_bytes(std::size_t workspace_bytes) {
  return round_up(workspace_bytes / 64, 256);
}

void give_workspace(const AttentionCall& call, AttentionArguments* arguments) {
  const std::size_t counters = counter_bytes(call.workspace_bytes);
  if (call.workspace == nullptr || call.workspace_bytes <= counters) return;
  auto* workspace = static_cast<std::uint8_t*>(call.workspace);
  arguments->counters = reinterpret_cast<std::uint32_t*>(workspace);
  arguments->partials = reinterpret_cast<float*>(workspace + counters);
  const std::size_t slots =
      std::min((call.workspace_bytes - counters) / partial_bytes(call.q_heads, call.cache.head_dim),
               counters / (arguments->heads * sizeof(std::uint32_t)));
  arguments->partial_slots = static_cast<std::uint32_t>(
      std::min<std::size_t>(slots, std::numeric_limits<std::int32_t>::max()));
}

// Groups of at most 16 that so many query heads fall into, equal ones.
std::uint32_t parts_of(std::uint32_t readers) {
  std::uint32_t parts = (readers + kGroupHeadsMax - 1) / kGroupHeadsMax;
  while (readers % parts != 0) ++parts;
  return parts;
}

AttentionArguments arguments_of(const AttentionCall& call) {
  AttentionArguments arguments;
  arguments.q = call.q;
  arguments.out = call.out;
  arguments.sinks = call.sinks;
  arguments.q_stride = call.q_stride;
  arguments.out_stride = call.out_stride;
  const std::uint32_t readers = call.q_heads / call.cache.kv_heads;
  arguments.parts = parts_of(readers);
  arguments.group = readers / arguments.parts;
  arguments.heads = call.cache.kv_heads * arguments.parts;
  // With a cap a query is so scaled that 2^score is exp(2 score / softcap), as tanh is computed
  // from it.
  const bool capped = call.softcap > 0;
  const double factor = static_cast<double>(call.scale) * kLog2E;
  arguments.q_factor =
      static_cast<float>(capped ? factor * 2 / static_cast<double>(call.softcap) : factor);
  arguments.cap = capped ? static_cast<float>(static_cast<double>(call.softcap) * kLog2E) : 0.0F;
  arguments.window = call.window;
  arguments.rows = call.rows;
  arguments.only_singles = call.decode;
  arguments.kv = layer_of(call.cache, call.layer);
  give_workspace(call, &arguments);
  return arguments;
}

// A block computes one split of one group of heads and comes back for more: as many as run at once,
// and no more than there can be work for.
LaunchShape decode_shape(const Device& device, const Kernel& kernel, const AttentionCall& call,
                         std::uint32_t heads) {
  const std::uint64_t splits = call.positions_max / kSplitPositions + 1;
  const std::uint64_t work = splits * call.rows.n.rows_max * heads;
  const std::uint64_t blocks =
      std::uint64_t{std::max(1U, device.facts().processors)} * decode_blocks(call.cache.head_dim);
  LaunchShape shape;
  shape.grid_x = static_cast<std::uint32_t>(std::min(work, blocks));
  shape.threads = kDecodeThreads;
  shape.shared_bytes = static_cast<std::uint32_t>(kernel.shared_bytes_max);
  return shape;
}

// A block for every row that could be the first of a tile.
LaunchShape prefill_shape(const Kernel& kernel, const AttentionCall& call, std::uint32_t heads) {
  LaunchShape shape;
  shape.grid_x = call.rows.n.rows_max;
  shape.grid_y = heads;
  shape.threads = call.cache.head_dim > 128 ? PrefillForm<KvFormat::kF16, 256>::kThreads
                                            : PrefillForm<KvFormat::kF16, 128>::kThreads;
  shape.shared_bytes = static_cast<std::uint32_t>(kernel.shared_bytes_max);
  return shape;
}

}  // namespace

std::size_t kv_memory_bytes(const KvShape& shape, KvFormat format) {
  constexpr std::size_t kEachMax = std::size_t{1} << 30;
  for (const std::size_t size :
       {shape.layers, shape.kv_heads, shape.head_dim, shape.block_tokens, shape.blocks}) {
    if (size == 0 || size > kEachMax) return 0;
  }
  KvMemory cache;
  cache.format = format;
  cache.layers = static_cast<std::uint32_t>(shape.layers);
  cache.kv_heads = static_cast<std::uint32_t>(shape.kv_heads);
  cache.head_dim = static_cast<std::uint32_t>(shape.head_dim);
  cache.block_tokens = static_cast<std::uint32_t>(shape.block_tokens);
  cache.blocks = static_cast<std::uint32_t>(shape.blocks);
  if (!is_supported(cache)) return 0;
  constexpr std::size_t kBytesMax = std::size_t{1} << 46;
  std::size_t product = std::size_t{2} * shape.head_dim * shape.block_tokens * 2;  // at most 2^18
  for (const std::size_t size : {shape.layers, shape.kv_heads, shape.blocks}) {
    if (size > kBytesMax / product) return 0;
    product *= size;
  }
  return strides_of(cache).bytes;
}

std::size_t attention_workspace_bytes(const Limits& limits, std::size_t /*kv_heads*/,
                                      std::size_t /*processors*/) {
  const std::size_t splits = limits.context_tokens_max / kSplitPositions + 1;
  const std::size_t slots = std::clamp<std::size_t>(16 * splits, 256, 2048);
  const std::size_t partials = slots * partial_bytes(limits.heads_max, limits.head_dim_max);
  return round_up(partials + partials / 63 + 512,
                  256);  // counter_bytes() is at most a 64th, and 256
}

Status run_rope_store(Device& device, const AttentionKernels& kernels, const RopeStoreCall& call) {
  check_rows(call.rows);
  KERNELS_CHECK(call.q != nullptr && call.k != nullptr && call.v != nullptr && call.q_heads >= 1);
  KERNELS_CHECK(call.q_stride >= std::uint64_t{call.q_heads} * call.cache.head_dim &&
                call.kv_stride >= std::uint64_t{call.cache.kv_heads} * call.cache.head_dim);
  KERNELS_CHECK(call.rope.rope_dims % 2 == 0 && call.rope.rope_dims <= call.cache.head_dim &&
                (call.rope.rope_dims == 0 || call.rope.cos_sin != nullptr));
  RopeStoreArguments arguments;
  arguments.q = call.q;
  arguments.k = call.k;
  arguments.v = call.v;
  arguments.q_stride = call.q_stride;
  arguments.kv_stride = call.kv_stride;
  arguments.q_heads = call.q_heads;
  arguments.q_norm = call.q_norm;
  arguments.k_norm = call.k_norm;
  arguments.rope = call.rope;
  arguments.rows = call.rows;
  arguments.kv = layer_of(call.cache, call.layer);
  LaunchShape shape;
  shape.grid_x = call.rows.n.rows_max;
  shape.grid_y = (call.q_heads + call.cache.kv_heads + kRopeWarps - 1) / kRopeWarps;
  shape.threads = 32 * kRopeWarps;
  shape.shared_bytes = kRopeSharedBytes;
  return device.launch_with(kernels.rope_store[index_of(call.cache.format)], shape, arguments);
}

Status run_attention(Device& device, const AttentionKernels& kernels, const AttentionCall& call) {
  check_rows(call.rows);
  KERNELS_CHECK(call.q != nullptr && call.out != nullptr && call.cache.kv_heads >= 1);
  KERNELS_CHECK(call.q_heads >= 1 && call.q_heads <= kGridMax &&
                call.q_heads % call.cache.kv_heads == 0);
  const std::uint64_t cols = std::uint64_t{call.q_heads} * call.cache.head_dim;
  KERNELS_CHECK(call.q_stride >= cols && call.out_stride >= cols && call.out_stride % 2 == 0);
  KERNELS_CHECK(call.window >= 0 && call.softcap >= 0);
  const AttentionArguments arguments = arguments_of(call);
  const std::size_t format = index_of(call.cache.format);
  const std::size_t dim = index_of(call.cache.head_dim);
  if (!call.decode && call.rows.n.rows_max > 1) {
    const Kernel& prefill = kernels.prefill[format][dim];
    const Status status =
        device.launch_with(prefill, prefill_shape(prefill, call, arguments.heads), arguments);
    if (status != Status::kOk) return status;
  }
  const Kernel& decode = kernels.decode[format][dim];
  return device.launch_with(decode, decode_shape(device, decode, call, arguments.heads), arguments);
}

Status run_copy_block(Device& device, const AttentionKernels& kernels, const KvMemory& cache,
                      std::int32_t from, std::int32_t to) {
  KERNELS_CHECK(cache.data != nullptr && is_supported(cache));
  KERNELS_CHECK(from >= 0 && to >= 0 && static_cast<std::uint32_t>(from) < cache.blocks &&
                static_cast<std::uint32_t>(to) < cache.blocks);
  const KvStrides strides = strides_of(cache);
  CopyBlockArguments arguments;
  arguments.codes = static_cast<std::uint8_t*>(cache.data);
  arguments.scales = arguments.codes + strides.scales_at;
  arguments.layer_bytes = strides.layer_bytes;
  arguments.block_bytes = strides.block_bytes;
  arguments.scale_layer_bytes = strides.scale_layer_bytes;
  arguments.scale_block_bytes = strides.scale_block_bytes;
  arguments.from = static_cast<std::uint32_t>(from);
  arguments.to = static_cast<std::uint32_t>(to);
  constexpr std::size_t kBytesPerBlock = 16 * 256 * 4;
  LaunchShape shape;
  shape.grid_x =
      static_cast<std::uint32_t>((strides.block_bytes + kBytesPerBlock - 1) / kBytesPerBlock);
  shape.grid_y = cache.layers;
  shape.threads = 256;
  return device.launch_with(kernels.copy_block, shape, arguments);
}

}  // namespace kernels::cuda
