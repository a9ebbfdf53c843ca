#include "runtime/chat_template/chat_template.h"

#include <fmt/format.h>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/lexer.h"
#include "runtime/chat_template/parser.h"
#include "runtime/chat_template/run.h"

namespace runtime {
namespace {

namespace ct = chat_template;

class ParsedTemplate final : public ChatTemplate {
 public:
  ParsedTemplate(ct::Block body, const ChatTemplateLimits& limits)
      : body_(std::move(body)), limits_(limits) {}

  base::Result<std::vector<TemplateSpan>> render(const base::Json& variables,
                                                 std::int64_t now_unix_seconds) const override {
    ct::Run run(limits_, now_unix_seconds);
    TRY(run.set_variables(variables).context("chat template"));
    const auto flow = run.execute(body_);
    if (!flow.ok()) {
      base::Error error = flow.error();
      error.message.insert(0, "chat template: " + ct::at_line(run.line()));
      return error;
    }
    std::vector<TemplateSpan> spans;
    const ct::Text& text = run.out().text();
    text.for_each_piece(0, text.size(), [&spans](std::string_view piece, bool from_input) {
      spans.push_back({std::string(piece), from_input});
    });
    return spans;
  }

 private:
  const ct::Block body_;
  const ChatTemplateLimits limits_;
};

}  // namespace

base::Result<std::unique_ptr<ChatTemplate>> ChatTemplate::parse(std::string_view source,
                                                                const ChatTemplateLimits& limits) {
  if (source.size() > limits.source_bytes_max) {
    return base::exhausted(
        fmt::format("chat template: {} bytes, limit {}", source.size(), limits.source_bytes_max));
  }
  if (!base::is_utf8(source)) return base::invalid_input("chat template: not UTF-8");
  const auto tokens = TRY(ct::tokenize(source).context("chat template"));
  auto body = TRY(ct::parse_template(tokens, limits.depth_max).context("chat template"));
  return std::unique_ptr<ChatTemplate>(std::make_unique<ParsedTemplate>(std::move(body), limits));
}

std::string join_spans(const std::vector<TemplateSpan>& spans) {
  std::string text;
  for (const TemplateSpan& span : spans) text += span.text;
  return text;
}

}  // namespace runtime
