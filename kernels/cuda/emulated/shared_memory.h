// The shared memory of one emulated block: it ends, up to its 1,024-byte alignment, at an
// inaccessible page, and what lies between is watched. So a kernel that reads or writes beyond what
// it asked for is found.
#ifndef KERNELS_CUDA_EMULATED_SHARED_MEMORY_H_
#define KERNELS_CUDA_EMULATED_SHARED_MEMORY_H_

#include <cstddef>

namespace kernels::cuda::emulated {

class SharedMemory {
 public:
  static constexpr std::size_t kBytesMax =
      228 * 1024;  // of any GPU's block (CUDA C++ Programming Guide, 16.1)
  // Every float made of it, of 8, 16 or 32 bits, is a NaN.
  static constexpr unsigned char kPoison = 0xff;

  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // For a block that begins: poison everywhere.
  void begin(std::size_t bytes);
  // For a block that has ended: poison again, so that nobody reads a block that is gone. False: it
  // wrote beyond its end.
  bool end();

  unsigned char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool holds(const void* pointer, std::size_t bytes) const;
  // Whether a fault at `address` is an access just beyond.
  bool in_guard(const void* address) const;

 private:
  unsigned char* mapping_ = nullptr;  // guard, memory, guard
  unsigned char* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kernels::cuda::emulated

#endif  // KERNELS_CUDA_EMULATED_SHARED_MEMORY_H_
