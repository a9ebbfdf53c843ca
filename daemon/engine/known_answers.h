// The known-answer test: a few greedy tokens after a fixed prompt, at every start and before a
// client is served. A machine that answers otherwise than it did computes otherwise (memory that is
// going bad, a processor with a fault, a kernel that changed under its name), and must not serve.
//
// What was answered is kept by the supervisor beside the model, as JSON:
//
//   {"type":"redoubt-known-answers","format":1,"answers":[
//     {"kernels":"avx2","kv":"f16","file":"model/x.gguf","prompt":[…],"tokens":[…],"logprobs":[…]},…]}
//
// The first start on a kernel set, a KV format and a file records; the later ones compare: tokens
// exactly, log-probabilities within kKnownLogprobDifferenceMax, for the mathematical library below
// us may be a newer one.
#ifndef DAEMON_ENGINE_KNOWN_ANSWERS_H_
#define DAEMON_ENGINE_KNOWN_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/engine/engine.h"
#include "runtime/model/decoder.h"
#include "runtime/tokenizer/tokenizer.h"

namespace daemon_engine {

inline constexpr std::size_t kKnownPromptTokensMax = 16;
inline constexpr std::size_t kKnownTokens = 4;
inline constexpr std::size_t kKnownAnswersMax = 8;  // the oldest gives way
inline constexpr std::size_t kKnownAnswersBytesMax = 64u << 10;
inline constexpr float kKnownLogprobDifferenceMax = 1e-3F;

struct KnownAnswer {
  std::string kernels;  // the kernel set's name
  std::string kv;       // the format of the KV cache: it is part of what is computed
  std::string file;     // the model's file
  std::vector<runtime::TokenId> prompt;
  std::vector<runtime::TokenId> tokens;
  std::vector<float> logprobs;  // of `tokens`
};

class KnownAnswers {
 public:
  static base::Result<KnownAnswers> parse(std::string_view text);  // empty: none yet
  std::string serialize() const;

  // Null when there is none.
  const KnownAnswer* find(std::string_view kernels, std::string_view kv,
                          std::string_view file) const;
  // Adds an answer of which there is none yet.
  void add(KnownAnswer answer);

 private:
  std::vector<KnownAnswer> answers_;  // the oldest first
};

// At most kKnownPromptTokensMax tokens for a model that brings no golden prompt: spread over its
// vocabulary, the same at each start.
std::vector<runtime::TokenId> fixed_prompt(const runtime::Tokenizer& tokenizer);

// An engine to answer with, so that the one that serves begins without a past. To be made before
// lock_down(): it draws a key from the system.
base::Result<std::unique_ptr<runtime::Engine>> make_answering_engine(
    runtime::Decoder& decoder, const runtime::Tokenizer& tokenizer);

// With tokens alone a decoder that draws may draw them itself (runtime::Decoder::draws).
enum class AnswerWith : std::uint8_t { kLogprobs, kTokens };

// Fills in `tokens` and, unless only tokens are asked for, `logprobs`: greedy, whatever would end
// an answer; fewer tokens where the context has no more room. kDevice when the decoder fails;
// kDenied when the logits are no numbers.
base::Status answer_prompt(runtime::Engine& engine, std::size_t context_tokens, KnownAnswer& answer,
                           AnswerWith with = AnswerWith::kLogprobs);

// kDenied says what differs.
base::Status compare_answers(const KnownAnswer& known, const KnownAnswer& now);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_KNOWN_ANSWERS_H_
