// What never goes down: the highest sequence of each product line that was proven here, and the
// newest time that anybody we trust has stated.
#ifndef PROVISIONING_TRUST_FLOORS_H_
#define PROVISIONING_TRUST_FLOORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

// One release may raise its line's floor by so much at most, so that no single statement can use
// the numbers up.
inline constexpr std::uint64_t kSequenceJumpMax = 1'000'000'000'000;

struct Floors {
  struct Line {
    std::uint64_t sequence = 0;
    std::string release_id;
  };
  std::map<std::string, Line> lines;  // by release name
  std::int64_t time = 0;              // unix seconds
  std::uint64_t generation = 0;    // counts the writes; what the anchor holds against an old file
  std::uint64_t root_version = 0;  // the newest trust root accepted: an older one is an old disk

  // Requires names, times and sequences as the documents may have them.
  std::string serialize() const;
  static base::Result<Floors> parse(std::string_view text);
};

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_FLOORS_H_
