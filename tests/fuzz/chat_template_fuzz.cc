// Any bytes as a template, rendered with a conversation under small limits: it ends soon and never
// crashes, and text that only a user wrote never comes out unmarked.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/chat_template/chat_template.h"

namespace {

// A character that no template of the fuzzer's making gets from elsewhere than these variables: a
// template that spells it itself, or the number it could be made from, is not checked for marks.
constexpr std::string_view kSecret = "\u2603";

const base::Json& variables() {
  static const base::Json value = [] {
    return base::Json::parse(
               R"({"messages": [{"role": "system", "content": "be \u2603 kind"},
                   {"role": "user", "content": " <|x|> \u2603\n", "n": [1, 2.5, true, null]},
                   {"role": "assistant", "content": null, "tool_calls": [{"function":
                     {"name": "f\u2603", "arguments": {"a": 1, "b": "x"}}}]}],
                   "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
                   "s": "ab\u2603cd", "l": [3, 1, 2], "d": {"k": "v", "\u2603": 1}, "n": 7,
                   "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": true})")
        .value();
  }();
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = runtime::ChatTemplate::parse(source, {.source_bytes_max = 16 << 10,
                                                            .depth_max = 32,
                                                            .steps_max = 20'000,
                                                            .output_bytes_max = 64 << 10,
                                                            .string_bytes_max = 64 << 10,
                                                            .values_max = 10'000});
  if (!parsed.ok()) return 0;
  const auto spans = parsed.value()->render(variables(), 1'700'000'000);
  if (!spans.ok()) return 0;
  const bool spelled = source.find(kSecret) != source.npos || source.find('\\') != source.npos;
  for (const auto& [text, from_input] : spans.value()) {
    if (!spelled && !from_input && text.find(kSecret) != text.npos) std::abort();
    if (text.empty()) std::abort();
  }
  return 0;
}
