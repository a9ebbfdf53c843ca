#include "kernels/cpu/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

// __builtin_cpu_supports also asks whether the operating system saves the wider registers (XGETBV).
bool has_avx2() {
#if defined(__x86_64__)
  // clang 14 knows no name for F16C: leaf 1, bit 29 of ECX.
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  const bool f16c = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  return f16c && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
#else
  return false;
#endif
}

bool has_avx512() {
#if defined(__x86_64__)
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
#else
  return false;
#endif
}

// Tile registers are granted to a process that asks (Linux, Documentation/arch/x86/xstate.rst).
bool has_amx() {
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kAmxTile = 1U << 24U;
  constexpr unsigned kAmxInt8 = 1U << 25U;
  if (!has_avx512() || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kAmxTile) == 0 || (d & kAmxInt8) == 0) return false;
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

const KernelSet* find_kernels(CpuIsa isa) {
#if defined(__x86_64__)
  if ((isa == CpuIsa::kAmx || isa == CpuIsa::kBest) && has_amx()) return &amx_kernels();
  if ((isa == CpuIsa::kAvx512Vnni || isa == CpuIsa::kBest) && has_avx512())
    return &avx512_kernels();
  if ((isa == CpuIsa::kAvx2 || isa == CpuIsa::kBest) && has_avx2()) return &avx2_kernels();
#endif
  if (isa == CpuIsa::kPlain || isa == CpuIsa::kBest) return &plain_kernels();
  return nullptr;
}

}  // namespace kernels::cpu
