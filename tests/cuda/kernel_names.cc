// Prints what kernel sets name: `ARCHITECTURE NAME OFFSET` a line, the offset being where the
// host's half of the kernel lies in this program. machine_code.py finds by it which symbol of the
// machine code that is. Needs no GPU.
#include <cstdint>
#include <cstdio>

#include "kernels/cuda/kernel_list.h"

// Where the program was loaded (GNU ld).
extern "C" const char __ehdr_start;

int main() {
  using namespace kernels::cuda;
  for (const int capability : kCapabilities) {
    const KernelSet* const set = kernel_set_for(capability);
    if (set == nullptr) {
      std::fprintf(stderr, "no kernel set for compute capability %d\n", capability);
      return 1;
    }
    for (const Kernel* kernel : list_kernels(*set)) {
      const auto offset = reinterpret_cast<std::uintptr_t>(kernel->function) -
                          reinterpret_cast<std::uintptr_t>(&__ehdr_start);
      // What only this capability's GPUs run has an "a" (CUDA C++ Programming Guide, "Feature
      // Availability").
      std::printf("sm_%d%s %s %zx\n", capability, capability == 90 ? "a" : "", kernel->name,
                  offset);
    }
  }
  return 0;
}
