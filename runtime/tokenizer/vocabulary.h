// What a model file says about its vocabulary: GGUF's "tokenizer.ggml.*" metadata, already bounded
// by the reader but not yet believed. Tokenizer::create checks it.
#ifndef RUNTIME_TOKENIZER_VOCABULARY_H_
#define RUNTIME_TOKENIZER_VOCABULARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/token.h"

namespace runtime {

// GGUF "tokenizer.ggml.token_type".
enum class TokenType : std::int32_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct Vocabulary {
  std::string model;  // "llama" (SPM), "gpt2" (byte-level BPE), "gemma4" (BPE on characters),
                      // "bert" (WordPiece), "t5" (unigram)
  std::string pre;    // the pre-tokenizer's name: "llama-bpe", "qwen2", …; empty when absent
  std::vector<std::string>
      tokens;  // texts as the file has them (GPT-2 byte alphabet for "gpt2", U+2581 for SPM)
  std::vector<float> scores;        // SPM; empty or one per token
  std::vector<TokenType> types;     // empty (all normal) or one per token
  std::vector<std::string> merges;  // BPE: "left right", best first
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId eot = kNoToken;
  TokenId eom = kNoToken;
  TokenId unknown = kNoToken;
  TokenId separator = kNoToken;
  TokenId padding = kNoToken;
  std::optional<bool> add_bos;  // absent: the default of the tokenizer kind
  std::optional<bool> add_eos;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_whitespaces;  // "t5": runs of spaces count as one; absent: false
  std::string precompiled_charsmap;   // "t5": SentencePiece's normalisation rules, a binary blob
  std::optional<bool> lowercase;      // "bert", "tokenizer.ggml.normalizer.lowercase"; absent: true
  std::optional<bool> strip_accents;  // "bert", "…normalizer.strip_accents"; absent: as lowercase
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_VOCABULARY_H_
