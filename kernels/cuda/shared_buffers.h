// Buffers that every device of several has, known by the addresses that the first one's have.
//
// The caller sees device 0's memory, and may point into the middle of a buffer. A buffer is as
// large on every device; what lies at an offset on one lies there on all, except rows that are
// shared out by columns: of these a device has its columns alone, closely packed, so that a row
// that begins at an offset begins at its D-th part.
#ifndef KERNELS_CUDA_SHARED_BUFFERS_H_
#define KERNELS_CUDA_SHARED_BUFFERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/ops.h"

namespace kernels::cuda {

class SharedBuffers {
 public:
  explicit SharedBuffers(std::size_t devices) : devices_(devices) {}

  // `parts`: of each device, in order.
  void add(const std::vector<std::unique_ptr<Buffer>>& parts);
  void remove(const Buffer& first);

  // Where device `device` has what the caller calls `pointer`; null is null everywhere. A pointer
  // into no buffer is a bug of the caller.
  template <typename T>
  T* on(std::size_t device, T* pointer) const {
    return reinterpret_cast<T*>(translate(device, as_address(pointer), 1));
  }
  // The same of rows that are shared out.
  template <typename T>
  T* part_on(std::size_t device, T* pointer) const {
    return reinterpret_cast<T*>(translate(device, as_address(pointer), devices_));
  }

 private:
  struct Places {
    std::size_t bytes = 0;
    std::vector<std::uintptr_t> begin;  // on each device
  };

  static std::uintptr_t as_address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
  }
  std::uintptr_t translate(std::size_t device, std::uintptr_t pointer, std::size_t parts) const;

  std::size_t devices_;
  std::map<std::uintptr_t, Places> buffers_;  // by where they begin on device 0
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_SHARED_BUFFERS_H_
