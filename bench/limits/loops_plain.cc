#include <cstring>

#include "bench/limits/loops.h"

namespace bench {

std::uint64_t read_plain(const std::byte* bytes, std::size_t count, std::size_t ahead) {
  std::uint64_t sums[8] = {};
  for (const std::byte* end = bytes + count; bytes != end; bytes += sizeof sums) {
    if (ahead != 0) __builtin_prefetch(bytes + ahead, 0, 2);
    std::uint64_t words[8];
    std::memcpy(words, bytes, sizeof words);
    for (std::size_t i = 0; i < 8; ++i) sums[i] += words[i];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t sum : sums) all ^= sum;
  return all;
}

}  // namespace bench
