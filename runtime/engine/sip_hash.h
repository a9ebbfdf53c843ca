// SipHash-2-4 with a result of 128 bits: Aumasson and Bernstein, "SipHash: a fast short-input PRF",
// 2012, and the 128-bit variant of their reference implementation.
//
// Under a random key nobody outside can find two inputs of one hash.
#ifndef RUNTIME_ENGINE_SIP_HASH_H_
#define RUNTIME_ENGINE_SIP_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace runtime {

using Hash128 = std::array<std::uint64_t, 2>;
using SipKey = std::array<std::uint64_t, 2>;

class SipHash {
 public:
  explicit SipHash(SipKey key);

  void add(std::uint64_t word);  // little-endian, 8 bytes
  // The hash of the words added, then `tail`, fewer than 8 bytes. Ends this object's use.
  Hash128 finish(std::span<const std::byte> tail = {});

 private:
  void round();

  std::array<std::uint64_t, 4> v_;
  std::uint64_t words_ = 0;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_SIP_HASH_H_
