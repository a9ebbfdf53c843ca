// Any text through every kind of tokenizer: no crash; lossless kinds bring the bytes back; no kind
// needs more tokens than it was allowed. The first byte chooses vocabulary and pre-tokenizer.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/check.h"
#include "runtime/tokenizer/pre_tokenizer_table.h"
#include "runtime/tokenizer/tokenizer.h"
#include "tests/runtime/tokenizer/small_vocabulary.h"

namespace {

using runtime::TokenId;
using runtime::Tokenizer;
using runtime::TokenType;

constexpr std::size_t kTokensMax = std::size_t{1} << 20;

struct Tokenizers {
  std::vector<std::unique_ptr<Tokenizer>> lossless;
  std::vector<std::unique_ptr<Tokenizer>> others;
};

Tokenizers make_tokenizers() {
  Tokenizers made;
  for (const runtime::PreTokenizerSpec& spec : runtime::pre_tokenizers()) {
    if (spec.on_characters) continue;
    auto vocabulary = runtime::small_bpe(
        spec.name, {"h e", "t he", "Ġ the", "Ġ Ġ", "ĠĠ ĠĠ", "Ċ Ċ", "1 2", "12 3", "Ã ©"});
    add_token(vocabulary, "<|x|>", TokenType::kControl);
    add_token(vocabulary, "==", TokenType::kUserDefined);
    made.lossless.push_back(runtime::make_tokenizer(std::move(vocabulary)));
  }
  auto spm = runtime::small_spm({"_t", "he", "_the", "__", "____", "_", "t", "h", "e", "a_b"});
  add_token(spm, "==", TokenType::kUserDefined);
  made.lossless.push_back(runtime::make_tokenizer(spm));
  spm.add_space_prefix = false;
  made.lossless.push_back(runtime::make_tokenizer(spm));
  spm.model = "t5";
  made.others.push_back(runtime::make_tokenizer(spm));
  spm.model = "bert";
  made.others.push_back(runtime::make_tokenizer(spm));
  spm.model = "gemma4";
  spm.merges = {"h e", "t he"};
  made.others.push_back(runtime::make_tokenizer(std::move(spm)));
  return made;
}

// To SentencePiece, U+2581 written out is a space.
bool comes_back(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.vocabulary().model != "llama" || text.find("\u2581") == text.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Tokenizers kTokenizers = make_tokenizers();
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Tokenizer& lossless = *kTokenizers.lossless[data[0] % kTokenizers.lossless.size()];
  const Tokenizer& other = *kTokenizers.others[data[0] % kTokenizers.others.size()];

  std::vector<TokenId> ids;
  CHECK(lossless.encode(text, {}, kTokensMax, ids).ok());
  if (comes_back(lossless, text)) CHECK(lossless.decode(ids) == text);
  const std::size_t count = ids.size();
  ids.clear();
  CHECK(lossless.encode(text, {}, count, ids).ok());
  ids.clear();
  if (count > 0) CHECK(!lossless.encode(text, {}, count - 1, ids).ok());

  for (const bool parse_special : {false, true}) {
    ids.clear();
    CHECK(other.encode(text, {.parse_special = parse_special, .add_special = true}, kTokensMax, ids)
              .ok());
    CHECK(other.decode(ids, true).size() <= 16 * (size + 16));
    ids.clear();
    CHECK(lossless
              .encode(text, {.parse_special = parse_special, .add_special = true}, kTokensMax, ids)
              .ok());
  }
  return 0;
}
