// A GPU as the backend uses it: memory, one stream of launches, recorded launches. Two of them: cuda_device.h (the CUDA
// runtime) and emulated/emulated_device.h (fibers on the host, for tests). Plain C++: includes nothing of CUDA.
//
// One thread. Everything is done in the order in which it was asked for. A call that returns kDevice has failed for
// good: every later call fails too, and the process that owns the context has to end (sticky errors; CUDA Runtime API,
// "Error handling"). failure() says what happened.
#ifndef KERNELS_CUDA_DEVICE_H_
#define KERNELS_CUDA_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kernels/ops.h"

namespace kernels::cuda {

// A kernel that was compiled for a device (`function`) or for the emulator (`run`). Static lifetime.
struct Kernel {
  const char* name = nullptr;      // unique among all kernels, as in the machine code's section names where possible
  const void* function = nullptr;  // the host's handle of a __global__ function
  void (*run)(const void* arguments) = nullptr;
  std::size_t argument_bytes = 0;
  std::size_t shared_bytes_max = 0;  // the most dynamic shared memory a launch asks for
};

struct LaunchShape {
  std::uint32_t grid_x = 1, grid_y = 1, grid_z = 1;
  std::uint32_t threads = 32;       // of a block
  std::uint32_t cluster = 1;        // blocks of a cluster, along x; divides grid_x
  std::uint32_t shared_bytes = 0;   // dynamic
  bool overlap = true;              // may begin before the kernel before it has ended; it calls wait_for_former()
};

struct DeviceFacts {
  std::string name;         // "NVIDIA H200"
  std::string uuid;         // "GPU-…"
  int ordinal = 0;
  int capability = 0;       // compute capability as 10 * major + minor: 90
  std::uint32_t processors = 0;  // SMs. No order of summation may depend on it (kernels/ops.h)
  std::uint32_t shared_bytes_per_block = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_free_bytes = 0;  // when the device was opened
};

// Launches that were recorded once and can be made again together. Destroyed before its Device.
class Recording {
 public:
  virtual ~Recording() = default;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceFacts& facts() const = 0;
  virtual const std::string& failure() const = 0;  // empty while all is well
  virtual bool hung() const { return false; }      // the failure is that a deadline passed

  // 256-byte aligned, zero-filled. kOutOfMemory is not sticky.
  virtual Status allocate(std::size_t bytes, void** out) = 0;
  virtual void free(void* memory) = 0;
  // Host memory the device copies from and to by itself; 4,096-byte aligned.
  virtual Status allocate_pinned(std::size_t bytes, void** out) = 0;
  virtual void free_pinned(void* memory) = 0;

  // `from` may be changed as soon as it returns.
  virtual Status copy_in(void* to, const void* from, std::size_t bytes) = 0;
  // `from` is pinned and stays as it is until a later copy_out or synchronize has returned.
  virtual Status copy_in_pinned(void* to, const void* from, std::size_t bytes) = 0;
  // Waits for everything before it.
  virtual Status copy_out(void* to, const void* from, std::size_t bytes) = 0;
  virtual Status fill(void* to, int byte, std::size_t bytes) = 0;
  // Copies from another device's memory, after everything that was asked of either so far and before everything that is
  // asked of either from now on; the caller waits for nothing. Both are used by one thread and of one kind(), and neither
  // records. kDevice where either has failed, and where the copy fails: failure() of the one that did says why.
  virtual Status copy_from(Device& other, void* to, const void* from, std::size_t bytes) = 0;

  // An address for each implementation: only devices of one kind copy from each other.
  virtual const void* kind() const = 0;

  virtual Status launch(const Kernel& kernel, const LaunchShape& shape, const void* arguments) = 0;
  // Waits until all is done, no longer than the deadline: then kDevice, "the GPU did not finish within … ms".
  virtual Status synchronize() = 0;

  // Between the two, launches are recorded and not made. kUnsupported: this device cannot; then nothing was begun.
  virtual Status begin_recording() = 0;
  virtual Status end_recording(std::unique_ptr<Recording>* out) = 0;
  virtual Status replay(const Recording& recording) = 0;

  // `launch` with arguments by value.
  template <typename Arguments>
  Status launch_with(const Kernel& kernel, const LaunchShape& shape, const Arguments& arguments) {
    return kernel.argument_bytes == sizeof arguments ? launch(kernel, shape, &arguments) : Status::kUnsupported;
  }
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_DEVICE_H_
