#include "tests/runtime/tokenizer/vector_file.h"

#include <cstddef>
#include <optional>
#include <string_view>

#include "hardening/base/check.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace runtime {
namespace {

TokenId token_id(const base::Json& vocabulary, std::string_view key) {
  const base::Json* id = vocabulary.find(key);
  return id == nullptr ? kNoToken : static_cast<TokenId>(id->as_int());
}

std::optional<bool> flag(const base::Json& vocabulary, std::string_view key) {
  const base::Json* value = vocabulary.find(key);
  return value == nullptr ? std::nullopt : std::optional<bool>(value->as_bool());
}

std::string text(const base::Json& vocabulary, std::string_view key) {
  const base::Json* value = vocabulary.find(key);
  return value == nullptr ? std::string() : value->as_string();
}

const base::Json::Array& array(const base::Json& vocabulary, std::string_view key) {
  static const base::Json::Array kNone;
  const base::Json* value = vocabulary.find(key);
  return value == nullptr ? kNone : value->as_array();
}

// RFC 4648, section 4.
std::string decode_base64(std::string_view encoded) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string decoded;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : encoded) {
    if (c == '=') break;
    const std::size_t digit = kDigits.find(c);
    CHECK(digit != std::string_view::npos);
    bits = (bits << 6) | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return decoded;
}

Vocabulary parse_vocabulary(const base::Json& json) {
  Vocabulary vocabulary;
  vocabulary.model = text(json, "model");
  vocabulary.pre = text(json, "pre");
  for (const base::Json& token : array(json, "tokens"))
    vocabulary.tokens.push_back(token.as_string());
  for (const base::Json& merge : array(json, "merges"))
    vocabulary.merges.push_back(merge.as_string());
  for (const base::Json& score : array(json, "scores"))
    vocabulary.scores.push_back(static_cast<float>(score.as_double()));
  for (const base::Json& type : array(json, "types"))
    vocabulary.types.push_back(static_cast<TokenType>(type.as_int()));
  vocabulary.bos = token_id(json, "bos");
  vocabulary.eos = token_id(json, "eos");
  vocabulary.unknown = token_id(json, "unknown");
  vocabulary.add_space_prefix = flag(json, "add_space_prefix");
  vocabulary.remove_extra_whitespaces = flag(json, "remove_extra_whitespaces");
  vocabulary.lowercase = flag(json, "lowercase");
  vocabulary.strip_accents = flag(json, "strip_accents");
  vocabulary.precompiled_charsmap = decode_base64(text(json, "precompiled_charsmap_base64"));
  return vocabulary;
}

}  // namespace

TokenizerVectors read_tokenizer_vectors(const std::string& name) {
  const auto file =
      base::read_text_file("tests/vectors/tokenizers/" + name + ".json", std::size_t{1} << 20);
  CHECK(file.ok());
  const auto json = base::Json::parse(file.value());
  CHECK(json.ok() && json.value().find("vocabulary") != nullptr);
  TokenizerVectors vectors;
  vectors.vocabulary = parse_vocabulary(*json.value().find("vocabulary"));
  for (const base::Json& row : array(json.value(), "cases")) {
    TokenizerVectors::Case& added = vectors.cases.emplace_back();
    added.text = row.as_array()[0].as_string();
    for (const base::Json& id : row.as_array()[1].as_array())
      added.ids.push_back(static_cast<TokenId>(id.as_int()));
  }
  return vectors;
}

}  // namespace runtime
