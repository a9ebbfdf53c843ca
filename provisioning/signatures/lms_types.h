// The parameter sets of LMS and LM-OTS with SHA-256, by their registered numbers, and what follows
// from them. For lms.cc alone.
#ifndef PROVISIONING_SIGNATURES_LMS_TYPES_H_
#define PROVISIONING_SIGNATURES_LMS_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

namespace provisioning {

struct LmsTreeType {
  std::size_t hash_bytes;  // m
  std::uint32_t height;    // h
};

// RFC 8554, section 5.1 (M32); SP 800-208, section 4.2 (M24): five heights each.
constexpr std::optional<LmsTreeType> find_lms_tree_type(std::uint32_t code) {
  if (code >= 0x05 && code <= 0x09) return LmsTreeType{32, (code - 0x04) * 5};
  if (code >= 0x0A && code <= 0x0E) return LmsTreeType{24, (code - 0x09) * 5};
  return std::nullopt;
}

struct LmsOneTimeType {
  std::size_t hash_bytes;  // n
  std::uint32_t width;     // w: bits that one chain stands for
};

// RFC 8554, section 4.1 (N32); SP 800-208, section 4.1 (N24): four widths each.
constexpr std::optional<LmsOneTimeType> find_lms_one_time_type(std::uint32_t code) {
  if (code >= 0x01 && code <= 0x04) return LmsOneTimeType{32, 1u << (code - 0x01)};
  if (code >= 0x05 && code <= 0x08) return LmsOneTimeType{24, 1u << (code - 0x05)};
  return std::nullopt;
}

// How a hash is cut into chains (RFC 8554, appendix B).
struct LmsChains {
  std::uint32_t digits;  // chains for the hash (u)
  std::uint32_t count;   // for the hash and its checksum together (p)
  std::uint32_t shift;   // of the checksum to the left in its 16 bits (ls)
};

constexpr LmsChains make_lms_chains(std::size_t hash_bytes, std::uint32_t width) {
  const auto digits = static_cast<std::uint32_t>(hash_bytes * 8) / width;
  const std::uint32_t sum_max = ((1u << width) - 1) * digits;
  std::uint32_t sum_bits = 0;
  while ((sum_max >> sum_bits) != 0) ++sum_bits;
  const std::uint32_t sum_digits = (sum_bits + width - 1) / width;
  return {digits, digits + sum_digits, 16 - sum_digits * width};
}

// The tables of the documents, which the formula must give.
constexpr bool has_chains(std::size_t hash_bytes, std::uint32_t width, std::uint32_t count,
                          std::uint32_t shift) {
  return make_lms_chains(hash_bytes, width).count == count &&
         make_lms_chains(hash_bytes, width).shift == shift;
}
static_assert(has_chains(32, 1, 265, 7) && has_chains(32, 2, 133, 6), "RFC 8554, table 1");
static_assert(has_chains(32, 4, 67, 4) && has_chains(32, 8, 34, 0), "RFC 8554, table 1");
static_assert(has_chains(24, 1, 200, 8) && has_chains(24, 2, 101, 6), "SP 800-208, table 1");
static_assert(has_chains(24, 4, 51, 4) && has_chains(24, 8, 26, 0), "SP 800-208, table 1");

}  // namespace provisioning

#endif  // PROVISIONING_SIGNATURES_LMS_TYPES_H_
