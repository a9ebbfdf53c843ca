// How fast this machine reads memory: the limit that decode is held against.
#ifndef BENCH_KERNELS_READ_BANDWIDTH_H_
#define BENCH_KERNELS_READ_BANDWIDTH_H_

#include <cstddef>

namespace bench {

// Bytes per second of `threads` threads reading `bytes` of
// memory once in large pages; the best of some rounds.
double read_bandwidth(std::size_t bytes, std::size_t threads);

}  // namespace bench

#endif  // BENCH_KERNELS_READ_BANDWIDTH_H_
