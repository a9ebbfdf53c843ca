// One thing to time of a model, and its name: the same words in tables, JSON, on the command line
// and between `versus` and a peer.
//
//   prefill N                 a prompt of N tokens, N at a time, logits of the last
//   decode N [batch B]        N steps of B sequences, one token of each per step
//   decode N context C        N steps of one sequence that has C tokens behind it
#ifndef BENCH_MODEL_MEASURE_H_
#define BENCH_MODEL_MEASURE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace bench {

struct Measure {
  enum class Kind : std::uint8_t { kPrefill, kDecode, kDecodeAtContext };
  Kind kind = Kind::kPrefill;
  std::size_t tokens = 0;   // of the prompt, or steps
  std::size_t batch = 1;    // kDecode
  std::size_t context = 0;  // kDecodeAtContext

  static constexpr std::size_t kTokensMax = 65'536;
  static constexpr std::size_t kBatchMax = 64;
  static constexpr std::size_t kPromptTokens = 8;  // in front of a decode without context

  // Tokens that are counted.
  double work() const { return static_cast<double>(tokens * batch); }
  // Positions of KV cache that must be there: of one sequence, and of all.
  std::size_t sequence_tokens() const;
  std::size_t cache_tokens() const { return sequence_tokens() * batch; }

  // As above, in full.
  std::string command() const;
  // Without the steps, which only say how long it was looked at: "decode batch 8".
  std::string name() const;
};

base::Result<Measure> parse_measure(std::string_view text);
// "prefill 512; decode 32; decode 16 batch 8"
base::Result<std::vector<Measure>> parse_measures(std::string_view list);

}  // namespace bench

#endif  // BENCH_MODEL_MEASURE_H_
