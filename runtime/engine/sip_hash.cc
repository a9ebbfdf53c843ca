#include "runtime/engine/sip_hash.h"

#include <bit>

#include "hardening/base/check.h"

namespace runtime {

SipHash::SipHash(SipKey key)
    : v_{key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D ^ 0xEE,
         key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573} {}

void SipHash::round() {
  v_[0] += v_[1];
  v_[1] = std::rotl(v_[1], 13) ^ v_[0];
  v_[0] = std::rotl(v_[0], 32);
  v_[2] += v_[3];
  v_[3] = std::rotl(v_[3], 16) ^ v_[2];
  v_[0] += v_[3];
  v_[3] = std::rotl(v_[3], 21) ^ v_[0];
  v_[2] += v_[1];
  v_[1] = std::rotl(v_[1], 17) ^ v_[2];
  v_[2] = std::rotl(v_[2], 32);
}

void SipHash::add(std::uint64_t word) {
  v_[3] ^= word;
  round();
  round();
  v_[0] ^= word;
  ++words_;
}

Hash128 SipHash::finish(std::span<const std::byte> tail) {
  CHECK(tail.size() < 8);
  std::uint64_t last = (words_ * 8 + tail.size()) << 56;
  for (std::size_t i = 0; i < tail.size(); ++i)
    last |= std::to_integer<std::uint64_t>(tail[i]) << (8 * i);
  add(last);
  Hash128 hash{};
  v_[2] ^= 0xEE;
  for (int i = 0; i < 4; ++i) round();
  hash[0] = v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  v_[1] ^= 0xDD;
  for (int i = 0; i < 4; ++i) round();
  hash[1] = v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  return hash;
}

}  // namespace runtime
