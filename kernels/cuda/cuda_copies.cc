#include <algorithm>
#include <cstring>

#include "kernels/check.h"
#include "kernels/cuda/cuda_stream.h"

namespace kernels::cuda {
namespace {

constexpr std::size_t kStagingAlign = 16;

// Every CudaDevice has its address as its kind.
constexpr char kKind = 0;

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

// ---- copies between devices

const void* CudaDevice::kind() const {
  return &kKind;
}

// Lets this device's copies read the other's memory without the host between them, where the two
// are connected so; elsewhere the driver stages them (CUDA Runtime API, "Peer Device Memory
// Access").
Status CudaDevice::reach(const CudaDevice& other) {
  const int peer = other.options_.ordinal;
  if (std::find(peers_.begin(), peers_.end(), peer) != peers_.end()) return Status::kOk;
  int can = 0;
  if (const auto error = cudaDeviceCanAccessPeer(&can, options_.ordinal, peer);
      error != cudaSuccess) {
    return fail("cudaDeviceCanAccessPeer", other.facts_.name, error);
  }
  if (can != 0) {
    const cudaError_t error = cudaDeviceEnablePeerAccess(peer, 0);
    if (error == cudaErrorPeerAccessAlreadyEnabled) {
      (void)cudaGetLastError();
    } else if (error != cudaSuccess) {
      return fail("cudaDeviceEnablePeerAccess", other.facts_.name, error);
    }
  }
  peers_.push_back(peer);
  return Status::kOk;
}

// A stream waits for an event as it was when it was told to: the event may be recorded again at
// once. It is recorded by the device it is of, and may be waited for by any (CUDA C++ Programming
// Guide, "Stream and Event Behavior").
Status CudaDevice::hold_back(CudaDevice& follower) {
  if (!ready()) return Status::kDevice;
  if (const auto error = cudaEventRecord(reached_, stream_); error != cudaSuccess) {
    return fail("cudaEventRecord", last_kernel_, error);
  }
  if (!follower.ready()) return Status::kDevice;
  return follower.checked("cudaStreamWaitEvent", follower.last_kernel_,
                          cudaStreamWaitEvent(follower.stream_, reached_, 0));
}

Status CudaDevice::copy_from(Device& other, void* to, const void* from, std::size_t bytes) {
  KERNELS_CHECK(other.kind() == kind() && &other != this);
  auto& source = static_cast<CudaDevice&>(other);
  KERNELS_CHECK(!recording_ && !source.recording_);
  if (!source.ready() || !ready()) return Status::kDevice;
  if (bytes == 0) return Status::kOk;
  if (const auto status = reach(source); status != Status::kOk) return status;
  if (const auto status = source.hold_back(*this); status != Status::kOk) return status;
  if (const auto error =
          cudaMemcpyPeerAsync(to, options_.ordinal, from, source.options_.ordinal, bytes, stream_);
      error != cudaSuccess) {
    return fail("cudaMemcpyPeerAsync", last_kernel_, error);
  }
  return hold_back(source);
}

}  // namespace kernels::cuda
