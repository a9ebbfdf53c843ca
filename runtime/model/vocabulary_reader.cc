#include "runtime/model/vocabulary_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "hardening/base/utf8.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using base::Result;
using base::Status;

std::string named(std::string_view key) {
  return fmt::format("metadata \"{}\"", key);
}

Result<std::string> read_text(const GgufFile& file, std::string_view key) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return std::string();
  const auto text = value->as_string();
  if (!text) return base::invalid_input(named(key) + " is not a string");
  return std::string(*text);
}

// An array, or null when the file has none. `count` elements when that is not 0.
Result<const GgufValue*> find_array(const GgufFile& file, std::string_view key,
                                    std::size_t count_max, std::size_t count) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return value;
  if (!value->is_array()) return base::invalid_input(named(key) + " is not an array");
  if (value->count() > count_max) {
    return base::exhausted(
        fmt::format("{} has {} elements; the limit is {}", named(key), value->count(), count_max));
  }
  if (count != 0 && value->count() != count) {
    return base::invalid_input(
        fmt::format("{} has {} elements; there are {} tokens", named(key), value->count(), count));
  }
  return value;
}

Result<std::vector<std::string>> read_texts(const GgufFile& file, std::string_view key,
                                            std::size_t count_max) {
  std::vector<std::string> texts;
  const GgufValue* array = TRY(find_array(file, key, count_max, 0));
  if (array == nullptr) return texts;
  if (array->element_type() != GgufType::kString)
    return base::invalid_input(named(key) + " does not hold strings");
  texts.reserve(static_cast<std::size_t>(array->count()));
  for (auto walk = array->elements(); const auto element = walk.next();) {
    const std::string_view text = *element->as_string();
    if (text.size() > limits::kTokenBytesMax) {
      return base::exhausted(fmt::format("{}: element {} has {} bytes; the limit is {}", named(key),
                                         texts.size(), text.size(), limits::kTokenBytesMax));
    }
    texts.emplace_back(text);
  }
  return texts;
}

Status read_scores(const GgufFile& file, Vocabulary& vocabulary) {
  constexpr std::string_view kKey = "tokenizer.ggml.scores";
  const GgufValue* array =
      TRY(find_array(file, kKey, limits::kVocabularyMax, vocabulary.tokens.size()));
  if (array == nullptr) return {};
  for (auto walk = array->elements(); const auto element = walk.next();) {
    const auto score = element->as_float();
    // Minus infinity would be a usable score; NaN has no place in an order.
    if (!score || *score != *score) {
      return base::invalid_input(
          fmt::format("{}: element {} is not a number", named(kKey), vocabulary.scores.size()));
    }
    vocabulary.scores.push_back(static_cast<float>(*score));
  }
  return {};
}

Status read_types(const GgufFile& file, Vocabulary& vocabulary) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  const GgufValue* array =
      TRY(find_array(file, kKey, limits::kVocabularyMax, vocabulary.tokens.size()));
  if (array == nullptr) return {};
  for (auto walk = array->elements(); const auto element = walk.next();) {
    const auto type = element->as_uint();
    if (!type || *type > static_cast<std::uint64_t>(TokenType::kByte)) {
      return base::invalid_input(
          fmt::format("{}: element {} is none of 0 to 6", named(kKey), vocabulary.types.size()));
    }
    vocabulary.types.push_back(static_cast<TokenType>(*type));
  }
  return {};
}

Status read_token_id(const GgufFile& file, std::string_view key, std::size_t vocabulary,
                     TokenId& id) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return {};
  const auto number = value->as_uint();
  // Old converters write -1, or its unsigned image, for "none".
  if (value->as_int() == -1 || number == 0xffff'ffffu) return {};
  if (!number || *number >= vocabulary) {
    return base::invalid_input(
        fmt::format("{} is not one of the {} tokens", named(key), vocabulary));
  }
  id = static_cast<TokenId>(*number);
  return {};
}

Status read_flag(const GgufFile& file, std::string_view key, std::optional<bool>& flag) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return {};
  flag = value->as_bool();
  if (!flag) return base::invalid_input(named(key) + " is not a bool");
  return {};
}

