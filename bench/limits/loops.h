// The loops behind the limits, one table per instruction set. Each file is compiled for its own
// instruction set and entered only when the processor has it (processor.h).
#ifndef BENCH_LIMITS_LOOPS_H_
#define BENCH_LIMITS_LOOPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bench {

// 16 KiB that stay in the first-level cache; whatever bits, all valid numbers.
inline constexpr std::size_t kNearBytes = 16 * 1024;

struct ComputeLoop {
  std::string_view key;
  std::string_view what;
  double ops_per_round;
  // `near`: kNearBytes, 64-byte aligned.
  void (*run)(std::size_t rounds, const std::byte* near);
};

// Loads every byte (a multiple of 512, 64-byte aligned) into eight sums of vectors; returns a word
// of their combination, so that no load may be dropped. With `ahead`, lines that many bytes ahead
// are asked for (into the second-level cache) as well.
using ReadLoop = std::uint64_t (*)(const std::byte* bytes, std::size_t count, std::size_t ahead);

std::span<const ComputeLoop> avx2_loops();
std::span<const ComputeLoop> avx512_loops();
std::span<const ComputeLoop> avx_vnni_loops();
std::span<const ComputeLoop> avx512_vnni_loops();
std::span<const ComputeLoop> amx_loops();

std::uint64_t read_plain(const std::byte* bytes, std::size_t count, std::size_t ahead);
std::uint64_t read_avx2(const std::byte* bytes, std::size_t count, std::size_t ahead);
std::uint64_t read_avx512(const std::byte* bytes, std::size_t count, std::size_t ahead);

}  // namespace bench

#endif  // BENCH_LIMITS_LOOPS_H_
