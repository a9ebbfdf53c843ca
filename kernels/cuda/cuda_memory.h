// Device memory for everything the backend keeps: one arena, taken when the backend is made, so
// that whatever fits then fits for good. Ranges of it are handed out first fit, in multiples of 256
// bytes, and merge when they come back.
#ifndef KERNELS_CUDA_CUDA_MEMORY_H_
#define KERNELS_CUDA_CUDA_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/device.h"

namespace kernels::cuda {

class DeviceArena;

// A range of the arena; goes back when destroyed, before its arena.
class DeviceRange {
 public:
  DeviceRange() = default;
  ~DeviceRange();
  DeviceRange(DeviceRange&& other) noexcept;
  DeviceRange& operator=(DeviceRange&& other) noexcept;

  // 256-byte aligned.
  void* data() const;
  template <typename T>
  T* as() const {
    return static_cast<T*>(data());
  }
  // What it takes of the arena.
  std::size_t bytes() const { return bytes_; }

 private:
  friend class DeviceArena;
  DeviceRange(DeviceArena* arena, std::size_t offset, std::size_t bytes)
      : arena_(arena), offset_(offset), bytes_(bytes) {}

  DeviceArena* arena_ = nullptr;
  std::size_t offset_ = 0;
  std::size_t bytes_ = 0;
};

class DeviceArena {
 public:
  static constexpr std::size_t kAlignment = 256;
  // What a range of `bytes` takes.
  static std::size_t rounded(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }

  // kOutOfMemory where the device has not as much in one piece.
  static Status create(Device& device, std::uint64_t bytes, std::unique_ptr<DeviceArena>* out);
  ~DeviceArena();
  DeviceArena(const DeviceArena&) = delete;
  DeviceArena& operator=(const DeviceArena&) = delete;

  // Zero-filled. kOutOfMemory: nothing is taken.
  Status take(std::size_t bytes, DeviceRange* out);
  std::size_t free_bytes() const;

 private:
  friend class DeviceRange;
  struct Span {
    std::size_t offset;
    std::size_t bytes;
  };

  DeviceArena(Device& device, void* data, std::size_t bytes);
  void give_back(Span span);

  Device& device_;
  std::uint8_t* data_;
  std::vector<Span> free_;  // ascending, none touches the next
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_MEMORY_H_
