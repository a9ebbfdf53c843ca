// The linear operations of the CPU backend.
#include <algorithm>

#include "kernels/check.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/storage.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kTermsMax = 4;
constexpr std::size_t kTasksPerThread = 8;  // enough that no thread waits long for the last
constexpr std::size_t kTaskBytes =
    512 << 10U;  // weights of a task stay in the second-level cache over all rows
constexpr std::size_t kSmallRow = 4;  // fewer rows are prepared faster than another thread wakes

const PackedWeight& packed_of(const Weight& weight) {
  return static_cast<const CpuWeight&>(weight).packed();
}

bool is_quantised(const PackedWeight& weight) {
  return format_info(weight.format).block_elements > 1;
}

LinearJob job_of(const LinearTerm& term, Epilogue epilogue) {
  KERNELS_CHECK(term.weight != nullptr && term.out != nullptr &&
                term.out_stride >= term.weight->rows());
  return {epilogue, &packed_of(*term.weight), nullptr, term.bias, term.out, term.out_stride};
}

// Panels of the tasks of one matrix: `long_tasks` of long_panels, then the rest in tasks of
// short_panels.
struct TaskPlan {
  std::size_t panels;
  std::size_t long_tasks;
  std::size_t long_panels;
  std::size_t short_panels;

  std::size_t tasks() const {
    return long_tasks + (panels - long_tasks * long_panels + short_panels - 1) / short_panels;
  }
  std::size_t first_panel(std::size_t task) const {
    if (task < long_tasks) return task * long_panels;
    return std::min(panels, long_tasks * long_panels + (task - long_tasks) * short_panels);
  }
};

// One row only reads weights, and each beginning of a task waits for memory: a thread takes most of
// its share at once, and the rest in pieces, so that threads end together. With more rows, as
// many panels as the cache holds while all rows go over them; kernels take panels by twos.
TaskPlan plan_tasks(const PackedWeight& weight, std::size_t n, std::size_t threads) {
  const std::size_t share = weight.panels / threads;
  const std::size_t piece = std::max<std::size_t>(1, share / kTasksPerThread);
  if (n == 1) return {weight.panels, threads, share - share / kTasksPerThread, piece};
  const std::size_t cached = std::max<std::size_t>(1, kTaskBytes / weight.panel_bytes);
  return {weight.panels, 0, 0, (std::min(piece, cached) + 1) / 2 * 2};
}

}  // namespace

Status CpuOps::norm_linear(const float* x, std::size_t n, const RmsNorm& norm,
                           const LinearTerm* terms, std::size_t term_count) {
  KERNELS_CHECK(term_count >= 1 && term_count <= kTermsMax);
  LinearJob jobs[kTermsMax];
  for (std::size_t t = 0; t < term_count; ++t) jobs[t] = job_of(terms[t], Epilogue::kStore);
  run_linear({x, nullptr, n, norm}, jobs, term_count);
  return Status::kOk;
}

Status CpuOps::linear_residual(const float* x, std::size_t n, const LinearTerm& term) {
  const LinearJob job = job_of(term, Epilogue::kAdd);
  run_linear({x, nullptr, n, RmsNorm{}}, &job, 1);
  return Status::kOk;
}

Status CpuOps::norm_gated_mlp(const float* x, std::size_t n, const RmsNorm& norm,
                              const Weight& gate, const Weight& up, Activation activation,
                              float* out) {
  KERNELS_CHECK(activation == Activation::kSilu && gate.rows() == up.rows() &&
                gate.cols() == up.cols());
  const LinearJob job{Epilogue::kGated, &packed_of(gate), &packed_of(up), nullptr, out,
                      gate.rows()};
  run_linear({x, nullptr, n, norm}, &job, 1);
  return Status::kOk;
}

Status CpuOps::logits(const float* x, const std::int32_t* row_indexes, std::size_t count,
                      const RmsNorm& norm, const Weight& head, float* out) {
  for (std::size_t m = 0; m < count; ++m) KERNELS_CHECK(row_indexes[m] >= 0);
  const LinearJob job{Epilogue::kStore, &packed_of(head), nullptr, nullptr, out, head.rows()};
  run_linear({x, row_indexes, count, norm}, &job, 1);
  return Status::kOk;
}

void CpuOps::run_linear(const Input& input, const LinearJob* jobs, std::size_t job_count) {
  const std::size_t cols = jobs[0].weight->cols;
  KERNELS_CHECK(input.n >= 1 && input.n <= limits_.rows_max && cols <= limits_.cols_max);
  bool quant = false;
  bool floats = false;
  TaskPlan plans[kTermsMax];
  std::size_t first_task[kTermsMax + 1] = {};
  for (std::size_t j = 0; j < job_count; ++j) {
    const PackedWeight& weight = *jobs[j].weight;
    KERNELS_CHECK(weight.cols == cols);
    for (const PackedWeight* each : {jobs[j].weight, jobs[j].up}) {
      if (each == nullptr) continue;
      quant = quant || is_quantised(*each);
      floats = floats || !is_quantised(*each);
    }
    plans[j] = plan_tasks(weight, input.n, pool_->threads());
    first_task[j + 1] = first_task[j] + plans[j].tasks();
  }
  prepare_rows(input, cols, quant, floats);

  const Activations x{scratch_.quant, scratch_.floats, input.n, cols};
  pool_->parallel_for(first_task[job_count], [&](std::size_t task, std::size_t) {
    std::size_t j = 0;
    while (task >= first_task[j + 1]) ++j;
    const std::size_t mine = task - first_task[j];
    kernels_.linear(jobs[j], x, plans[j].first_panel(mine), plans[j].first_panel(mine + 1));
  });
}

void CpuOps::prepare_rows(const Input& input, std::size_t cols, bool quant, bool floats) {
  const auto prepare = [&](std::size_t i, std::size_t) {
    const std::size_t row =
        input.indexes == nullptr ? i : static_cast<std::size_t>(input.indexes[i]);
    RowJob job{input.x + row * cols, cols, input.norm, nullptr, nullptr, 0};
    const std::size_t tile = i / kTileRows * kTileRows;
    job.stride = std::min(kTileRows, input.n - tile);
    if (quant) job.quant = scratch_.quant + tile * (cols / kBlock) + (i - tile);
    if (floats) job.floats = scratch_.floats + tile * cols + (i - tile);
    kernels_.prepare_row(job);
  };
  if (input.n <= kSmallRow) {
    for (std::size_t i = 0; i < input.n; ++i) prepare(i, 0);
    return;
  }
  // As floats, the rows of a tile share cache lines: where there are several tiles, one thread
  // writes a whole one.
  const std::size_t together = floats && input.n > kTileRows ? kTileRows : 1;
  const std::size_t tasks = (input.n + together - 1) / together;
  pool_->parallel_for(tasks, [&](std::size_t task, std::size_t thread) {
    const std::size_t last = std::min((task + 1) * together, input.n);
    for (std::size_t i = task * together; i < last; ++i) prepare(i, thread);
  });
}

}  // namespace kernels::cpu
