#include "bench/synth/synthetic_metadata.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hardening/base/utf8.h"
#include "runtime/tokenizer/vocabulary.h"

namespace bench {
namespace {

using runtime::TokenType;

// The last tokens of the vocabulary, in this order.
constexpr std::string_view kControlTokens[] = {"<|begin_of_text|>", "<|endoftext|>", "<|im_start|>",
                                               "<|im_end|>"};
constexpr std::uint32_t kBeginOfText = 0;
constexpr std::uint32_t kImEnd = 3;

constexpr std::string_view kChatTemplate =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

// GPT-2's alphabet: printable bytes stand for themselves as Latin-1, the others for U+0100 and up
// in order (Radford et al. 2019, encoder.py).
std::vector<std::string> byte_alphabet() {
  std::vector<std::string> letters;
  char32_t next_other = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    std::string letter;
    base::append_utf8(letter, printable ? byte : next_other++);
    letters.push_back(std::move(letter));
  }
  return letters;
}

void add_vocabulary(const SyntheticShape& shape, runtime::GgufWriter& writer) {
  std::vector<std::string> tokens = byte_alphabet();
  const std::string space = tokens[' '];
  const std::vector<std::string> merges{space + " t"};
  tokens.push_back(space + "t");
  const std::uint32_t first_control =
      shape.vocabulary - static_cast<std::uint32_t>(std::size(kControlTokens));
  while (tokens.size() < first_control) tokens.push_back(fmt::format("synthetic{}", tokens.size()));
  for (const std::string_view control : kControlTokens) tokens.emplace_back(control);
  std::vector<std::int32_t> types(tokens.size(), static_cast<std::int32_t>(TokenType::kNormal));
  for (std::size_t i = first_control; i < types.size(); ++i)
    types[i] = static_cast<std::int32_t>(TokenType::kControl);

  writer.add_string("tokenizer.ggml.model", "gpt2");
  writer.add_string("tokenizer.ggml.pre", shape.pre_tokenizer);
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_int32s("tokenizer.ggml.token_type", types);
  writer.add_strings("tokenizer.ggml.merges", merges);
  writer.add_uint32("tokenizer.ggml.bos_token_id", first_control + kBeginOfText);
  writer.add_uint32("tokenizer.ggml.eos_token_id", first_control + kImEnd);
  writer.add_bool("tokenizer.ggml.add_bos_token", false);
  writer.add_string("tokenizer.chat_template", kChatTemplate);
}

}  // namespace

void add_synthetic_metadata(const SyntheticShape& shape, std::string_view mix,
                            runtime::GgufWriter& writer) {
  const auto key = [&shape](std::string_view name) {
    return fmt::format("{}.{}", shape.architecture, name);
  };
  writer.add_string("general.architecture", shape.architecture);
  writer.add_string("general.name", fmt::format("synthetic {} {}", shape.name, mix));
  writer.add_uint32("general.quantization_version", 2);
  writer.add_uint32(key("vocab_size"), shape.vocabulary);
  writer.add_uint32(key("context_length"), shape.context_tokens);
  writer.add_uint32(key("embedding_length"), shape.dim);
  writer.add_uint32(key("block_count"), shape.layers);
  writer.add_uint32(key("feed_forward_length"), shape.ff_dim);
  writer.add_uint32(key("attention.head_count"), shape.heads);
  writer.add_uint32(key("attention.head_count_kv"), shape.kv_heads);
  writer.add_uint32(key("attention.key_length"), shape.head_dim);
  writer.add_uint32(key("attention.value_length"), shape.head_dim);
  writer.add_float32(key("attention.layer_norm_rms_epsilon"), shape.rms_eps);
  if (shape.window != 0) writer.add_uint32(key("attention.sliding_window"), shape.window);
  writer.add_uint32(key("rope.dimension_count"), shape.head_dim);
  writer.add_float32(key("rope.freq_base"), shape.rope_base);
  if (shape.rope == SyntheticRope::kLinear || shape.rope == SyntheticRope::kYarn) {
    writer.add_string(key("rope.scaling.type"),
                      shape.rope == SyntheticRope::kYarn ? "yarn" : "linear");
    writer.add_float32(key("rope.scaling.factor"), shape.rope_factor);
    writer.add_uint32(key("rope.scaling.original_context_length"), shape.rope_original_context);
  }
  if (shape.yarn_log_multiplier != 0) {
    writer.add_float32(key("rope.scaling.yarn_log_multiplier"), shape.yarn_log_multiplier);
  }
  add_vocabulary(shape, writer);
}

}  // namespace bench
