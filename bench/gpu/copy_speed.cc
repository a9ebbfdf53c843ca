// What the memory gives: a copy inside it, which is what every share of bandwidth is measured
// against, and to and from the host.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <vector>

#include "bench/gpu/gpu_bench.h"

namespace bench {
namespace {

// Seconds of one cudaMemcpyAsync, the best of five rounds; negative on failure.
double copy_seconds(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, int times) {
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  if (cudaEventCreate(&begin) != cudaSuccess || cudaEventCreate(&end) != cudaSuccess) return -1;
  double best = -1;
  for (int round = 0; round < 6; ++round) {
    bool good = cudaEventRecord(begin, nullptr) == cudaSuccess;
    for (int i = 0; i < times; ++i)
      good = good && cudaMemcpyAsync(to, from, bytes, kind, nullptr) == cudaSuccess;
    good = good && cudaEventRecord(end, nullptr) == cudaSuccess &&
           cudaEventSynchronize(end) == cudaSuccess;
    float milliseconds = 0;
    if (!good || cudaEventElapsedTime(&milliseconds, begin, end) != cudaSuccess) return -1;
    const double seconds = static_cast<double>(milliseconds) / 1e3 / times;
    if (round > 0 && (best < 0 || seconds < best)) best = seconds;  // the first warms up
  }
  (void)cudaEventDestroy(begin);
  (void)cudaEventDestroy(end);
  return best;
}

}  // namespace

int bench_gpu_copy(bool quick) {
  const std::size_t bytes = quick ? std::size_t{1} << 30 : std::size_t{4} << 30;
  const std::size_t host_bytes = std::size_t{256} << 20;
  void* a = nullptr;
  void* b = nullptr;
  void* host = nullptr;
  if (cudaMalloc(&a, bytes) != cudaSuccess || cudaMalloc(&b, bytes) != cudaSuccess ||
      cudaHostAlloc(&host, host_bytes, cudaHostAllocDefault) != cudaSuccess) {
    std::fprintf(stderr, "no memory for copies: %s\n", cudaGetErrorString(cudaGetLastError()));
    return 1;
  }
  // Random bytes: zeros are faster to move.
  auto* words = static_cast<std::uint64_t*>(host);
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < host_bytes / sizeof(std::uint64_t); ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    words[i] = state;
  }
  for (std::size_t at = 0; at < bytes; at += host_bytes) {
    if (cudaMemcpy(static_cast<char*>(a) + at, host, host_bytes, cudaMemcpyHostToDevice) !=
        cudaSuccess)
      return 1;
  }
  const double inside = copy_seconds(b, a, bytes, cudaMemcpyDeviceToDevice, 5);
  const double in = copy_seconds(a, host, host_bytes, cudaMemcpyHostToDevice, 4);
  const double out = copy_seconds(host, a, host_bytes, cudaMemcpyDeviceToHost, 4);
  if (inside <= 0 || in <= 0 || out <= 0) {
    std::fprintf(stderr, "copies failed: %s\n", cudaGetErrorString(cudaGetLastError()));
    return 1;
  }
  const double moved = 2 * static_cast<double>(bytes) / inside;
  print_row({.target = "-",
             .what = "copy inside device memory (read and written)",
             .value = moved / 1e9,
             .unit = "GB/s",
             .bytes_per_second = moved,
             .note = "measured"});
  print_row({.target = "-",
             .what = "copy from pinned host memory",
             .value = static_cast<double>(host_bytes) / in / 1e9,
             .unit = "GB/s"});
  print_row({.target = "-",
             .what = "copy to pinned host memory",
             .value = static_cast<double>(host_bytes) / out / 1e9,
             .unit = "GB/s"});
  (void)cudaFree(a);
  (void)cudaFree(b);
  (void)cudaFreeHost(host);
  return 0;
}

}  // namespace bench
