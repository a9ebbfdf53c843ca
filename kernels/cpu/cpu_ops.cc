#include "kernels/cpu/cpu_ops.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/check.h"
#include "kernels/cpu/packed_weight.h"
#include "kernels/cpu/processor.h"
#include "kernels/cpu/storage.h"

namespace kernels {
namespace cpu {

std::unique_ptr<CpuOps> CpuOps::create(const Limits& limits, const KernelSet& kernels,
                                       std::size_t threads) {
  std::unique_ptr<CpuOps> ops(new CpuOps(limits, kernels));
  if (!ops->scratch_.plan(limits, threads, &ops->arena_)) return nullptr;
  ops->pool_ = ThreadPool::create(threads);
  return ops;
}

std::size_t CpuOps::weight_bytes(Format format, std::size_t rows, std::size_t cols) const {
  const auto packed = plan_weight(format, rows, cols);
  return packed.has_value() ? packed->panels * packed->panel_bytes : 0;
}

std::optional<PackedWeight> CpuOps::plan(Format format, std::size_t rows, std::size_t cols) const {
  return cols > limits_.cols_max ? std::nullopt : plan_weight(format, rows, cols);
}

void CpuOps::pack(const PackedWeight& packed, const WeightSource& source, std::uint8_t* to) {
  pool_->parallel_for(packed.panels, [&](std::size_t panel, std::size_t) {
    pack_panel(packed, source, panel, to + panel * packed.panel_bytes);
  });
}

Status CpuOps::load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) {
  auto packed = plan(source.format, source.rows, source.cols);
  if (!packed.has_value()) return Status::kUnsupported;
  Arena::Piece piece;
  if (!arena_.allocate(packed->panels * packed->panel_bytes, false, &piece))
    return Status::kOutOfMemory;
  auto* data = piece.as<std::uint8_t>();
  packed->data = data;
  pack(*packed, source, data);
  *out = std::make_unique<CpuWeight>(*packed, std::move(piece));
  return Status::kOk;
}

std::uint32_t CpuOps::packed_layout() const {
  return kPackedLayout;
}

Status CpuOps::pack_weight(const WeightSource& source, void* to) {
  const auto packed = plan(source.format, source.rows, source.cols);
  if (!packed.has_value()) return Status::kUnsupported;
  KERNELS_CHECK(reinterpret_cast<std::uintptr_t>(to) % kPackedAlignment == 0);
  pack(*packed, source, static_cast<std::uint8_t*>(to));
  return Status::kOk;
}

Status CpuOps::adopt_weight(Format format, std::size_t rows, std::size_t cols, const void* packed,
                            std::unique_ptr<Weight>* out) {
  auto adopted = plan(format, rows, cols);
  if (!adopted.has_value()) return Status::kUnsupported;
  KERNELS_CHECK(reinterpret_cast<std::uintptr_t>(packed) % kPackedAlignment == 0);
  adopted->data = static_cast<const std::uint8_t*>(packed);
  *out = std::make_unique<CpuWeight>(*adopted, Arena::Piece());
  return Status::kOk;
}

Status CpuOps::allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) {
  Arena::Piece piece;
  if (!arena_.allocate(bytes, true, &piece)) return Status::kOutOfMemory;
  *out = std::make_unique<CpuBuffer>(std::move(piece), bytes);
  return Status::kOk;
}

Status CpuOps::copy_in(void* to, const void* from_host, std::size_t bytes) {
  std::memcpy(to, from_host, bytes);
  return Status::kOk;
}

Status CpuOps::copy_out(void* to_host, const void* from, std::size_t bytes) {
  std::memcpy(to_host, from, bytes);
  return Status::kOk;
}

std::size_t CpuOps::kv_cache_bytes(const KvShape& shape, KvFormat format) const {
  return cache_bytes(shape, format).value_or(0);
}

