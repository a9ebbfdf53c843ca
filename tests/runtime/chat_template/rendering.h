// One call from source and variables to text, for tests.
#ifndef TESTS_RUNTIME_CHAT_TEMPLATE_RENDERING_H_
#define TESTS_RUNTIME_CHAT_TEMPLATE_RENDERING_H_

#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "runtime/chat_template/chat_template.h"

namespace runtime {

inline base::Result<std::vector<TemplateSpan>> render_spans(std::string_view source,
                                                            std::string_view variables = "{}",
                                                            const ChatTemplateLimits& limits = {},
                                                            std::int64_t now = 0) {
  const auto parsed = TRY(ChatTemplate::parse(source, limits));
  return parsed->render(TRY(base::Json::parse(variables)), now);
}

// The text, or "error_code: message".
inline std::string render(std::string_view source, std::string_view variables = "{}",
                          const ChatTemplateLimits& limits = {}, std::int64_t now = 0) {
  const auto spans = render_spans(source, variables, limits, now);
  if (spans.ok()) return join_spans(spans.value());
  return std::string(base::error_code_name(spans.error().code)) + ": " + spans.error().message;
}

// The text with every piece that came from input between « and ».
inline std::string marked(std::string_view source, std::string_view variables = "{}") {
  const auto spans = render_spans(source, variables);
  if (!spans.ok()) return spans.error().message;
  std::string text;
  for (const auto& [piece, from_input] : spans.value()) {
    text += from_input ? "«" + piece + "»" : piece;
  }
  return text;
}

}  // namespace runtime

#endif  // TESTS_RUNTIME_CHAT_TEMPLATE_RENDERING_H_
