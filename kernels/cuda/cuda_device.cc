#include "kernels/cuda/cuda_device.h"

#include <cuda_runtime_api.h>

#include <array>

#include "kernels/check.h"
#include "kernels/cuda/cuda_error.h"
#include "kernels/cuda/cuda_facts.h"
#include "kernels/cuda/cuda_stream.h"
#include "kernels/cuda/patience.h"

namespace kernels::cuda {
namespace {

constexpr int kHopper = 90;  // from here on: clusters, and launches that overlap
constexpr std::uint32_t kClosingDeadlineMs = 10'000;  // where the caller named none

}  // namespace

// ---- state

bool CudaDevice::ready() {
  if (!failure_.empty()) return false;
  // A thread may serve several GPUs in turn.
  thread_local int current = -1;
  if (current == options_.ordinal) return true;
  if (checked("cudaSetDevice", facts_.name, cudaSetDevice(options_.ordinal)) != Status::kOk)
    return false;
  current = options_.ordinal;
  return true;
}

Status CudaDevice::fail(std::string_view call, std::string_view about, cudaError_t error) {
  if (failure_.empty()) failure_ = cuda_error_text(call, about, error);
  return Status::kDevice;
}

// A refusal of memory leaves the device as it was.
Status CudaDevice::out_of_memory_or(std::string_view call, cudaError_t error) {
  if (error == cudaSuccess) return Status::kOk;
  if (error != cudaErrorMemoryAllocation) return fail(call, "", error);
  (void)cudaGetLastError();
  return Status::kOutOfMemory;
}

// ---- opening and closing

Status CudaDevice::open(const std::vector<const Kernel*>& kernels) {
  if (const auto status = checked("cudaInitDevice", "", cudaInitDevice(options_.ordinal, 0, 0));
      status != Status::kOk) {
    return status;
  }
  if (!ready()) return Status::kDevice;
  if (const cudaError_t error = read_device_facts(options_.ordinal, &facts_);
      error != cudaSuccess) {
    return fail("cudaGetDeviceProperties", "", error);
  }
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  if (const auto error = cudaMemGetInfo(&free_bytes, &total_bytes); error != cudaSuccess) {
    return fail("cudaMemGetInfo", "", error);
  }
  if (const auto error = cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
      error != cudaSuccess) {
    return fail("cudaStreamCreate", "", error);
  }
  for (cudaEvent_t* const event : {&done_, &reached_}) {
    if (const auto error = cudaEventCreateWithFlags(event, cudaEventDisableTiming);
        error != cudaSuccess) {
      return fail("cudaEventCreate", "", error);
    }
  }
  if (const auto status = open_staging(); status != Status::kOk) return status;
  for (const Kernel* kernel : kernels) {
    if (kernel->function == nullptr) continue;
    if (const auto status = prepare(*kernel); status != Status::kOk) return status;
  }
  // What is free once the machine code is in.
  if (const auto error = cudaMemGetInfo(&free_bytes, &total_bytes); error != cudaSuccess) {
    return fail("cudaMemGetInfo", "", error);
  }
  facts_.memory_free_bytes = free_bytes;
  return Status::kOk;
}

// Loads a kernel's machine code now (cudaFuncGetAttributes does, where modules are loaded lazily),
// and lets it have the shared memory it will ask for.
Status CudaDevice::prepare(const Kernel& kernel) {
  if (prepared_.contains(kernel.function)) return Status::kOk;
  KERNELS_CHECK(!recording_);
  cudaFuncAttributes attributes{};
  if (const auto error = cudaFuncGetAttributes(&attributes, kernel.function);
      error != cudaSuccess) {
    return fail("cudaFuncGetAttributes", kernel.name, error);
  }
  if (const auto error =
          cudaFuncSetAttribute(kernel.function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(kernel.shared_bytes_max));
      error != cudaSuccess) {
    return fail("cudaFuncSetAttribute", kernel.name, error);
  }
  prepared_.insert(kernel.function);
  return Status::kOk;
}

void CudaDevice::close() {
  if (!ready() || stream_ == nullptr || done_ == nullptr) return;
  if (options_.deadline_ms == 0) options_.deadline_ms = kClosingDeadlineMs;
  if (recording_) {
    cudaGraph_t graph = nullptr;
    (void)cudaStreamEndCapture(stream_, &graph);
    if (graph != nullptr) (void)cudaGraphDestroy(graph);
    recording_ = false;
  }
  if (synchronize() != Status::kOk) return;
  for (const Slot& slot : slots_) {
    if (slot.free != nullptr) (void)cudaEventDestroy(slot.free);
  }
  if (staging_out_ != nullptr) (void)cudaFreeHost(staging_out_);
  (void)cudaEventDestroy(done_);
  if (reached_ != nullptr) (void)cudaEventDestroy(reached_);
  (void)cudaStreamDestroy(stream_);
}

// ---- launches

Status CudaDevice::launch(const Kernel& kernel, const LaunchShape& shape, const void* arguments) {
  if (!ready()) return Status::kDevice;
  if (kernel.function == nullptr) return Status::kUnsupported;
  KERNELS_CHECK(shape.shared_bytes <= kernel.shared_bytes_max);
  if (const auto status = prepare(kernel); status != Status::kOk) return status;
  std::array<cudaLaunchAttribute, 2> attributes{};
  unsigned count = 0;
  if (shape.cluster > 1) {
    KERNELS_CHECK(facts_.capability >= kHopper && shape.grid_x % shape.cluster == 0);
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count].val.clusterDim.x = shape.cluster;
    attributes[count].val.clusterDim.y = 1;
    attributes[count].val.clusterDim.z = 1;
    ++count;
  }
  if (shape.overlap && facts_.capability >= kHopper) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count].val.programmaticStreamSerializationAllowed = 1;
    ++count;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = {shape.grid_x, shape.grid_y, shape.grid_z};
  config.blockDim = {shape.threads, 1, 1};
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream_;
  config.attrs = attributes.data();
  config.numAttrs = count;
  last_kernel_ = kernel.name;
  void* parameters[] = {const_cast<void*>(arguments)};  // read, and copied, before the call returns
  return checked("cudaLaunchKernel", kernel.name,
                 cudaLaunchKernelExC(&config, kernel.function, parameters));
}

