// Rows of random weights in any block format, made from their codes rather than by quantising
// floats: every code and every scale of a format occurs, writing is as fast as the disk, and the
// bytes depend on the seed alone (and not on how anybody quantises).
#ifndef BENCH_SYNTH_RANDOM_BLOCKS_H_
#define BENCH_SYNTH_RANDOM_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/format.h"

namespace bench {

// SplitMix64 (Steele, Lea and Flood 2014): numbers that follow from a key alone, on every machine.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t key) : state_(key) {}
  std::uint64_t next();
  // About normal, mean 0 and standard deviation 1: four uniform numbers added. Between -3.47
  // and 3.47.
  float next_normal();

 private:
  std::uint64_t state_;
};

// A key for each pair.
std::uint64_t mix_keys(std::uint64_t a, std::uint64_t b);

// Fills `row` (row_bytes of the format and cols) with weights of mean 0 and about this standard
// deviation.
void fill_random_row(kernels::Format format, std::size_t cols, float deviation, std::uint64_t key,
                     std::span<std::byte> row);

}  // namespace bench

#endif  // BENCH_SYNTH_RANDOM_BLOCKS_H_
