// For the files behind the kernel table only: forced inlining, and loops whose index is a constant.
#ifndef KERNELS_CPU_INLINE_H_
#define KERNELS_CPU_INLINE_H_

#include <cstddef>

#define KERNELS_INLINE inline __attribute__((always_inline))
#define KERNELS_INLINE_LAMBDA __attribute__((always_inline))
// Large scratch on the stack that is written before it is read: kept from the zeroing of automatic
// variables.
#define KERNELS_SCRATCH __attribute__((uninitialized))

namespace kernels::cpu {
namespace {

template <std::size_t kNumber>
struct Constant {
  static constexpr std::size_t kValue = kNumber;
  static constexpr int value = static_cast<int>(kNumber);
  constexpr operator std::size_t() const {
    return kNumber;
  }  // NOLINT(google-explicit-constructor): an index
};

// body(Constant<0>), …, body(Constant<kCount - 1>),
// unrolled: arrays indexed by it live in registers.
template <std::size_t kCount, typename Body>
KERNELS_INLINE void unroll(const Body& body) {
  if constexpr (kCount > 0) {
    unroll<kCount - 1>(body);
    body(Constant<kCount - 1>{});
  }
}

// body(Constant<count>), for a count from 1 to kMax that is known only at run time.
template <std::size_t kMax, typename Body>
KERNELS_INLINE void with_constant(std::size_t count, const Body& body) {
  if constexpr (kMax > 1) {
    if (count < kMax) return with_constant<kMax - 1>(count, body);
  }
  body(Constant<kMax>{});
}

// The next step through `left` items in steps of at most
// `max`, as even as can be: 14 by 8 is 7 and 7.
KERNELS_INLINE std::size_t even_step(std::size_t left, std::size_t max) {
  const std::size_t steps = (left + max - 1) / max;
  return (left + steps - 1) / steps;
}

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_INLINE_H_
