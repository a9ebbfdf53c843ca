#include <fmt/format.h>

#include "runtime/chat_template/parser.h"

namespace runtime::chat_template {
namespace {

std::string_view kind_name(TokenKind kind) {
  constexpr std::string_view kNames[] = {"text",
                                         "\"{{\"",
                                         "\"}}\"",
                                         "\"{%\"",
                                         "\"%}\"",
                                         "a name",
                                         "a string",
                                         "an integer",
                                         "a float",
                                         "an operator",
                                         "the end of the template"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

bool TokenReader::skip_operator(std::string_view op) {
  if (!now().is_operator(op)) return false;
  next();
  return true;
}

bool TokenReader::skip_name(std::string_view name) {
  if (!now().is_name(name)) return false;
  next();
  return true;
}

base::Status TokenReader::expect_operator(std::string_view op) {
  if (!skip_operator(op)) return unexpected(fmt::format("\"{}\"", op));
  return {};
}

base::Status TokenReader::expect(TokenKind kind) {
  if (now().kind != kind) return unexpected(kind_name(kind));
  next();
  return {};
}

base::Result<std::string> TokenReader::expect_name() {
  if (now().kind != TokenKind::kName) return unexpected("a name");
  return next().text;
}

base::Error TokenReader::unexpected(std::string_view wanted) const {
  const Token& token = now();
  const bool shown = token.kind == TokenKind::kName || token.kind == TokenKind::kOperator;
  return base::invalid_input(
      at_line(token.line) +
      (shown ? fmt::format("expected {}, found \"{:.64}\"", wanted, token.text)
             : fmt::format("expected {}, found {}", wanted, kind_name(token.kind))));
}

base::Status TokenReader::Nested::check() const {
  if (reader_.depth_ <= reader_.depth_max_) return {};
  return base::exhausted(
      fmt::format("line {}: nested deeper than {}", reader_.line(), reader_.depth_max_));
}

}  // namespace runtime::chat_template
