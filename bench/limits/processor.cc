#include "bench/limits/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace bench {

#if defined(__x86_64__)
namespace {

struct Features {
  unsigned ebx = 0, edx = 0;  // leaf 7.0
  unsigned eax_1 = 0;         // leaf 7.1
  bool f16c = false;
};

Features read_features() {
  Features features;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0) features.f16c = (c & bit_F16C) != 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
  features.ebx = b;
  features.edx = d;
  const unsigned leaves = a;
  if (leaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) features.eax_1 = a;
  return features;
}

// __builtin_cpu_supports also asks whether the system saves the wider registers.
bool has_avx2(const Features& features) {
  return features.f16c && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
}

// Tile registers are used by leave alone (Linux, Documentation/arch/x86/xstate.rst).
bool may_use_tiles(const Features& features) {
  constexpr unsigned kAmxTile = 1U << 24U;
  constexpr unsigned kAmxInt8 = 1U << 25U;
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  if ((features.edx & kAmxTile) == 0 || (features.edx & kAmxInt8) == 0) return false;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

std::vector<ComputeLoop> usable_loops() {
  constexpr unsigned kAvxVnni = 1U << 4U;
  const Features features = read_features();
  std::vector<ComputeLoop> loops;
  const auto add = [&loops](std::span<const ComputeLoop> more) {
    loops.insert(loops.end(), more.begin(), more.end());
  };
  if (!has_avx2(features)) return loops;
  add(avx2_loops());
  if ((features.eax_1 & kAvxVnni) != 0) add(avx_vnni_loops());
  if (has_avx512()) {
    add(avx512_loops());
    if (__builtin_cpu_supports("avx512vnni") != 0) add(avx512_vnni_loops());
  }
  if (may_use_tiles(features)) add(amx_loops());
  return loops;
}

ReadLoop widest_read() {
  if (has_avx512()) return read_avx512;
  return has_avx2(read_features()) ? read_avx2 : read_plain;
}

#else

std::vector<ComputeLoop> usable_loops() {
  return {};
}

ReadLoop widest_read() {
  return read_plain;
}

#endif

}  // namespace bench
