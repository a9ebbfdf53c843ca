// VPDPBUSD as AVX-VNNI has it: 256 bits, for processors without AVX-512.
#include "bench/limits/dot_loops.h"

namespace bench {
namespace {

struct Half {
  using Type = __m256i;
  static Type load(const std::byte* at) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
  }
  static Type broadcast(std::int32_t value) { return _mm256_set1_epi32(value); }
  static Type dot(Type sum, Type a, Type b) { return _mm256_dpbusd_avx_epi32(sum, a, b); }
};

constexpr std::size_t kSums = 12;  // of 16 registers

constexpr ComputeLoop kLoops[] = {
    {"dpbusd-vex", "int8: VPDPBUSD, AVX-VNNI, registers", 2 * 32 * kSums,
     dot_registers<Half, kSums>},
};

}  // namespace

std::span<const ComputeLoop> avx_vnni_loops() {
  return kLoops;
}

}  // namespace bench
