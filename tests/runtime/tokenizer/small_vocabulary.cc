#include "tests/runtime/tokenizer/small_vocabulary.h"

#include <fmt/format.h>

#include "hardening/base/check.h"
#include "hardening/base/utf8.h"
#include "runtime/tokenizer/byte_alphabet.h"

namespace runtime {
namespace {

constexpr std::size_t kPlenty = std::size_t{1} << 24;

}  // namespace

Vocabulary small_bpe(std::string_view pre, std::initializer_list<std::string_view> merges) {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  for (unsigned byte = 0; byte < 256; ++byte) {
    base::append_utf8(vocabulary.tokens.emplace_back(),
                      alphabet_character(static_cast<unsigned char>(byte)));
    vocabulary.types.push_back(TokenType::kNormal);
  }
  for (const std::string_view merge : merges) {
    vocabulary.merges.emplace_back(merge);
    std::string joined(merge);
    joined.erase(joined.find(' ', 1), 1);
    add_token(vocabulary, joined, TokenType::kNormal);
  }
  return vocabulary;
}

Vocabulary small_spm(std::initializer_list<std::string_view> texts) {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.unknown = add_token(vocabulary, "<unk>", TokenType::kUnknown);
  vocabulary.bos = add_token(vocabulary, "<s>", TokenType::kControl);
  vocabulary.eos = add_token(vocabulary, "</s>", TokenType::kControl);
  for (unsigned byte = 0; byte < 256; ++byte)
    add_token(vocabulary, fmt::format("<0x{:02X}>", byte), TokenType::kByte);
  vocabulary.scores.assign(vocabulary.tokens.size(), 0.0F);
  for (const std::string_view text : texts) {
    std::string marked;
    for (const char c : text) marked += c == '_' ? std::string("\u2581") : std::string(1, c);
    add_token(vocabulary, marked, TokenType::kNormal);
    vocabulary.scores.push_back(-static_cast<float>(vocabulary.tokens.size() - 258));
  }
  return vocabulary;
}

TokenId add_token(Vocabulary& vocabulary, std::string_view text, TokenType type) {
  vocabulary.tokens.emplace_back(text);
  vocabulary.types.push_back(type);
  if (!vocabulary.scores.empty() && vocabulary.scores.size() + 1 == vocabulary.tokens.size() &&
      type != TokenType::kNormal) {
    vocabulary.scores.push_back(-1000.0F);
  }
  return static_cast<TokenId>(vocabulary.tokens.size() - 1);
}

std::unique_ptr<Tokenizer> make_tokenizer(Vocabulary vocabulary) {
  auto tokenizer = Tokenizer::create(std::move(vocabulary));
  CHECK(tokenizer.ok());
  return std::move(tokenizer).value();
}

std::vector<TokenId> encode(const Tokenizer& tokenizer, std::string_view text,
                            const EncodeOptions& options) {
  std::vector<TokenId> ids;
  const base::Status status = tokenizer.encode(text, options, kPlenty, ids);
  CHECK(status.ok());
  return ids;
}

std::string pieces(const Tokenizer& tokenizer, std::string_view text,
                   const EncodeOptions& options) {
  std::string joined;
  for (const TokenId id : encode(tokenizer, text, options))
    joined += fmt::format("[{}]", tokenizer.piece(id, true));
  return joined;
}

}  // namespace runtime
