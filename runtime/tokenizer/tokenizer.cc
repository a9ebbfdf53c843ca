#include "runtime/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <utility>

#include "runtime/tokenizer/byte_bpe_tokenizer.h"
#include "runtime/tokenizer/character_bpe_tokenizer.h"
#include "runtime/tokenizer/pre_tokenizer_table.h"
#include "runtime/tokenizer/spm_tokenizer.h"
#include "runtime/tokenizer/unigram_tokenizer.h"
#include "runtime/tokenizer/vocabulary_check.h"
#include "runtime/tokenizer/word_piece_tokenizer.h"

namespace runtime {
namespace {

// A name from outside as part of a message: short, and of characters that cannot upset a terminal
// or a log.
std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (const char c : name.substr(0, 64)) text += c >= ' ' && c < 0x7F && c != '"' ? c : '?';
  return text + '"';
}

base::Result<std::unique_ptr<Tokenizer>> create_bpe_tokenizer(Vocabulary vocabulary) {
  const std::string name = vocabulary.model == "gemma4" ? vocabulary.model : vocabulary.pre;
  const PreTokenizerSpec* spec = find_pre_tokenizer(name);
  if (spec == nullptr) {
    return base::unsupported(
        fmt::format("tokenizer.ggml.pre: unknown pre-tokenizer {}", quoted(name)));
  }
  if (vocabulary.merges.empty()) return base::invalid_input("tokenizer.ggml.merges: missing");
  if (spec->on_characters) return create_character_bpe_tokenizer(std::move(vocabulary), *spec);
  return create_byte_bpe_tokenizer(std::move(vocabulary), *spec);
}

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> Tokenizer::create(Vocabulary vocabulary) {
  TRY(check_vocabulary(vocabulary));
  if (vocabulary.model == "llama") return create_spm_tokenizer(std::move(vocabulary));
  if (vocabulary.model == "gpt2" || vocabulary.model == "gemma4")
    return create_bpe_tokenizer(std::move(vocabulary));
  if (vocabulary.model == "bert") return create_word_piece_tokenizer(std::move(vocabulary));
  if (vocabulary.model == "t5") return create_unigram_tokenizer(std::move(vocabulary));
  return base::unsupported(
      fmt::format("tokenizer.ggml.model: unknown kind {}", quoted(vocabulary.model)));
}

}  // namespace runtime
