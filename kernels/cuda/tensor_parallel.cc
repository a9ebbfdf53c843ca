#include "kernels/cuda/tensor_parallel.h"

#include <algorithm>
#include <utility>

#include "kernels/check.h"
#include "kernels/cuda/tensor_parallel_ops.h"

namespace kernels::cuda {
namespace {

// Half of the largest vocabulary in use, several times over: a row of a device's logits crosses at
// once.
constexpr std::size_t kExchangeFloatsMin = std::size_t{1} << 19;
constexpr std::size_t kTriedFloats = std::size_t{1} << 14;

// Of one device.
CudaOpsOptions options_of_part(const CudaOpsOptions& options, std::size_t devices) {
  CudaOpsOptions part = options;
  part.limits.heads_max = (options.limits.heads_max + devices - 1) / devices;
  part.record_steps = false;
  return part;
}

// Bytes that no other device sends.
std::vector<float> pattern_of(std::size_t device) {
  std::vector<float> pattern(kTriedFloats);
  for (std::size_t i = 0; i < pattern.size(); ++i)
    pattern[i] = static_cast<float>(i + 1 + device * pattern.size());
  return pattern;
}

std::string gpu_name(CudaOps& ops) {
  return "GPU " + std::to_string(ops.device().facts().ordinal);
}

}  // namespace

TensorParallelOps::TensorParallelOps(std::vector<std::unique_ptr<Device>> devices,
                                     const KernelSet& kernels, const CudaOpsOptions& options)
    : limits_(options.limits), buffers_(devices.size()) {
  const CudaOpsOptions part = options_of_part(options, devices.size());
  for (auto& device : devices)
    devices_.push_back(std::make_unique<CudaOps>(std::move(device), kernels, part));
}

// Sums of segments: a device has as many floats as two rows of its widest matrix for each row of a
// call. Rows of the residual stream, of which it has up to four segments, are commonly narrower
// than half of that; where they are not, rows cross in several turns.
Status TensorParallelOps::create(std::string* error) {
  exchange_floats_ = std::max(2 * limits_.rows_max * limits_.cols_max, kExchangeFloatsMin);
  exchange_.resize(count());
  Status status = on_all([&](std::size_t device, CudaOps& ops) {
    const Status created = ops.create();
    if (created != Status::kOk) return created;
    return ops.take_exchange(exchange_floats_ * sizeof(float), &exchange_[device]);
  });
  for (std::size_t to = 0; to < count() && status == Status::kOk; ++to) {
    for (std::size_t from = 0; from < count() && status == Status::kOk; ++from) {
      if (to != from) status = try_way(to, from, error);
    }
  }
  return status;
}

// Some machines lose what GPUs send each other, and say nothing: those with an IOMMU between them
// (CUDA C++ Programming Guide, "IOMMU on Linux").
Status TensorParallelOps::try_way(std::size_t to_device, std::size_t from_device,
                                  std::string* error) {
  const std::vector<float> sent = pattern_of(from_device);
  std::vector<float> received(sent.size());
  const std::size_t bytes = sent.size() * sizeof(float);
  float* const from = exchange_[from_device].as<float>();
  float* const to = exchange_[to_device].as<float>() + sent.size();
  Status status =
      on_one(from_device, [&](CudaOps& ops) { return ops.copy_in(from, sent.data(), bytes); });
  if (status == Status::kOk) status = fetch(to_device, to, from_device, from, sent.size());
  if (status == Status::kOk)
    status =
        on_one(to_device, [&](CudaOps& ops) { return ops.copy_out(received.data(), to, bytes); });
  if (status != Status::kOk || received == sent) return status;
  *error = gpu_name(*devices_[to_device]) + " does not receive what " +
           gpu_name(*devices_[from_device]) +
           " sends: copies between these GPUs do not work on this machine (an IOMMU between them "
           "is a common cause)";
  return Status::kUnsupported;
}

// Of the device that failed first: nothing was asked of the others afterwards.
void TensorParallelOps::note_failure() {
  for (const auto& device : devices_) {
    if (device->failure().empty()) continue;
    failure_ = device->hung() ? "one of the GPUs that share each layer, of which each waits for all"
                              : gpu_name(*device);
    failure_ += ": " + std::string(device->failure());
    return;
  }
  failure_ = "a GPU failed";
}

bool TensorParallelOps::hung() const {
  return std::any_of(devices_.begin(), devices_.end(),
                     [](const auto& device) { return device->hung(); });
}

// ---- steps --------------------------------------------------------------------------------------

Status TensorParallelOps::begin_step(const Step& step, bool* replayed) {
  *replayed = false;
  return on_all([&](std::size_t device, CudaOps& ops) {
    Step part = step;
    part.rows = on(device, step.rows);
    bool part_replayed = false;
    const Status status = ops.begin_step(part, &part_replayed);
    KERNELS_CHECK(!part_replayed);
    return status;
  });
}

Status TensorParallelOps::end_step() {
  return on_all([](std::size_t, CudaOps& ops) { return ops.end_step(); });
}

// ---- creation -----------------------------------------------------------------------------------

std::unique_ptr<Ops> make_tensor_parallel_ops(std::vector<std::unique_ptr<Device>> devices,
                                              const KernelSet& kernels,
                                              const CudaOpsOptions& options, std::string* error) {
  if (devices.size() != 2 && devices.size() != 4) {
    *error = "two or four GPUs can share each layer, not " + std::to_string(devices.size());
    return nullptr;
  }
  auto ops = std::make_unique<TensorParallelOps>(std::move(devices), kernels, options);
  const Status status = ops->create(error);
  if (status == Status::kOk) return ops;
  if (status == Status::kOutOfMemory)
    *error = "one of the GPUs has not enough free memory for the working memory of its kernels";
  if (status == Status::kDevice) *error = "a GPU failed: " + std::string(ops->failure());
  return nullptr;
}

}  // namespace kernels::cuda
