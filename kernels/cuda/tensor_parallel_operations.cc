// The operations of kernels/ops.h, each by all devices: on the same rows, with each one's part of a
// matrix.
#include <algorithm>
#include <numeric>

#include "kernels/check.h"
#include "kernels/cuda/narrow.h"
#include "kernels/cuda/tensor_parallel_ops.h"

namespace kernels::cuda {
namespace {

const SharedWeight& shared_weight(const Weight* weight) {
  KERNELS_CHECK(weight != nullptr);
  return static_cast<const SharedWeight&>(*weight);
}

// Of the head, in tiles; none where there are fewer than devices.
struct TileRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

// As even as they can be while each run begins at a multiple of 256 bytes, as kernels want it.
TileRun tiles_of_device(const TileShape& shape, std::size_t device, std::size_t devices) {
  const std::size_t step = 256 / std::gcd(std::size_t{256}, shape.tile_bytes());
  const std::size_t even = (shape.row_tiles + devices - 1) / devices;
  const std::size_t run = (even + step - 1) / step * step;
  const std::size_t first = std::min<std::size_t>(device * run, shape.row_tiles);
  return {narrow(first), narrow(std::min<std::size_t>(run, shape.row_tiles - first))};
}

}  // namespace

// ---- a device's share of what a call names ------------------------------------------------------

RmsNorm TensorParallelOps::on(std::size_t device, const RmsNorm& norm) const {
  return {buffers_.on(device, norm.weight), norm.eps};
}

Rows TensorParallelOps::on(std::size_t device, const Rows& rows) const {
  Rows part = rows;
  part.positions = buffers_.on(device, rows.positions);
  part.sequences = buffers_.on(device, rows.sequences);
  part.block_tables = buffers_.on(device, rows.block_tables);
  return part;
}

LinearTerm TensorParallelOps::on(std::size_t device, const LinearTerm& term) const {
  const SharedWeight& weight = shared_weight(term.weight);
  LinearTerm part;
  part.weight = &weight.part(device);
  part.bias = buffers_.on(device, term.bias);
  part.next = on(device, term.next);
  if (weight.split() != WeightSplit::kRows) {
    part.out = buffers_.on(device, term.out);
    part.out_stride = term.out_stride;
    return part;
  }
  KERNELS_CHECK(term.out_stride % count() == 0);
  if (part.bias != nullptr) part.bias += device * part.weight->rows();
  part.out = buffers_.part_on(device, term.out);
  part.out_stride = term.out_stride / count();
  return part;
}

// ---- rows ---------------------------------------------------------------------------------------

Status TensorParallelOps::embed(const Weight& table, const std::int32_t* tokens, std::size_t n,
                                float* out) {
  const SharedWeight& weight = shared_weight(&table);
  KERNELS_CHECK(weight.split() == WeightSplit::kNone);
  return on_all([&](std::size_t device, CudaOps& ops) {
    return ops.embed(weight.part(device), tokens, n, buffers_.on(device, out));
  });
}

// ---- linear operations --------------------------------------------------------------------------

Status TensorParallelOps::norm_linear(const float* x, std::size_t n, const RmsNorm& norm,
                                      const LinearTerm* terms, std::size_t term_count) {
  KERNELS_CHECK(term_count >= 1 && term_count <= kMatricesMax);
  return on_all([&](std::size_t device, CudaOps& ops) {
    LinearTerm parts[kMatricesMax];
    for (std::size_t t = 0; t < term_count; ++t) {
      KERNELS_CHECK(shared_weight(terms[t].weight).split() != WeightSplit::kColumns);
      parts[t] = on(device, terms[t]);
    }
    return ops.norm_linear(buffers_.on(device, x), n, on(device, norm), parts, term_count);
  });
}

Status TensorParallelOps::norm_gated_mlp(const float* x, std::size_t n, const RmsNorm& norm,
                                         const Weight& gate, const Weight& up,
                                         Activation activation, float* out) {
  const SharedWeight& gates = shared_weight(&gate);
  const SharedWeight& ups = shared_weight(&up);
  KERNELS_CHECK(gates.split() == ups.split() && gates.split() != WeightSplit::kColumns);
  const bool shared = gates.split() == WeightSplit::kRows;
  return on_all([&](std::size_t device, CudaOps& ops) {
    float* const part = shared ? buffers_.part_on(device, out) : buffers_.on(device, out);
    return ops.norm_gated_mlp(buffers_.on(device, x), n, on(device, norm), gates.part(device),
                              ups.part(device), activation, part);
  });
}

Status TensorParallelOps::linear_residual(const float* x, std::size_t n, const LinearTerm& term) {
  const WeightSplit split = shared_weight(term.weight).split();
  KERNELS_CHECK(split != WeightSplit::kRows);
  if (split == WeightSplit::kColumns) return add_shared_out(x, n, term);
  return on_all([&](std::size_t device, CudaOps& ops) {
    return ops.linear_residual(buffers_.on(device, x), n, on(device, term));
  });
}

Status TensorParallelOps::add_shared_out(const float* x, std::size_t n, const LinearTerm& term) {
  const SharedWeight& weight = shared_weight(term.weight);
  const std::size_t segment_count = weight.part(0).segment_count() * count();
  const std::size_t rows_of_turn = exchange_floats_ / (segment_count * weight.rows());
  KERNELS_CHECK(rows_of_turn >= 1);
  for (std::size_t first = 0; first < n; first += rows_of_turn) {
    const std::size_t rows = std::min(rows_of_turn, n - first);
    LinearTerm turn = term;
    turn.out = term.out + first * term.out_stride;
    if (rows < n) turn.next = {};  // the next norm is of all of them
    const Status status = add_turn(x + first * weight.cols(), rows, turn);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status TensorParallelOps::add_turn(const float* x, std::size_t n, const LinearTerm& term) {
  const SharedWeight& weight = shared_weight(term.weight);
  const std::uint32_t own = weight.part(0).segment_count();
  const std::size_t floats = own * n * weight.rows();
  Status status = on_all([&](std::size_t device, CudaOps& ops) {
    return ops.linear_segments(buffers_.part_on(device, x), n, weight.part(device),
                               exchange_[device].as<float>() + device * floats);
  });
  if (status == Status::kOk) status = exchange_sums(floats);
  if (status != Status::kOk) return status;
  return on_all([&](std::size_t device, CudaOps& ops) {
    return ops.add_segments(exchange_[device].as<const float>(), own * parts(), n,
                            on(device, term));
  });
}

// In turns in which devices are pairs: pairs copy at the same time.
Status TensorParallelOps::exchange_sums(std::size_t floats) {
  for (std::size_t turn = 1; turn < count(); ++turn) {
    for (std::size_t device = 0; device < count(); ++device) {
      const std::size_t other = device ^ turn;
      const std::size_t place = other * floats;
      const Status status = fetch(device, exchange_[device].as<float>() + place, other,
                                  exchange_[other].as<const float>() + place, floats);
      if (status != Status::kOk) return status;
    }
  }
  return Status::kOk;
}

Status TensorParallelOps::fetch(std::size_t to_device, float* to, std::size_t from_device,
                                const float* from, std::size_t floats) {
  return on_one(to_device, [&](CudaOps& ops) {
    return ops.device().copy_from(devices_[from_device]->device(), to, from,
                                  floats * sizeof(float));
  });
}

// ---- logits -------------------------------------------------------------------------------------

// Device 0 writes its columns where the caller wants them; another one's lie closely packed in its
// own memory of the same buffer until device 0 takes them.
Status TensorParallelOps::logits(const float* x, const std::int32_t* row_indexes,
                                 std::size_t logit_count, const RmsNorm& norm, const Weight& head,
                                 float* out) {
  const SharedWeight& weight = shared_weight(&head);
  KERNELS_CHECK(weight.split() == WeightSplit::kNone);
  const auto run_of = [&](std::size_t device) {
    return tiles_of_device(weight.part(device).shape(), device, count());
  };
  const auto cols_of = [&](TileRun run) {
    return weight.part(0).matrix(run.first, run.count).shape.rows;
  };
  Status status = on_all([&](std::size_t device, CudaOps& ops) {
    const TileRun run = run_of(device);
    if (run.count == 0) return Status::kOk;
    return ops.logits_of_tiles(buffers_.on(device, x), row_indexes, logit_count, on(device, norm),
                               weight.part(device), run.first, run.count, buffers_.on(device, out),
                               device == 0 ? weight.rows() : cols_of(run));
  });
  for (std::size_t device = 1; device < count() && status == Status::kOk; ++device) {
    const TileRun run = run_of(device);
    if (run.count == 0) break;
    status = gather_logits(device, logit_count, std::size_t{run.first} * kTileRows, cols_of(run),
                           out, weight.rows());
  }
  return status;
}

Status TensorParallelOps::gather_logits(std::size_t device, std::size_t n, std::size_t first,
                                        std::size_t cols, float* out, std::size_t out_stride) {
  const std::size_t rows_of_turn = exchange_floats_ / cols;
  if (rows_of_turn == 0) return Status::kUnsupported;
  const float* const part = buffers_.on(device, out);
  float* const landing = exchange_[0].as<float>();
  for (std::size_t row = 0; row < n; row += rows_of_turn) {
    const std::size_t rows = std::min(rows_of_turn, n - row);
    Status status = fetch(0, landing, device, part + row * cols, rows * cols);
    if (status != Status::kOk) return status;
    JoinCall join;
    join.part = landing;
    join.n = {narrow(rows), nullptr};
    join.cols = narrow(cols);
    join.out = out + row * out_stride;
    join.out_stride = narrow(out_stride);
    join.first = narrow(first);
    status = on_one(0, [&](CudaOps& ops) { return ops.join(join); });
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status TensorParallelOps::logit_stats(const float* logits, std::size_t logit_count,
                                      std::size_t vocab, float* max, float* log_sum_exp) {
  return on_one(0, [&](CudaOps& ops) {
    return ops.logit_stats(logits, logit_count, vocab, max, log_sum_exp);
  });
}

Status TensorParallelOps::sample(const float* logits, std::size_t vocab, const SampleRow* rows,
                                 std::size_t sample_count, std::int32_t* tokens) {
  return on_one(
      0, [&](CudaOps& ops) { return ops.sample(logits, vocab, rows, sample_count, tokens); });
}

// ---- attention ----------------------------------------------------------------------------------

Status TensorParallelOps::rope_store(const RopeStore& args, const Rows& rows, KvCache& cache,
                                     std::size_t layer) {
  KERNELS_CHECK(args.q_heads % count() == 0 && args.q_stride % count() == 0 &&
                args.kv_stride % count() == 0);
  const auto& shared = static_cast<const SharedKvCache&>(cache);
  return on_all([&](std::size_t device, CudaOps& ops) {
    RopeStore part = args;
    part.q = buffers_.part_on(device, args.q);
    part.q_stride = args.q_stride / count();
    part.q_heads = args.q_heads / count();
    part.k = buffers_.part_on(device, args.k);
    part.v = buffers_.part_on(device, args.v);
    part.kv_stride = args.kv_stride / count();
    part.q_norm = on(device, args.q_norm);
    part.k_norm = on(device, args.k_norm);
    part.rope.cos_sin = buffers_.on(device, args.rope.cos_sin);
    return ops.rope_store(part, on(device, rows), shared.part(device), layer);
  });
}

Status TensorParallelOps::attention(const Attention& args, const Rows& rows, const KvCache& cache,
                                    std::size_t layer) {
  KERNELS_CHECK(args.q_heads % count() == 0 && args.q_stride % count() == 0 &&
                args.out_stride % count() == 0);
  const auto& shared = static_cast<const SharedKvCache&>(cache);
  return on_all([&](std::size_t device, CudaOps& ops) {
    Attention part = args;
    part.q = buffers_.part_on(device, args.q);
    part.q_stride = args.q_stride / count();
    part.q_heads = args.q_heads / count();
    part.out = buffers_.part_on(device, args.out);
    part.out_stride = args.out_stride / count();
    return ops.attention(part, on(device, rows), shared.part(device), layer);
  });
}

}  // namespace kernels::cuda
