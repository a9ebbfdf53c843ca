// What one device of several does of a model that they share (tensor_parallel.h), and logits, of
// which it may do a part.
#include "kernels/check.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/narrow.h"

namespace kernels::cuda {

std::size_t CudaOps::part_bytes(Format format, std::size_t rows, std::size_t cols,
                                WeightSplit split, std::uint32_t count) const {
  return loader_->bytes(format, rows, cols, split, count);
}

Status CudaOps::load_part(const WeightSource& source, WeightPart part,
                          std::unique_ptr<Weight>* out) {
  KERNELS_CHECK(!recorder_.recording());
  return loader_->load(source, out, part);
}

Status CudaOps::linear_segments(const float* x, std::size_t n, const CudaWeight& part,
                                float* sums) {
  KERNELS_CHECK(!recorder_.recording());
  LinearMatrix matrix = part.matrix();
  matrix.out = sums;
  matrix.out_stride = matrix.shape.rows;
  LinearCall call;
  call.mode = LinearMode::kSegments;
  call.matrices = &matrix;
  call.matrix_count = 1;
  const Status status = residual_input(x, matrix.shape, row_count(n), &call);
  return status == Status::kOk ? run_linear(*device_, kernels_.linear, call) : status;
}

Status CudaOps::add_segments(const float* sums, std::uint32_t segment_count, std::size_t n,
                             const LinearTerm& term) {
  KERNELS_CHECK(!recorder_.recording() && term.weight != nullptr);
  const auto& part = static_cast<const CudaWeight&>(*term.weight);
  AddSegmentsCall call;
  call.sums = sums;
  call.segments = segment_count;
  call.n = row_count(n);
  call.rows = part.shape().rows;
  call.row_scales = part.row_scales();
  call.bias = term.bias;
  call.out = term.out;
  call.out_stride = narrow(term.out_stride);
  call.next = next_norm(term.next, term.out_stride, part.rows());
  const Status status = run_add_segments(*device_, kernels_.rows, call);
  prepared_ = {term.out, call.next.weight, call.n.rows_max};
  return status;
}

Status CudaOps::logits_of_tiles(const float* x, const std::int32_t* row_indexes, std::size_t count,
                                const RmsNorm& norm, const CudaWeight& head,
                                std::uint32_t first_tile, std::uint32_t tiles, float* out,
                                std::size_t out_stride) {
  const RowCount rows = logit_count(count);
  if (stepping_) {
    KERNELS_CHECK(row_indexes == step_.logit_rows && count == step_.logit_count);
  } else {
    const Status status = inputs_.upload({nullptr, 0, row_indexes, count});
    if (status != Status::kOk) return status;
  }
  const Status status = normalise(x, inputs_.logit_rows(), rows, head.cols(), norm);
  if (status != Status::kOk) return status;
  LinearMatrix matrix = head.matrix(first_tile, tiles);
  matrix.out = out;
  matrix.out_stride = narrow(out_stride);
  return run_linear(*device_, kernels_.linear,
                    normed_call(LinearMode::kStore, &matrix, 1, rows, head.cols(), norm));
}

Status CudaOps::join(const JoinCall& call) {
  KERNELS_CHECK(!recorder_.recording());
  return run_join(*device_, kernels_.rows, call);
}

}  // namespace kernels::cuda
