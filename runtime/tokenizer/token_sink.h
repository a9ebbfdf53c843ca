// Where encoding puts its tokens, up to a limit.
#ifndef RUNTIME_TOKENIZER_TOKEN_SINK_H_
#define RUNTIME_TOKENIZER_TOKEN_SINK_H_

#include <fmt/format.h>

#include <cstddef>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/token.h"

namespace runtime {

class TokenSink {
 public:
  // Appends to `out`, which outlives the sink.
  TokenSink(std::vector<TokenId>& out, std::size_t tokens_max)
      : out_(out), tokens_max_(tokens_max), left_(tokens_max) {}

  // Fails with kExhausted when tokens_max were put already.
  base::Status put(TokenId token) {
    if (left_ == 0) return exhausted();
    --left_;
    out_.push_back(token);
    return {};
  }

  base::Error exhausted() const {
    return base::exhausted(fmt::format("the text has more than {} tokens", tokens_max_));
  }

  std::size_t tokens_max() const { return tokens_max_; }

 private:
  std::vector<TokenId>& out_;
  std::size_t tokens_max_;
  std::size_t left_;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_TOKEN_SINK_H_
