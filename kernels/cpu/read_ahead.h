// Asking for weights before they are needed: a kernel tells how far it has come, and lines that lie
// a fixed distance ahead are fetched into the second-level cache.
//
// The hardware's own prefetchers stop at pages of 4 KiB and lose their way where codes, scales and
// panels follow one another; asking gives 10 to 25 percent of decode speed (NUMERICS.md, section
// 5).
#ifndef KERNELS_CPU_READ_AHEAD_H_
#define KERNELS_CPU_READ_AHEAD_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

constexpr std::size_t kReadAhead = 8192;  // bytes

constexpr std::size_t kLine = 64;

KERNELS_INLINE void ask_for(const std::uint8_t* at, std::size_t bytes) {
  constexpr int kForReading = 0;
  constexpr int kSecondLevel = 2;
  for (std::size_t offset = 0; offset < bytes; offset += kLine)
    __builtin_prefetch(at + offset, kForReading, kSecondLevel);
}

// Goes over the panels of a task evenly, whatever the order of their parts, and not beyond them:
// what follows is another thread's.
struct ReadAhead {
  const std::uint8_t* at;
  const std::uint8_t* end;

  KERNELS_INLINE void advance(std::size_t bytes) {
    if (at < end) ask_for(at, bytes);
    at += bytes;
  }
};

// The next run of columns of the panels taken together, fetched in equal parts while this run is
// multiplied: asked for all at once it would be waited for.
template <std::size_t kPanels>
struct RunAhead {
  const std::uint8_t* panel[2];
  std::size_t part;  // bytes of a panel per advance()

  KERNELS_INLINE void advance() {
    for (std::size_t p = 0; p < kPanels; ++p) {
      ask_for(panel[p], part);
      panel[p] += part;
    }
  }
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_READ_AHEAD_H_
