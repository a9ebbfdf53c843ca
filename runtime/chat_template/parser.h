// From tokens to the syntax tree: a recursive descent whose nesting is counted.
#ifndef RUNTIME_CHAT_TEMPLATE_PARSER_H_
#define RUNTIME_CHAT_TEMPLATE_PARSER_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/chat_template/lexer.h"
#include "runtime/chat_template/syntax_tree.h"

namespace runtime::chat_template {

// The tree does not refer to `tokens`, which end with kEnd.
base::Result<Block> parse_template(std::span<const Token> tokens, std::size_t depth_max);

// What both halves of the parser share: where it stands, and how deep.
class TokenReader {
 public:
  TokenReader(std::span<const Token> tokens, std::size_t depth_max)
      : tokens_(tokens), depth_max_(depth_max) {}

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  int line() const { return now().line; }
  const Token& next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }

  bool skip_operator(std::string_view op);
  bool skip_name(std::string_view name);
  base::Status expect_operator(std::string_view op);
  base::Status expect(TokenKind kind);
  base::Result<std::string> expect_name();

  // "line 3: expected …, found …"
  base::Error unexpected(std::string_view wanted) const;

  // One level deeper for as long as this object lives.
  class Nested {
   public:
    explicit Nested(TokenReader& reader) : reader_(reader) { ++reader_.depth_; }
    ~Nested() { --reader_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    base::Status check() const;

   private:
    TokenReader& reader_;
  };

 private:
  const std::span<const Token> tokens_;
  const std::size_t depth_max_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& reader) : reader_(reader) {}

  // One expression; without `conditional`, an "if" behind it is somebody else's.
  base::Result<ExpressionPtr> parse(bool conditional = true);
  // The same, or several with commas between: a tuple then. `end` is a name that ends it, or empty.
  base::Result<ExpressionPtr> parse_tuple(bool conditional = true, std::string_view end = {},
                                          bool may_be_empty = false);
  // "|name(arguments)" as often as it follows; at once "name(arguments)" when `inline_start`.
  base::Result<std::vector<LinkPtr>> parse_filters(bool inline_start);

 private:
  base::Result<ExpressionPtr> parse_conditional();
  base::Result<ExpressionPtr> parse_or();
  base::Result<ExpressionPtr> parse_and();
  base::Result<ExpressionPtr> parse_not();
  base::Result<ExpressionPtr> parse_comparison();
  base::Result<ExpressionPtr> parse_sum();
  base::Result<ExpressionPtr> parse_concatenation();
  base::Result<ExpressionPtr> parse_product();
  base::Result<ExpressionPtr> parse_power();
  base::Result<ExpressionPtr> parse_unary(bool with_filters = true);
  base::Result<ExpressionPtr> parse_primary();
  base::Result<ExpressionPtr> parse_string();
  base::Result<ExpressionPtr> parse_number();
  base::Result<ExpressionPtr> parse_name();
  base::Result<ExpressionPtr> parse_list();
  base::Result<ExpressionPtr> parse_dict();
  base::Result<ExpressionPtr> parse_chain(ExpressionPtr first, bool with_filters);
  base::Result<LinkPtr> parse_attribute();
  base::Result<LinkPtr> parse_subscript();
  base::Result<LinkPtr> parse_slice(int line, ExpressionPtr start);
  base::Result<LinkPtr> parse_filter();
  base::Result<LinkPtr> parse_test();
  base::Result<ArgumentList> parse_arguments();
  base::Status parse_argument(ArgumentList& arguments);

  TokenReader& reader_;
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_PARSER_H_
