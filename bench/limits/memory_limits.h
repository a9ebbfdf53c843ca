// How fast this machine reads memory and its last cache.
#ifndef BENCH_LIMITS_MEMORY_LIMITS_H_
#define BENCH_LIMITS_MEMORY_LIMITS_H_

#include "bench/limits/limits.h"

namespace bench {

// Appends the three reads and sets huge_page_share.
void measure_memory(MachineLimits& limits);

}  // namespace bench

#endif  // BENCH_LIMITS_MEMORY_LIMITS_H_
