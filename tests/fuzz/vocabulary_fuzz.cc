// Any vocabulary: creation refuses it with an error of ours, or the tokenizer works on any text
// without a crash and every id it makes is one of the vocabulary.
//
// The input is a string of fields, each read as far as it goes: kind, pre-tokenizer, flags and ids,
// tokens with type and score, merges; what is left is the text and the map of characters.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/byte_reader.h"
#include "hardening/base/check.h"
#include "runtime/tokenizer/pre_tokenizer_table.h"
#include "runtime/tokenizer/tokenizer.h"

namespace {

using runtime::TokenId;
using runtime::Vocabulary;

constexpr std::string_view kModels[] = {"llama", "gpt2", "gemma4", "bert", "t5", "other"};

std::uint8_t byte(base::ByteReader& reader) {
  const auto value = reader.read<std::uint8_t>("byte");
  return value.ok() ? value.value() : std::uint8_t{0};
}

std::string text(base::ByteReader& reader) {
  const auto value = reader.read_string<std::uint8_t>("text", 255);
  return value.ok() ? std::string(value.value()) : std::string();
}

Vocabulary read_vocabulary(base::ByteReader& reader) {
  Vocabulary vocabulary;
  vocabulary.model = kModels[byte(reader) % std::size(kModels)];
  const auto rows = runtime::pre_tokenizers();
  const std::uint8_t row = byte(reader);
  vocabulary.pre = row < rows.size() ? rows[row].name : std::string_view("other");
  const std::uint8_t flags = byte(reader);
  if ((flags & 1) != 0) vocabulary.add_bos = (flags & 2) != 0;
  if ((flags & 4) != 0) vocabulary.add_space_prefix = (flags & 8) != 0;
  vocabulary.remove_extra_whitespaces = (flags & 16) != 0;
  vocabulary.lowercase = (flags & 32) != 0;
  vocabulary.bos = static_cast<std::int8_t>(byte(reader));
  vocabulary.unknown = static_cast<std::int8_t>(byte(reader));
  const unsigned tokens = byte(reader);
  for (unsigned i = 0; i < tokens; ++i) {
    vocabulary.types.push_back(static_cast<runtime::TokenType>(byte(reader) % 8));
    vocabulary.scores.push_back(static_cast<float>(static_cast<std::int8_t>(byte(reader))));
    vocabulary.tokens.push_back(text(reader));
  }
  if ((flags & 64) != 0) vocabulary.types.clear();
  const unsigned merges = byte(reader);
  for (unsigned i = 0; i < merges && !reader.at_end(); ++i)
    vocabulary.merges.push_back(text(reader));
  if ((flags & 128) != 0) vocabulary.precompiled_charsmap = text(reader);
  return vocabulary;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteReader reader(std::as_bytes(std::span(data, size)));
  const Vocabulary vocabulary = read_vocabulary(reader);
  const auto tokenizer = runtime::Tokenizer::create(vocabulary);
  if (!tokenizer.ok()) {
    CHECK(!tokenizer.error().message.empty());
    return 0;
  }
  const auto rest = reader.take(reader.remaining(), "rest");
  CHECK(rest.ok());
  const std::string_view words(reinterpret_cast<const char*>(rest.value().data()),
                               rest.value().size());
  for (const bool parse_special : {false, true}) {
    std::vector<TokenId> ids;
    const auto status = tokenizer.value()->encode(
        words, {.parse_special = parse_special, .add_special = true}, 4 * size + 16, ids);
    CHECK(status.ok());
    for (const TokenId id : ids) {
      CHECK(id >= 0 && static_cast<std::size_t>(id) < vocabulary.tokens.size());
      tokenizer.value()->piece(id);
    }
    tokenizer.value()->decode(ids, parse_special);
  }
  for (const TokenId id : tokenizer.value()->end_tokens()) tokenizer.value()->piece(id, true);
  return 0;
}
