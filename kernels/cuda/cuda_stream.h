// The one Device of the CUDA runtime, as its sources see it: cuda_device.cc opens, launches, waits
// and records, cuda_copies.cc has its memory. Everybody else includes cuda_device.h.
#ifndef KERNELS_CUDA_CUDA_STREAM_H_
#define KERNELS_CUDA_CUDA_STREAM_H_

#include <cuda_runtime_api.h>

#include <array>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "kernels/cuda/cuda_device.h"

namespace kernels::cuda {

inline constexpr std::size_t kStagingSlots = 4;
inline constexpr std::size_t kStagingSlotBytes = std::size_t{4} << 20;

class CudaRecording final : public Recording {
 public:
  CudaRecording(cudaGraphExec_t graph, const std::string& failure)
      : graph_(graph), failure_(failure) {}
  CudaRecording(const CudaRecording&) = delete;
  CudaRecording& operator=(const CudaRecording&) = delete;
  ~CudaRecording() override {
    if (failure_.empty()) (void)cudaGraphExecDestroy(graph_);
  }
  cudaGraphExec_t graph() const { return graph_; }

 private:
  cudaGraphExec_t graph_;
  const std::string& failure_;  // the device's
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(const CudaDeviceOptions& options) : options_(options) {}
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;
  ~CudaDevice() override { close(); }

  Status open(const std::vector<const Kernel*>& kernels);

  const DeviceFacts& facts() const override { return facts_; }
  const std::string& failure() const override { return failure_; }
  bool hung() const override { return hung_; }

  Status allocate(std::size_t bytes, void** out) override;
  void free(void* memory) override;
  Status allocate_pinned(std::size_t bytes, void** out) override;
  void free_pinned(void* memory) override;
  Status copy_in(void* to, const void* from, std::size_t bytes) override;
  Status copy_in_pinned(void* to, const void* from, std::size_t bytes) override;
  Status copy_out(void* to, const void* from, std::size_t bytes) override;
  Status fill(void* to, int byte, std::size_t bytes) override;
  Status copy_from(Device& other, void* to, const void* from, std::size_t bytes) override;
  const void* kind() const override;
  Status launch(const Kernel& kernel, const LaunchShape& shape, const void* arguments) override;
  Status synchronize() override;
  Status begin_recording() override;
  Status end_recording(std::unique_ptr<Recording>* out) override;
  Status replay(const Recording& recording) override;

 private:
  // Part of the pinned memory that copies in go through, and the event that says when it may be
  // written again.
  struct Slot {
    std::uint8_t* memory = nullptr;
    cudaEvent_t free = nullptr;
  };

  // Ready for a call: not failed, and this GPU is the thread's.
  bool ready();
  Status fail(std::string_view call, std::string_view about, cudaError_t error);
  Status checked(std::string_view call, std::string_view about, cudaError_t error) {
    return error == cudaSuccess ? Status::kOk : fail(call, about, error);
  }
  Status prepare(const Kernel& kernel);
  Status open_staging();
  Status wait(cudaEvent_t event);
  // `bytes` of pinned memory, at most kStagingSlotBytes, that no copy under way reads.
  Status take_staging(std::size_t bytes, std::uint8_t** out);
  Status out_of_memory_or(std::string_view call, cudaError_t error);
  // Behind everything that was asked of this device so far; makes `follower` wait for that.
  Status hold_back(CudaDevice& follower);
  Status reach(const CudaDevice& other);
  bool is_pinned(const void* memory, std::size_t bytes) const;
  void close();

  CudaDeviceOptions options_;
  DeviceFacts facts_;
  std::string failure_;
  bool hung_ = false;
  const char* last_kernel_ = "";
  cudaStream_t stream_ = nullptr;
  cudaEvent_t done_ = nullptr;
  cudaEvent_t reached_ = nullptr;  // what another device's stream waits for
  std::vector<int> peers_;         // ordinals of those whose memory this one may read directly
  std::unordered_set<const void*> prepared_;
  std::array<Slot, kStagingSlots> slots_;
  std::size_t slot_ = 0;
  std::size_t slot_used_ = 0;
  std::uint8_t* staging_out_ = nullptr;  // kStagingSlotBytes
  struct Range {
    const std::uint8_t* begin;
    std::size_t bytes;
  };
  std::vector<Range> pinned_;
  bool recording_ = false;
};

}  // namespace kernels::cuda

#endif  // KERNELS_CUDA_CUDA_STREAM_H_
