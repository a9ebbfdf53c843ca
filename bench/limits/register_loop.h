// What the loops are written with: steps unrolled while compiling, so that an array of vectors is a
// set of registers, and words that keep the compiler from seeing that a loop does the same work
// each time round, or in each register, without costing an instruction.
#ifndef BENCH_LIMITS_REGISTER_LOOP_H_
#define BENCH_LIMITS_REGISTER_LOOP_H_

#include <cstddef>
#include <type_traits>
#include <utility>

#define BENCH_INLINE_LAMBDA __attribute__((always_inline))

namespace bench {

template <typename Body, std::size_t... kIndexes>
[[gnu::always_inline]] inline void unroll_over(const Body& body, std::index_sequence<kIndexes...>) {
  (body(std::integral_constant<std::size_t, kIndexes>{}), ...);
}

// body(0), body(1), … body(kCount - 1), each index a constant.
template <std::size_t kCount, typename Body>
[[gnu::always_inline]] inline void unroll(const Body& body) {
  unroll_over(body, std::make_index_sequence<kCount>{});
}

// The compiler must believe that `value` (a vector in a register) may have changed.
template <typename Vector>
[[gnu::always_inline]] inline void changed(Vector& value) {
#if defined(__AVX512F__)
  asm volatile("" : "+v"(value));
#else
  asm volatile("" : "+x"(value));
#endif
}

// All of them may have changed: before a loop each is a sum of its own, after it somebody wants
// them.
template <typename Vector, std::size_t kCount>
[[gnu::always_inline]] inline void all_changed(Vector (&values)[kCount]) {
  unroll<kCount>([&](auto i) BENCH_INLINE_LAMBDA { changed(values[i]); });
}

// Memory must be read anew.
[[gnu::always_inline]] inline void memory_changed() {
  asm volatile("" ::: "memory");
}

}  // namespace bench

#endif  // BENCH_LIMITS_REGISTER_LOOP_H_
