#include "kernels/cuda/cuda_facts.h"

namespace kernels::cuda {
namespace {

// As nvidia-smi writes it: "GPU-" and RFC 9562 groups.
std::string uuid_text(const cudaUUID_t& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto byte = static_cast<unsigned char>(uuid.bytes[i]);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace

cudaError_t read_device_facts(int ordinal, DeviceFacts* out) {
  cudaDeviceProp properties{};
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, ordinal); error != cudaSuccess)
    return error;
  properties.name[sizeof properties.name - 1] = '\0';
  out->name = properties.name;
  out->uuid = uuid_text(properties.uuid);
  out->ordinal = ordinal;
  out->capability = 10 * properties.major + properties.minor;
  out->processors = static_cast<std::uint32_t>(properties.multiProcessorCount);
  out->shared_bytes_per_block = static_cast<std::uint32_t>(properties.sharedMemPerBlockOptin);
  out->memory_bytes = properties.totalGlobalMem;
  return cudaSuccess;
}

}  // namespace kernels::cuda
