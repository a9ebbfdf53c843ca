// VPDPBUSD: four unsigned-by-signed byte products added to an int32 lane, without saturation. One
// set of loops for both encodings; the file that includes this says how wide a vector is.
#ifndef BENCH_LIMITS_DOT_LOOPS_H_
#define BENCH_LIMITS_DOT_LOOPS_H_

#include <immintrin.h>

#include "bench/limits/loops.h"
#include "bench/limits/register_loop.h"

namespace bench {
namespace {

// V: a vector type with load, broadcast and dot.
template <typename V, std::size_t kSums>
void dot_registers(std::size_t rounds, const std::byte* near) {
  typename V::Type sums[kSums] = {};
  auto weights = V::load(near);
  auto inputs = V::load(near + 64);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    changed(weights);
    changed(inputs);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA { sums[i] = V::dot(sums[i], weights, inputs); });
  }
  all_changed(sums);
}

// As a kernel meets it: weights in a register, four activations from memory broadcast to all lanes.
template <typename V, std::size_t kSums>
void dot_broadcast(std::size_t rounds, const std::byte* near) {
  typename V::Type sums[kSums] = {};
  auto weights = V::load(near);
  const auto* inputs = reinterpret_cast<const std::int32_t*>(near);
  all_changed(sums);
  for (; rounds > 0; --rounds) {
    memory_changed();
    changed(weights);
    unroll<kSums>([&](auto i) BENCH_INLINE_LAMBDA {
      sums[i] = V::dot(sums[i], weights, V::broadcast(inputs[i]));
    });
  }
  all_changed(sums);
}

}  // namespace
}  // namespace bench

#endif  // BENCH_LIMITS_DOT_LOOPS_H_
