// The two element types of a KV cache, sixteen at a time.
#ifndef KERNELS_CPU_KV_ELEMENT_H_
#define KERNELS_CPU_KV_ELEMENT_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

struct KvF32 {
  using Word = float;
  template <typename L>
  KERNELS_INLINE static typename L::F load(const float* at) {
    return L::load(at);
  }
  template <typename L>
  KERNELS_INLINE static void store(float* at, typename L::F x) {
    L::store(at, x);
  }
};

struct KvF16 {
  using Word = std::uint16_t;
  template <typename L>
  KERNELS_INLINE static typename L::F load(const std::uint16_t* at) {
    return L::load_f16(at);
  }
  template <typename L>
  KERNELS_INLINE static void store(std::uint16_t* at, typename L::F x) {
    L::store_f16(at, x);
  }
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_KV_ELEMENT_H_