Status CudaDevice::wait(cudaEvent_t event) {
  for (const Patience patience(options_.deadline_ms);;) {
    const cudaError_t state = cudaEventQuery(event);
    if (state == cudaSuccess) return Status::kOk;
    if (state != cudaErrorNotReady) return fail("cudaEventQuery after", last_kernel_, state);
    if (patience.wait()) continue;
    hung_ = true;
    failure_ = "the GPU did not finish within " + std::to_string(options_.deadline_ms) + " ms";
    if (*last_kernel_ != '\0')
      failure_ += std::string("; the kernel launched last was ") + last_kernel_;
    return Status::kDevice;
  }
}

Status CudaDevice::synchronize() {
  if (!ready()) return Status::kDevice;
  KERNELS_CHECK(!recording_);
  if (const auto error = cudaEventRecord(done_, stream_); error != cudaSuccess) {
    return fail("cudaEventRecord", last_kernel_, error);
  }
  return wait(done_);
}

// ---- recordings

Status CudaDevice::begin_recording() {
  if (!ready()) return Status::kDevice;
  KERNELS_CHECK(!recording_);
  const auto error = cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal);
  recording_ = error == cudaSuccess;
  return checked("cudaStreamBeginCapture", "", error);
}

Status CudaDevice::end_recording(std::unique_ptr<Recording>* out) {
  out->reset();
  KERNELS_CHECK(recording_);
  recording_ = false;
  if (!ready()) return Status::kDevice;
  cudaGraph_t graph = nullptr;
  if (const auto error = cudaStreamEndCapture(stream_, &graph); error != cudaSuccess) {
    return fail("cudaStreamEndCapture", last_kernel_, error);
  }
  cudaGraphExec_t ready_graph = nullptr;
  const auto error = cudaGraphInstantiate(&ready_graph, graph, 0);
  (void)cudaGraphDestroy(graph);
  if (error != cudaSuccess) return fail("cudaGraphInstantiate", last_kernel_, error);
  *out = std::make_unique<CudaRecording>(ready_graph, failure_);
  return checked("cudaGraphUpload", "", cudaGraphUpload(ready_graph, stream_));
}

Status CudaDevice::replay(const Recording& recording) {
  if (!ready()) return Status::kDevice;
  KERNELS_CHECK(!recording_);
  last_kernel_ = "a recorded step";
  return checked("cudaGraphLaunch", "",
                 cudaGraphLaunch(static_cast<const CudaRecording&>(recording).graph(), stream_));
}

std::unique_ptr<Device> open_cuda_device(const CudaDeviceOptions& options,
                                         const std::vector<const Kernel*>& kernels,
                                         std::string* error) {
  auto device = std::make_unique<CudaDevice>(options);
  if (device->open(kernels) == Status::kOk) return device;
  *error = device->failure();
  return nullptr;
}

}  // namespace kernels::cuda