// SentencePiece's normalisation rules: bytes, as an array of int8 or uint8.
Status read_charsmap(const GgufFile& file, Vocabulary& vocabulary) {
  constexpr std::string_view kKey = "tokenizer.ggml.precompiled_charsmap";
  const GgufValue* array = TRY(find_array(file, kKey, limits::kCharsmapBytesMax, 0));
  if (array == nullptr) return {};
  if (array->element_type() != GgufType::kInt8 && array->element_type() != GgufType::kUint8) {
    return base::invalid_input(named(kKey) + " does not hold bytes");
  }
  for (auto walk = array->elements(); const auto element = walk.next();) {
    vocabulary.precompiled_charsmap.push_back(static_cast<char>(element->as_int().value_or(0)));
  }
  return {};
}

Status read_token_ids(const GgufFile& file, Vocabulary& vocabulary) {
  const struct {
    std::string_view key;
    TokenId& id;
  } ids[] = {
      {"tokenizer.ggml.bos_token_id", vocabulary.bos},
      {"tokenizer.ggml.eos_token_id", vocabulary.eos},
      {"tokenizer.ggml.eot_token_id", vocabulary.eot},
      {"tokenizer.ggml.eom_token_id", vocabulary.eom},
      {"tokenizer.ggml.unknown_token_id", vocabulary.unknown},
      {"tokenizer.ggml.seperator_token_id", vocabulary.separator},  // spelled so in the format
      {"tokenizer.ggml.padding_token_id", vocabulary.padding},
  };
  for (const auto& entry : ids)
    TRY(read_token_id(file, entry.key, vocabulary.tokens.size(), entry.id));
  return {};
}

// A text to show, or nothing when it is not one.
std::string shown_text(const GgufFile& file, std::string_view key) {
  const GgufValue* value = file.find(key);
  const auto text = value == nullptr ? std::nullopt : value->as_string();
  if (!text || text->size() > limits::kNameBytesMax || !base::is_utf8(*text)) return {};
  const bool control = std::any_of(text->begin(), text->end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return control ? std::string() : std::string(*text);
}

}  // namespace

Result<Vocabulary> read_vocabulary(const GgufFile& file) {
  Vocabulary vocabulary;
  vocabulary.model = TRY(read_text(file, "tokenizer.ggml.model"));
  vocabulary.pre = TRY(read_text(file, "tokenizer.ggml.pre"));
  vocabulary.tokens = TRY(read_texts(file, "tokenizer.ggml.tokens", limits::kVocabularyMax));
  if (vocabulary.tokens.empty())
    return base::invalid_input(named("tokenizer.ggml.tokens") + " is missing or empty");
  TRY(read_scores(file, vocabulary));
  TRY(read_types(file, vocabulary));
  vocabulary.merges = TRY(read_texts(file, "tokenizer.ggml.merges", limits::kMergesMax));
  TRY(read_token_ids(file, vocabulary));
  TRY(read_flag(file, "tokenizer.ggml.add_bos_token", vocabulary.add_bos));
  TRY(read_flag(file, "tokenizer.ggml.add_eos_token", vocabulary.add_eos));
  TRY(read_flag(file, "tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix));
  TRY(read_flag(file, "tokenizer.ggml.remove_extra_whitespaces",
                vocabulary.remove_extra_whitespaces));
  TRY(read_flag(file, "tokenizer.ggml.normalizer.lowercase", vocabulary.lowercase));
  TRY(read_flag(file, "tokenizer.ggml.normalizer.strip_accents", vocabulary.strip_accents));
  TRY(read_charsmap(file, vocabulary));
  return vocabulary;
}

Result<std::string> read_chat_template(const GgufFile& file) {
  return read_text(file, "tokenizer.chat_template");
}

ModelDescription describe_model(const GgufFile& file) {
  ModelDescription description;
  description.architecture = shown_text(file, "general.architecture");
  description.name = shown_text(file, "general.name");
  description.size_label = shown_text(file, "general.size_label");
  description.license = shown_text(file, "general.license");
  std::map<kernels::Format, std::uint64_t> bytes_by_format;
  for (const GgufTensor& tensor : file.tensors()) {
    // Cannot overflow: the tensors lie in the file side by side, and no format packs more than four
    // to a byte.
    description.parameters +=
        std::uint64_t{tensor.rows()} * tensor.cols() * tensor.dimensions[2] * tensor.dimensions[3];
    description.weights_bytes += tensor.bytes;
    bytes_by_format[tensor.format] += tensor.bytes;
  }
  std::uint64_t most = 0;
  for (const auto& [format, bytes] : bytes_by_format) {
    if (bytes <= most) continue;
    most = bytes;
    description.weights = kernels::format_info(format).name;
  }
  return description;
}

}  // namespace runtime
