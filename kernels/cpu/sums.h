// Where the kernels of a linear operation leave their results: one vector of sixteen per panel and
// activation row.
#ifndef KERNELS_CPU_SUMS_H_
#define KERNELS_CPU_SUMS_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

// Rows that are multiplied with unpacked panels before the next panels are unpacked, at most: their
// sums stay in the cache.
constexpr std::size_t kRowsTogether = 192;

// The vector of panel p (of those taken together) for row i is at sums + (i * L::kBlockPanels + p)
// * kLanes.
template <typename L>
constexpr std::size_t kSumsStride = L::kBlockPanels* kLanes;

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_SUMS_H_
