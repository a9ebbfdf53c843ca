#include "kernels/cuda/cuda_ops.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/check.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_kv_cache.h"

namespace kernels::cuda {
namespace {

class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(DeviceRange range, std::size_t bytes)
      : Buffer(range.data(), bytes), range_(std::move(range)) {}

 private:
  DeviceRange range_;
};

// What is left to modules, graphs and the driver where the whole of a GPU is asked for.
std::uint64_t all_but_a_reserve(std::uint64_t free_bytes) {
  constexpr std::uint64_t kReserveMin = std::uint64_t{256} << 20;
  const std::uint64_t reserve = std::max(kReserveMin, free_bytes / 32);
  return free_bytes > 2 * reserve ? free_bytes - reserve : free_bytes / 2;
}

bool is_valid(const KvShape& shape) {
  constexpr std::size_t kMax = std::numeric_limits<std::int32_t>::max();
  const bool power_of_two = (shape.block_tokens & (shape.block_tokens - 1)) == 0;
  return shape.layers > 0 && shape.kv_heads > 0 && shape.head_dim > 0 && shape.blocks > 0 &&
         shape.layers <= kMax && shape.kv_heads <= kMax && shape.blocks <= kMax && power_of_two &&
         shape.block_tokens >= 16 && shape.block_tokens <= 256;
}

}  // namespace

CudaOps::CudaOps(std::unique_ptr<Device> device, const KernelSet& kernels,
                 const CudaOpsOptions& options)
    : options_(options),
      kernels_(kernels),
      name_(kernels.name),
      pool_(cpu::ThreadPool::create(std::max<std::size_t>(1, options.host_threads))),
      device_(std::move(device)),
      recorder_(*device_, options.limits.rows_max, options.record_steps) {
  if (options.fp8) name_ += "+fp8";
}

// What was launched may still read what is about to go.
CudaOps::~CudaOps() {
  (void)device_->synchronize();
}

Status CudaOps::take_scratch(std::size_t bytes, DeviceRange* out) {
  const Status status = arena_->take(bytes, out);
  scratch_bytes_ += out->bytes();
  return status;
}

Status CudaOps::create() {
  const Limits& limits = options_.limits;
  KERNELS_CHECK(limits.rows_max >= 1 && limits.cols_max >= 1);
  const std::uint64_t bytes = options_.memory_bytes > 0
                                  ? options_.memory_bytes
                                  : all_but_a_reserve(device_->facts().memory_free_bytes);
  Status status = DeviceArena::create(*device_, bytes, &arena_);
  if (status != Status::kOk) return status;
  loader_ =
      std::make_unique<WeightLoader>(*device_, *arena_, *pool_, limits.cols_max, options_.fp8);
  status = loader_->prepare();
  if (status != Status::kOk) return status;
  status = inputs_.create(*device_, *arena_, limits.rows_max);
  scratch_bytes_ += inputs_.device_bytes();

  activation_cols_ = (limits.cols_max + 255) / 256 * 256;  // of any record
  // No cache has more heads than there are queries.
  attention_workspace_bytes_ =
      attention_workspace_bytes(limits, limits.heads_max, device_->facts().processors);
  const std::size_t rows = limits.rows_max;
  const struct {
    std::size_t bytes;
    DeviceRange& range;
  } scratch[] = {
      {rows * activation_cols_ * sizeof(std::uint16_t), activations_},
      {rows * activation_cols_ * sizeof(std::uint16_t), normed_},
      {rows * activation_cols_ / kTileRows * sizeof(float), square_sums_},
      {rows * limits.cols_max * sizeof(float), gate_},
      {rows * limits.cols_max * sizeof(float), up_},
      {attention_workspace_bytes_, attention_workspace_},
      {2 * rows * sizeof(float), stats_},
      {rows * sizeof(SampleRow), sample_rows_},
      {rows * sizeof(std::int32_t), sample_tokens_},
  };
  for (const auto& each : scratch) {
    if (status == Status::kOk) status = take_scratch(each.bytes, &each.range);
  }
  host_stats_.resize(2 * rows);
  return status;
}

// ---- memory -------------------------------------------------------------------------------------

std::size_t CudaOps::weight_bytes(Format format, std::size_t rows, std::size_t cols) const {
  return loader_->bytes(format, rows, cols);
}