Status CpuOps::create_kv_cache(const KvShape& shape, KvFormat format,
                               std::unique_ptr<KvCache>* out) {
  const auto bytes = cache_bytes(shape, format);
  if (!bytes.has_value() || shape.head_dim > limits_.head_dim_max) return Status::kUnsupported;
  Arena::Piece piece;
  if (!arena_.allocate(*bytes, false, &piece)) return Status::kOutOfMemory;
  // The largest thing after the weights: starting waits for its pages.
  constexpr std::size_t kPart = std::size_t{8} << 20U;
  auto* const begin = piece.as<std::byte>();
  pool_->parallel_for((*bytes + kPart - 1) / kPart, [&](std::size_t part, std::size_t) {
    Arena::touch(begin + part * kPart, std::min(kPart, *bytes - part * kPart));
  });
  *out = std::make_unique<CpuKvCache>(shape, format, std::move(piece));
  return Status::kOk;
}

Status CpuOps::kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) {
  const auto blocks = static_cast<std::int64_t>(cache.shape().blocks);
  KERNELS_CHECK(from >= 0 && from < blocks && to >= 0 && to < blocks);
  static_cast<CpuKvCache&>(cache).copy_block(static_cast<std::size_t>(from),
                                             static_cast<std::size_t>(to));
  return Status::kOk;
}

Status CpuOps::embed(const Weight& table, const std::int32_t* tokens, std::size_t n, float* out) {
  KERNELS_CHECK(n >= 1 && n <= limits_.rows_max);
  const PackedWeight& packed = static_cast<const CpuWeight&>(table).packed();
  for (std::size_t i = 0; i < n; ++i) {
    KERNELS_CHECK(tokens[i] >= 0 && static_cast<std::size_t>(tokens[i]) < packed.rows);
  }
  pool_->parallel_for(n, [&](std::size_t i, std::size_t) {
    unpack_row(packed, static_cast<std::size_t>(tokens[i]), out + i * packed.cols);
  });
  return Status::kOk;
}

// ---- logit_stats ----------------------------------------------------------------------------

Status CpuOps::logit_stats(const float* logits, std::size_t count, std::size_t vocab, float* max,
                           float* log_sum_exp) {
  KERNELS_CHECK(count >= 1 && count <= limits_.rows_max && vocab >= 1);
  // A chunk is a multiple of 16 that follows from the vocabulary alone.
  const std::size_t chunk =
      ((vocab + kLogitChunks - 1) / kLogitChunks + kLanes - 1) / kLanes * kLanes;
  const std::size_t chunks = (vocab + chunk - 1) / chunk;
  pool_->parallel_for(count * chunks, [&](std::size_t task, std::size_t) {
    const std::size_t row = task / chunks;
    const std::size_t first = task % chunks * chunk;
    float* part = scratch_.logit_parts + (row * kLogitChunks + task % chunks) * 2;
    kernels_.logit_chunk(logits + row * vocab + first, std::min(chunk, vocab - first), &part[0],
                         &part[1]);
  });
  for (std::size_t row = 0; row < count; ++row) {
    const float* parts = scratch_.logit_parts + row * kLogitChunks * 2;
    float largest = parts[0];
    for (std::size_t c = 1; c < chunks; ++c) largest = std::max(largest, parts[2 * c]);
    double sum = 0;
    for (std::size_t c = 0; c < chunks; ++c) {
      const double below = static_cast<double>(parts[2 * c]) - static_cast<double>(largest);
      sum += static_cast<double>(parts[2 * c + 1]) * std::exp(below);
    }
    max[row] = largest;
    log_sum_exp[row] = static_cast<float>(std::log(sum));
  }
  return Status::kOk;
}

}  // namespace cpu

std::unique_ptr<Ops> make_cpu_ops(const CpuOptions& options) {
  const cpu::KernelSet* kernels = cpu::find_kernels(options.isa);
  if (kernels == nullptr || options.threads == 0) return nullptr;
  return cpu::CpuOps::create(options.limits, *kernels, options.threads);
}

}  // namespace kernels
