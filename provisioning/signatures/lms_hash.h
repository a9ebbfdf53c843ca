// The one hash of LMS: SHA-256, cut to n bytes, over the tree's identifier, a number, a purpose and
// the rest (RFC 8554, sections 4 and 5: "I || u32str(…) || u16str(D_…) || …"). For lms.cc alone.
#ifndef PROVISIONING_SIGNATURES_LMS_HASH_H_
#define PROVISIONING_SIGNATURES_LMS_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "provisioning/openssl_objects.h"

namespace provisioning {

class LmsHash {
 public:
  using Identifier = std::array<std::byte, 16>;
  using Node = std::array<std::byte, 32>;  // the first n bytes of it count

  LmsHash(const Identifier& identifier, std::size_t hash_bytes);

  // In pieces: begin, any number of add, end; again and again.
  void begin(std::uint32_t number, std::uint16_t purpose);
  void add(std::span<const std::byte> bytes);
  Node end();

  Node of(std::uint32_t number, std::uint16_t purpose,
          std::initializer_list<std::span<const std::byte>> pieces);

  // One step of a chain (RFC 8554, algorithm 4b): the chain's number stands where the purpose does
  // elsewhere, which is why purposes begin with a bit that no chain's number has.
  void advance(std::uint32_t leaf, std::uint16_t chain, std::uint8_t step, Node& link);

 private:
  Identifier identifier_;
  std::size_t hash_bytes_;
  MdContextOwner context_;
};

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_LMS_HASH_H_
