#include "runtime/tokenizer/token_roles.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace runtime {
namespace {

// The end-of-turn and end-of-text tokens of the published model families.
constexpr std::string_view kEndTexts[] = {
    "<|eot_id|>",             // Llama 3
    "<|eom_id|>",             // Llama 3, before a tool's answer
    "<|eot|>",                // Llama 4
    "<|eom|>",                // Llama 4
    "<|im_end|>",             // ChatML: Qwen, SmolLM, InternLM
    "<|end|>",                // Phi 3
    "<end_of_turn>",          // Gemma
    "<turn|>",                // Gemma 4
    "<|tool_response>",       // Gemma 4
    "<eos>",                  // Gemma
    "<|endoftext|>",          // GPT-2
    "<|end_of_text|>",        // Llama 3, Granite
    "<|return|>",             // gpt-oss
    "<|call|>",               // gpt-oss
    "<|flush|>",              // Solar Open
    "<|calls|>",              // Solar Open
    "<EOT>",                  // CodeLlama, DeepSeek Coder
    "_<EOT>",                 // CodeLlama
    "<|EOT|>",                // DeepSeek Coder
    "[EOT]",                  // Kimi
    "[EOS]",                  // Kimi
    "<end_of_utterance>",     // SmolVLM
    "<｜end▁of▁sentence｜>",  // DeepSeek
    "[e~[",                   // MiniMax
    "</s>",                   // Llama 2, Mistral
};

bool is_end_text(std::string_view text) {
  return std::find(std::begin(kEndTexts), std::end(kEndTexts), text) != std::end(kEndTexts);
}

bool has_control(const Vocabulary& vocabulary, const std::vector<TokenType>& types,
                 std::string_view text) {
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (types[id] == TokenType::kControl && vocabulary.tokens[id] == text) return true;
  }
  return false;
}

}  // namespace

std::vector<TokenType> token_types(const Vocabulary& vocabulary) {
  const bool typed = !vocabulary.types.empty();
  std::vector<TokenType> types = vocabulary.types;
  if (!typed) types.assign(vocabulary.tokens.size(), TokenType::kNormal);
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (typed && types[id] != TokenType::kUserDefined) continue;
    // "</s>" is also the HTML tag, which some vocabularies have as a user-defined token.
    if (vocabulary.tokens[id] == "</s>" && static_cast<TokenId>(id) != vocabulary.eos) continue;
    if (is_end_text(vocabulary.tokens[id])) types[id] = TokenType::kControl;
  }
  return types;
}

std::vector<TokenId> end_tokens(const Vocabulary& vocabulary, const std::vector<TokenType>& types) {
  // Where "<|return|>" or "<|flush|>" ends a turn, "<|end|>" merely ends one of its messages.
  const bool has_messages =
      (has_control(vocabulary, types, "<|return|>") &&
       has_control(vocabulary, types, "<|call|>")) ||
      (has_control(vocabulary, types, "<|flush|>") && has_control(vocabulary, types, "<|calls|>"));
  std::vector<TokenId> ends;
  for (const TokenId id : {vocabulary.eos, vocabulary.eot, vocabulary.eom}) {
    if (id != kNoToken) ends.push_back(id);
  }
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (types[id] != TokenType::kControl || !is_end_text(vocabulary.tokens[id])) continue;
    if (has_messages && vocabulary.tokens[id] == "<|end|>") continue;
    ends.push_back(static_cast<TokenId>(id));
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

}  // namespace runtime
