// VPDPBUSD of AVX-512 VNNI, 256 and 512 bits.
#include "bench/limits/dot_loops.h"

namespace bench {
namespace {

struct Wide {
  using Type = __m512i;
  static Type load(const std::byte* at) { return _mm512_load_si512(at); }
  static Type broadcast(std::int32_t value) { return _mm512_set1_epi32(value); }
  static Type dot(Type sum, Type a, Type b) { return _mm512_dpbusd_epi32(sum, a, b); }
};

struct Half {
  using Type = __m256i;
  static Type load(const std::byte* at) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
  }
  static Type broadcast(std::int32_t value) { return _mm256_set1_epi32(value); }
  static Type dot(Type sum, Type a, Type b) { return _mm256_dpbusd_epi32(sum, a, b); }
};

constexpr std::size_t kSums = 16;
constexpr double kWideOps = 2 * 64 * kSums;
constexpr double kHalfOps = 2 * 32 * kSums;

constexpr ComputeLoop kLoops[] = {
    {"dpbusd-512", "int8: VPDPBUSD, 512 bits, registers", kWideOps, dot_registers<Wide, kSums>},
    {"dpbusd-512-broadcast", "int8: VPDPBUSD, 512 bits, broadcast from L1", kWideOps,
     dot_broadcast<Wide, kSums>},
    {"dpbusd-256", "int8: VPDPBUSD, 256 bits, registers", kHalfOps, dot_registers<Half, kSums>},
    {"dpbusd-256-broadcast", "int8: VPDPBUSD, 256 bits, broadcast from L1", kHalfOps,
     dot_broadcast<Half, kSums>},
};

}  // namespace

std::span<const ComputeLoop> avx512_vnni_loops() {
  return kLoops;
}

}  // namespace bench
