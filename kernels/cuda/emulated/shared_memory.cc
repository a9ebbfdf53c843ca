#include "kernels/cuda/emulated/shared_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/check.h"

namespace kernels::cuda::emulated {
namespace {

constexpr std::size_t kGuardBytes = 64 * 1024;
constexpr std::size_t kMapping = kGuardBytes + SharedMemory::kBytesMax + kGuardBytes;
constexpr std::size_t kAlignment = 1024;

std::size_t rounded(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

SharedMemory::SharedMemory() {
  void* mapping =
      mmap(nullptr, kMapping, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  KERNELS_CHECK(mapping != MAP_FAILED);
  mapping_ = static_cast<unsigned char*>(mapping);
  KERNELS_CHECK(mprotect(mapping_ + kGuardBytes, kBytesMax, PROT_READ | PROT_WRITE) == 0);
}

SharedMemory::~SharedMemory() {
  munmap(mapping_, kMapping);
}

void SharedMemory::begin(std::size_t bytes) {
  KERNELS_CHECK(bytes <= kBytesMax);
  bytes_ = bytes;
  data_ = mapping_ + kGuardBytes + kBytesMax - rounded(bytes);
  std::memset(data_, kPoison, rounded(bytes));
}

bool SharedMemory::end() {
  const bool whole = std::all_of(data_ + bytes_, data_ + rounded(bytes_),
                                 [](unsigned char byte) { return byte == kPoison; });
  std::memset(data_, kPoison, bytes_);
  return whole;
}

bool SharedMemory::holds(const void* pointer, std::size_t bytes) const {
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(data_);
  return offset <= bytes_ && bytes <= bytes_ - offset;
}

bool SharedMemory::in_guard(const void* address) const {
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(mapping_);
  return offset < kMapping && (offset < kGuardBytes || offset >= kGuardBytes + kBytesMax);
}

}  // namespace kernels::cuda::emulated