Status CudaOps::load_weight(const WeightSource& source, std::unique_ptr<Weight>* out) {
  KERNELS_CHECK(!recorder_.recording());
  return loader_->load(source, out);
}

Status CudaOps::allocate(std::size_t bytes, std::unique_ptr<Buffer>* out) {
  DeviceRange range;
  const Status status = arena_->take(bytes, &range);
  if (status == Status::kOk) *out = std::make_unique<CudaBuffer>(std::move(range), bytes);
  return status;
}

Status CudaOps::copy_in(void* to, const void* from_host, std::size_t bytes) {
  KERNELS_CHECK(!recorder_.recording());
  prepared_ = {};
  return device_->copy_in(to, from_host, bytes);
}

Status CudaOps::copy_out(void* to_host, const void* from, std::size_t bytes) {
  KERNELS_CHECK(!recorder_.recording());
  return device_->copy_out(to_host, from, bytes);
}

std::size_t CudaOps::kv_cache_bytes(const KvShape& shape, KvFormat format) const {
  if (!is_valid(shape)) return 0;
  return DeviceArena::rounded(kv_memory_bytes(shape, format));
}

Status CudaOps::create_kv_cache(const KvShape& shape, KvFormat format,
                                std::unique_ptr<KvCache>* out) {
  const std::size_t bytes = kv_cache_bytes(shape, format);
  if (bytes == 0) return Status::kUnsupported;
  DeviceRange range;
  const Status status = arena_->take(bytes, &range);
  if (status == Status::kOk) *out = std::make_unique<CudaKvCache>(shape, format, std::move(range));
  return status;
}

Status CudaOps::kv_copy_block(KvCache& cache, std::int32_t from, std::int32_t to) {
  const auto blocks = static_cast<std::int64_t>(cache.shape().blocks);
  KERNELS_CHECK(from >= 0 && from < blocks && to >= 0 && to < blocks && !recorder_.recording());
  return run_copy_block(*device_, kernels_.attention, static_cast<CudaKvCache&>(cache).memory(),
                        from, to);
}

// ---- steps --------------------------------------------------------------------------------------

// The operations of a step that is replayed are not called: what they would check is checked here.
void CudaOps::check_step(const Step& step) const {
  KERNELS_CHECK(step.rows.n >= 1 && step.rows.n <= options_.limits.rows_max);
  KERNELS_CHECK(step.logit_count <= options_.limits.rows_max);
  const bool embeds = step.tokens != nullptr && recorder_.knows(step);
  for (std::size_t i = 0; embeds && i < step.rows.n; ++i)
    KERNELS_CHECK(step.tokens[i] >= 0 && static_cast<std::size_t>(step.tokens[i]) < tokens_below_);
  for (std::size_t m = 0; step.logit_rows != nullptr && m < step.logit_count; ++m) {
    KERNELS_CHECK(step.logit_rows[m] >= 0 &&
                  static_cast<std::size_t>(step.logit_rows[m]) < step.rows.n);
  }
}

Status CudaOps::begin_step(const Step& step, bool* replayed) {
  *replayed = false;
  check_step(step);
  stepping_ = false;
  prepared_ = {};
  Status status = recorder_.abandon();  // of a step that an error ended
  if (status != Status::kOk) return status;
  status = inputs_.upload({step.tokens, step.rows.n, step.logit_rows, step.logit_count});
  if (status != Status::kOk) return status;
  step_ = step;
  stepping_ = true;
  return recorder_.begin(step, replayed);
}

Status CudaOps::end_step() {
  stepping_ = false;
  const Status status = recorder_.end();
  return device_->failure().empty() ? status : Status::kDevice;
}

void CudaOps::for_each_host(std::size_t tasks, HostTask run, const void* context) {
  pool_->parallel_for(tasks, [run, context](std::size_t task, std::size_t) { run(context, task); });
}

// ---- creation -----------------------------------------------------------------------------------

std::unique_ptr<Ops> make_cuda_ops(std::unique_ptr<Device> device, const KernelSet& kernels,
                                   const CudaOpsOptions& options, std::string* error) {
  auto ops = std::make_unique<CudaOps>(std::move(device), kernels, options);
  const Status status = ops->create();
  if (status == Status::kOk) return ops;
  *error = status == Status::kOutOfMemory
               ? "the GPU has not enough free memory for the working memory of its kernels"
               : "the GPU failed: " + std::string(ops->failure());
  return nullptr;
}

}  // namespace kernels::cuda
