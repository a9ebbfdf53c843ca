// Which of the loops this processor, and the system it runs, can carry.
#ifndef BENCH_LIMITS_PROCESSOR_H_
#define BENCH_LIMITS_PROCESSOR_H_

#include <vector>

#include "bench/limits/loops.h"

namespace bench {

// Every loop that can be run here. Asks the kernel for leave to use tile registers, for the whole
// process, where the processor has them.
std::vector<ComputeLoop> usable_loops();

ReadLoop widest_read();

}  // namespace bench

#endif  // BENCH_LIMITS_PROCESSOR_H_
