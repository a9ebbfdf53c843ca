#include "runtime/chat_template/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/tag_lexer.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

std::string normalise_lines(std::string_view source) {
  std::string lines;
  lines.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      lines += source[i];
    } else if (i + 1 == source.size() || source[i + 1] != '\n') {
      lines += '\n';
    }
  }
  if (lines.ends_with('\n')) lines.pop_back();
  return lines;
}

std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty()) {
    const std::size_t last = previous_character(text, text.size());
    if (!is_space(base::decode_utf8(text.substr(last)).code_point)) break;
    text = text.substr(0, last);
  }
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  base::Result<std::vector<Token>> run() {
    while (at_ < source_.size()) {
      const std::size_t tag = find_tag(at_);
      if (tag == source_.npos) {
        add(TokenKind::kData, std::string(source_.substr(at_)));
        break;
      }
      TRY(read_tag(tag));
    }
    add(TokenKind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  static constexpr std::string_view kVariable = "{{", kBlock = "{%", kComment = "{#";

  std::size_t find_tag(std::size_t from) const {
    for (std::size_t i = source_.find('{', from); i != source_.npos; i = source_.find('{', i + 1)) {
      const std::string_view two = source_.substr(i, 2);
      if (two == kVariable || two == kBlock || two == kComment) return i;
    }
    return source_.npos;
  }

  char char_at(std::size_t i) const { return i < source_.size() ? source_[i] : '\0'; }

  base::Status read_tag(std::size_t tag) {
    const std::string_view opening = source_.substr(tag, 2);
    const char sign = sign_at(tag + 2);
    add_data(tag, sign, opening != kVariable);
    advance(tag);
    if (const auto body = raw_body(tag)) return read_raw(*body);
    advance(tag + 2 + (sign != '\0' ? 1 : 0));
    if (opening == kComment) return read_comment();
    const bool variable = opening == kVariable;
    add(variable ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, {});
    return read_inside(variable);
  }

  char sign_at(std::size_t i) const {
    const char c = char_at(i);
    return c == '-' || c == '+' ? c : '\0';
  }

  // Adds the text up to the tag, less the space that the tag takes away.
  void add_data(std::size_t end, char sign, bool lstrip) {
    std::string_view text = source_.substr(at_, end - at_);
    if (sign == '-') {
      text = without_trailing_space(text);
    } else if (sign != '+' && lstrip) {
      const std::size_t line_begin = text.rfind('\n') + 1;  // npos + 1 is 0
      const bool starts_line = line_begin > 0 || at_ == 0 || source_[at_ - 1] == '\n';
      if (starts_line && without_trailing_space(text).size() <= line_begin) {
        text = text.substr(0, line_begin);
      }
    }
    if (!text.empty()) add(TokenKind::kData, std::string(text));
  }

  // Moves on, counting lines.
  void advance(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }

  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, line_, std::move(text)}); }

  // How many bytes of `"-%}"` with the space behind, `"+%}"` or `"%}"` with a line end stand at
  // `i`; 0: none.
  std::size_t closing_bytes(std::size_t i, std::string_view closing, bool block) const {
    const char sign = sign_at(i);
    if (sign == '+' && !block) return 0;
    const std::size_t mark = i + (sign != '\0' ? 1 : 0);
    if (source_.substr(std::min(mark, source_.size()), 2) != closing) return 0;
    std::size_t end = mark + 2;
    if (sign == '-') end += space_bytes(source_, end);
    if (sign == '\0' && block && char_at(end) == '\n') ++end;
    return end - i;
  }

  // After "{%", a sign and space: the word, then space; where that ends.
  std::optional<std::size_t> after_word(std::size_t tag, std::string_view word) const {
    if (source_.substr(tag, 2) != kBlock) return std::nullopt;
    std::size_t i = tag + 2 + (sign_at(tag + 2) != '\0' ? 1 : 0);
    i += space_bytes(source_, i);
    if (source_.substr(i, word.size()) != word) return std::nullopt;
    i += word.size();
    return i + space_bytes(source_, i);
  }

  // Where the body begins, when "{% raw %}" stands at `tag`. No line end is trimmed behind it.
  std::optional<std::size_t> raw_body(std::size_t tag) const {
    const auto closing = after_word(tag, "raw");
    if (!closing || sign_at(*closing) == '+') return std::nullopt;
    const bool dash = sign_at(*closing) == '-';
    const std::size_t mark = *closing + (dash ? 1 : 0);
    if (source_.substr(std::min(mark, source_.size()), 2) != "%}") return std::nullopt;
    return dash ? mark + 2 + space_bytes(source_, mark + 2) : mark + 2;
  }

  base::Status read_raw(std::size_t body) {
    const int begun = line_;
    advance(body);
    for (std::size_t i = source_.find(kBlock, at_); i != source_.npos;
         i = source_.find(kBlock, i + 1)) {
      const auto closing = after_word(i, "endraw");
      if (!closing) continue;
      const std::size_t bytes = closing_bytes(*closing, "%}", true);
      if (bytes == 0) continue;
      add_data(i, sign_at(i + 2), true);
      advance(*closing + bytes);
      return {};
    }
    return base::invalid_input(at_line(begun) + "{% raw %} without {% endraw %}");
  }

  base::Status read_comment() {
    const std::size_t mark = source_.find("#}", at_);
    if (mark == source_.npos) {
      return base::invalid_input(at_line(line_) + "a comment without its end");
    }
    const bool has_sign = mark > at_ && sign_at(mark - 1) != '\0';
    const std::size_t begin = has_sign ? mark - 1 : mark;
    advance(begin + closing_bytes(begin, "#}", true));
    return {};
  }

  base::Status read_inside(bool variable) {
    const std::string_view closing = variable ? "}}" : "%}";
    std::string open;  // the brackets that are to be closed, innermost last
    while (at_ < source_.size()) {
      // "}}" ends nothing while a bracket is open: it may be the end of two dictionaries.
      const std::size_t bytes = open.empty() ? closing_bytes(at_, closing, !variable) : 0;
      if (bytes > 0) {
        add(variable ? TokenKind::kVariableEnd : TokenKind::kBlockEnd, {});
        advance(at_ + bytes);
        return {};
      }
      const std::size_t space = space_bytes(source_, at_);
      advance(at_ + space);
      if (space > 0) continue;
      auto lexeme = TRY(read_lexeme(source_, at_).context(line_text()));
      if (lexeme.kind == TokenKind::kOperator) TRY(balance(lexeme.text[0], open));
      add(lexeme.kind, std::move(lexeme.text));
      advance(at_ + lexeme.bytes);
    }
    return base::invalid_input(at_line(line_) + fmt::format("expected \"{}\"", closing));
  }

  base::Status balance(char bracket, std::string& open) const {
    constexpr std::string_view kOpening = "([{", kClosing = ")]}";
    if (const std::size_t i = kOpening.find(bracket); i != kOpening.npos) open += kClosing[i];
    if (kClosing.find(bracket) == kClosing.npos) return {};
    if (open.empty() || open.back() != bracket) {
      return base::invalid_input(at_line(line_) + fmt::format("unexpected \"{}\"", bracket));
    }
    open.pop_back();
    return {};
  }

  std::string line_text() const { return fmt::format("line {}", line_); }

  const std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::string at_line(int line) {
  return fmt::format("line {}: ", line);
}

base::Result<std::vector<Token>> tokenize(std::string_view source) {
  const std::string lines = normalise_lines(source);
  return Lexer(lines).run();
}

}  // namespace runtime::chat_template
