#include <algorithm>
#include <cstring>

#include "kernels/check.h"
#include "kernels/cuda/cuda_stream.h"

namespace kernels::cuda {
namespace {

constexpr std::size_t kStagingAlign = 16;

}  // namespace

// ---- memory

Status CudaDevice::open_staging() {
  void* memory = nullptr;
  const std::size_t bytes = (kStagingSlots + 1) * kStagingSlotBytes;
  if (const auto error = cudaHostAlloc(&memory, bytes, cudaHostAllocDefault);
      error != cudaSuccess) {
    return fail("cudaHostAlloc", "staging memory", error);
  }
  staging_out_ = static_cast<std::uint8_t*>(memory);
  for (std::size_t i = 0; i < kStagingSlots; ++i) {
    slots_[i].memory = staging_out_ + (i + 1) * kStagingSlotBytes;
    if (const auto error = cudaEventCreateWithFlags(&slots_[i].free, cudaEventDisableTiming);
        error != cudaSuccess) {
      return fail("cudaEventCreate", "", error);
    }
  }
  return Status::kOk;
}

Status CudaDevice::allocate(std::size_t bytes, void** out) {
  *out = nullptr;
  if (!ready()) return Status::kDevice;
  KERNELS_CHECK(!recording_);
  const std::size_t asked = std::max<std::size_t>(bytes, 1);
  if (const auto status = out_of_memory_or("cudaMalloc", cudaMalloc(out, asked));
      status != Status::kOk)
    return status;
  return fill(*out, 0, asked);
}

void CudaDevice::free(void* memory) {
  if (memory == nullptr || !ready()) return;
  (void)checked("cudaFree", "", cudaFree(memory));
}

Status CudaDevice::allocate_pinned(std::size_t bytes, void** out) {
  *out = nullptr;
  if (!ready()) return Status::kDevice;
  const std::size_t asked = std::max<std::size_t>(bytes, 1);
  const auto status =
      out_of_memory_or("cudaHostAlloc", cudaHostAlloc(out, asked, cudaHostAllocDefault));
  if (status == Status::kOk) pinned_.push_back({static_cast<const std::uint8_t*>(*out), asked});
  return status;
}

void CudaDevice::free_pinned(void* memory) {
  if (memory == nullptr || !ready()) return;
  std::erase_if(pinned_, [memory](const Range& range) { return range.begin == memory; });
  (void)checked("cudaFreeHost", "", cudaFreeHost(memory));
}

bool CudaDevice::is_pinned(const void* memory, std::size_t bytes) const {
  const auto at = reinterpret_cast<std::uintptr_t>(memory);
  return std::any_of(pinned_.begin(), pinned_.end(), [at, bytes](const Range& range) {
    const auto begin = reinterpret_cast<std::uintptr_t>(range.begin);
    return at >= begin && bytes <= range.bytes && at - begin <= range.bytes - bytes;
  });
}

// ---- copies

// Slots are filled one after the other; an event behind the last copy of a slot says when it may be
// written again.
Status CudaDevice::take_staging(std::size_t bytes, std::uint8_t** out) {
  if (slot_used_ + bytes > kStagingSlotBytes) {
    if (const auto error = cudaEventRecord(slots_[slot_].free, stream_); error != cudaSuccess) {
      return fail("cudaEventRecord", last_kernel_, error);
    }
    slot_ = (slot_ + 1) % kStagingSlots;
    slot_used_ = 0;
    // An event that was never recorded counts as done.
    if (const auto status = wait(slots_[slot_].free); status != Status::kOk) return status;
  }
  *out = slots_[slot_].memory + slot_used_;
  slot_used_ += (bytes + kStagingAlign - 1) / kStagingAlign * kStagingAlign;
  return Status::kOk;
}

Status CudaDevice::copy_in(void* to, const void* from, std::size_t bytes) {
  KERNELS_CHECK(!recording_);  // staging memory would be read again when the recording is replayed
  const auto* source = static_cast<const std::uint8_t*>(from);
  auto* target = static_cast<std::uint8_t*>(to);
  while (bytes > 0) {
    if (!ready()) return Status::kDevice;
    const std::size_t count = std::min(bytes, kStagingSlotBytes);
    std::uint8_t* staging = nullptr;
    if (const auto status = take_staging(count, &staging); status != Status::kOk) return status;
    std::memcpy(staging, source, count);
    if (const auto status = copy_in_pinned(target, staging, count); status != Status::kOk)
      return status;
    source += count;
    target += count;
    bytes -= count;
  }
  return ready() ? Status::kOk : Status::kDevice;
}

Status CudaDevice::copy_in_pinned(void* to, const void* from, std::size_t bytes) {
  if (!ready()) return Status::kDevice;
  if (bytes == 0) return Status::kOk;
  return checked("cudaMemcpyAsync", last_kernel_,
                 cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_));
}

// Through pinned memory: a copy to any other holds the caller inside the driver for as long as it
// takes.
Status CudaDevice::copy_out(void* to, const void* from, std::size_t bytes) {
  KERNELS_CHECK(!recording_);
  if (!ready()) return Status::kDevice;
  const bool direct = is_pinned(to, bytes);
  const auto* source = static_cast<const std::uint8_t*>(from);
  auto* target = static_cast<std::uint8_t*>(to);
  while (bytes > 0) {
    const std::size_t count = direct ? bytes : std::min(bytes, kStagingSlotBytes);
    void* const landing = direct ? target : staging_out_;
    if (const auto error = cudaMemcpyAsync(landing, source, count, cudaMemcpyDeviceToHost, stream_);
        error != cudaSuccess) {
      return fail("cudaMemcpyAsync", last_kernel_, error);
    }
    if (const auto status = synchronize(); status != Status::kOk) return status;
    if (!direct) std::memcpy(target, landing, count);
    source += count;
    target += count;
    bytes -= count;
  }
  return Status::kOk;
}

Status CudaDevice::fill(void* to, int byte, std::size_t bytes) {
  if (!ready()) return Status::kDevice;
  if (bytes == 0) return Status::kOk;
  return checked("cudaMemsetAsync", last_kernel_, cudaMemsetAsync(to, byte, bytes, stream_));
}

}  // namespace kernels::cuda
