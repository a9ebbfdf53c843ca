// What the processor this runs on can do, asked once at creation.
#ifndef KERNELS_CPU_PROCESSOR_H_
#define KERNELS_CPU_PROCESSOR_H_

#include "kernels/ops.h"

namespace kernels::cpu {

struct KernelSet;

// The kernel set of `isa`, or null when the processor or the operating system does not carry it.
// kBest takes AMX, else AVX-512 with VNNI, else AVX2, else plain. For AMX the process asks for its
// tile registers: one system call, before threads are started and a sandbox forbids it.
const KernelSet* find_kernels(CpuIsa isa);

}  // namespace kernels::cpu

#endif  // KERNELS_CPU_PROCESSOR_H_
