// Forward passes for tests: prompts, and every bit of what comes back.
#ifndef TESTS_RUNTIME_MODEL_FORWARD_PASS_H_
#define TESTS_RUNTIME_MODEL_FORWARD_PASS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "bench/synth/synthetic_model.h"
#include "runtime/model/decoder.h"

namespace runtime {

inline std::vector<std::byte> synthetic(std::string_view shape, std::string_view mix) {
  return bench::SyntheticModel(*bench::find_synthetic_shape(shape), *bench::find_quant_mix(mix), 3)
      .file();
}

inline std::vector<TokenId> prompt(std::size_t count, TokenId first) {
  std::vector<TokenId> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<TokenId>((i * 31 + static_cast<std::size_t>(first)) % 500);
  return tokens;
}

using Logits = std::vector<std::vector<float>>;

// One row of bits per row with logits, its statistics at the end.
inline void append_rows(const LogitRows& rows, std::size_t vocabulary, Logits& out) {
  for (std::size_t i = 0; i < rows.max.size(); ++i) {
    const auto row = rows.logits.subspan(i * vocabulary, vocabulary);
    std::vector<float> values(row.begin(), row.end());
    values.push_back(rows.max[i]);
    values.push_back(rows.log_sum_exp[i]);
    out.push_back(std::move(values));
  }
}

// All logits of a sequence computed in chunks of `chunk` tokens, in the given blocks.
inline Logits run_in_chunks(Decoder& decoder, const std::vector<TokenId>& tokens, std::size_t chunk,
                            const std::vector<std::int32_t>& blocks) {
  Logits logits;
  for (std::size_t at = 0; at < tokens.size(); at += chunk) {
    const std::size_t count = std::min(chunk, tokens.size() - at);
    const SequenceSlice slice{std::span(tokens).subspan(at, count), static_cast<std::int32_t>(at),
                              blocks, count};
    const auto rows = decoder.forward(std::span(&slice, 1));
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    if (!rows.ok()) return {};
    append_rows(rows.value(), decoder.shape().vocabulary, logits);
  }
  return logits;
}

}  // namespace runtime

#endif  // TESTS_RUNTIME_MODEL_FORWARD_PASS_H_
