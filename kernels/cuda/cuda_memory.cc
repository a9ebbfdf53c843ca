#include "kernels/cuda/cuda_memory.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "kernels/check.h"

namespace kernels::cuda {

DeviceRange::~DeviceRange() {
  if (arena_ != nullptr && bytes_ > 0) arena_->give_back({offset_, bytes_});
}

DeviceRange::DeviceRange(DeviceRange&& other) noexcept
    : arena_(std::exchange(other.arena_, nullptr)),
      offset_(std::exchange(other.offset_, 0)),
      bytes_(std::exchange(other.bytes_, 0)) {}

DeviceRange& DeviceRange::operator=(DeviceRange&& other) noexcept {
  std::swap(arena_, other.arena_);
  std::swap(offset_, other.offset_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void* DeviceRange::data() const {
  return arena_ == nullptr ? nullptr : arena_->data_ + offset_;
}

Status DeviceArena::create(Device& device, std::uint64_t bytes, std::unique_ptr<DeviceArena>* out) {
  const auto whole = static_cast<std::size_t>(bytes / kAlignment * kAlignment);
  if (whole == 0) return Status::kOutOfMemory;
  void* data = nullptr;
  const Status status = device.allocate(whole, &data);
  if (status != Status::kOk) return status;
  out->reset(new (std::nothrow) DeviceArena(device, data, whole));
  if (*out != nullptr) return Status::kOk;
  device.free(data);
  return Status::kOutOfMemory;
}

DeviceArena::DeviceArena(Device& device, void* data, std::size_t bytes)
    : device_(device), data_(static_cast<std::uint8_t*>(data)), free_{{0, bytes}} {}

DeviceArena::~DeviceArena() {
  device_.free(data_);
}

Status DeviceArena::take(std::size_t bytes, DeviceRange* out) {
  if (bytes > std::numeric_limits<std::size_t>::max() - kAlignment) return Status::kOutOfMemory;
  const std::size_t wanted = std::max(rounded(bytes), kAlignment);
  const auto fits = [wanted](const Span& span) { return span.bytes >= wanted; };
  const auto span = std::find_if(free_.begin(), free_.end(), fits);
  if (span == free_.end()) return Status::kOutOfMemory;
  const std::size_t offset = span->offset;
  const Status status = device_.fill(data_ + offset, 0, wanted);
  if (status != Status::kOk) return status;
  span->offset += wanted;
  span->bytes -= wanted;
  if (span->bytes == 0) free_.erase(span);
  *out = DeviceRange(this, offset, wanted);
  return Status::kOk;
}

std::size_t DeviceArena::free_bytes() const {
  std::size_t bytes = 0;
  for (const Span& span : free_) bytes += span.bytes;
  return bytes;
}

void DeviceArena::give_back(Span span) {
  auto next = std::find_if(free_.begin(), free_.end(),
                           [&span](const Span& other) { return other.offset > span.offset; });
  if (next != free_.end() && span.offset + span.bytes == next->offset) {
    span.bytes += next->bytes;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    Span& former = *std::prev(next);
    KERNELS_CHECK(former.offset + former.bytes <= span.offset);
    if (former.offset + former.bytes == span.offset) {
      former.bytes += span.bytes;
      return;
    }
  }
  free_.insert(next, span);
}

}  // namespace kernels::cuda
