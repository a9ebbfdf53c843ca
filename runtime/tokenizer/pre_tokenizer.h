// Splits a text into the pieces that BPE may not merge across.
#ifndef RUNTIME_TOKENIZER_PRE_TOKENIZER_H_
#define RUNTIME_TOKENIZER_PRE_TOKENIZER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/tokenizer/pre_tokenizer_table.h"

// PCRE2's types, so that its header stays in the source file.
struct pcre2_real_code_8;
struct pcre2_real_match_context_8;

namespace runtime {

// Immutable; may be used by many threads.
class PreTokenizer {
 public:
  // `spec` comes from find_pre_tokenizer().
  static base::Result<std::unique_ptr<PreTokenizer>> create(const PreTokenizerSpec& spec);
  PreTokenizer(const PreTokenizer&) = delete;
  PreTokenizer& operator=(const PreTokenizer&) = delete;
  ~PreTokenizer();

  // Replaces `ends` by the ends of the pieces of `text`, which must be UTF-8 and at most
  // kTextBytesMax bytes: ascending, the last being its size; none when it is empty. Fails with
  // kExhausted when a match ran into one of PCRE2's limits.
  base::Status split(std::string_view text, std::vector<std::uint32_t>& ends) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  struct Step {
    SplitStep::Kind kind;
    std::unique_ptr<pcre2_real_code_8, FreeCode> code;  // null unless kind is kPattern
  };

  PreTokenizer() = default;

  std::vector<Step> steps_;
  pcre2_real_match_context_8* limits_ = nullptr;
};

}  // namespace runtime

#endif  // RUNTIME_TOKENIZER_PRE_TOKENIZER_H_
