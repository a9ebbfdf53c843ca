// The element types of a KV cache, sixteen at a time.
//
// Whatever the type, a cached element stands for one float, exactly: binary16 widens exactly, and a
// Q8_0 code (8 bits) times its binary16 scale (11 bits) fits a float. So attention computes the
// same bits whether it widens elements as it reads them or has had them widened before.
#ifndef KERNELS_CPU_KV_ELEMENT_H_
#define KERNELS_CPU_KV_ELEMENT_H_

#include "kernels/cpu/inline.h"
#include "kernels/cpu/kernel_set.h"

namespace kernels::cpu {
namespace {

// A group is 16 positions of one head, as KvView lays it out. `scales<L>(group, padded_dim, block)`
// is what load needs for elements of dimensions block * 32 …, one lane per position;
// `load(group, index, scale)` gives elements index … index + 15, index a multiple of 16.
struct NoScale {};

struct KvF32 {
  template <typename L>
  using Scale = NoScale;
  template <typename L>
  KERNELS_INLINE static NoScale scales(const std::uint8_t*, std::size_t, std::size_t) {
    return {};
  }
  template <typename L>
  KERNELS_INLINE static typename L::F load(const std::uint8_t* group, std::size_t index, NoScale) {
    return L::load(reinterpret_cast<const float*>(group) + index);
  }
};

struct KvF16 {
  template <typename L>
  using Scale = NoScale;
  template <typename L>
  KERNELS_INLINE static NoScale scales(const std::uint8_t*, std::size_t, std::size_t) {
    return {};
  }
  template <typename L>
  KERNELS_INLINE static typename L::F load(const std::uint8_t* group, std::size_t index, NoScale) {
    return L::load_f16(reinterpret_cast<const std::uint16_t*>(group) + index);
  }
};

struct KvQ8 {
  template <typename L>
  using Scale = typename L::F;
  template <typename L>
  KERNELS_INLINE static typename L::F scales(const std::uint8_t* group, std::size_t padded_dim,
                                             std::size_t block) {
    const auto* all = reinterpret_cast<const std::uint16_t*>(group + kLanes * padded_dim);
    return L::load_f16(all + block * kLanes);
  }
  template <typename L>
  KERNELS_INLINE static typename L::F load(const std::uint8_t* group, std::size_t index,
                                           typename L::F scale) {
    return L::mul(L::load_s8(reinterpret_cast<const std::int8_t*>(group) + index), scale);
  }
};

// The scales of one group's values, one of which goes to all lanes of a value.
template <typename L, typename Kv>
struct ValueScales {
  KERNELS_INLINE void read(const std::uint8_t*, std::size_t, std::size_t) {}
  KERNELS_INLINE NoScale of(std::size_t) const { return {}; }
};

template <typename L>
struct ValueScales<L, KvQ8> {
  float position[kLanes];

  KERNELS_INLINE void read(const std::uint8_t* group, std::size_t padded_dim, std::size_t block) {
    L::store(position, KvQ8::scales<L>(group, padded_dim, block));
  }
  KERNELS_INLINE typename L::F of(std::size_t slot) const { return L::broadcast(position[slot]); }
};

}  // namespace
}  // namespace kernels::cpu

#endif  // KERNELS_CPU_KV_ELEMENT_H_
