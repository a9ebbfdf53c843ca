// The operators, loosest first; each level is one chain node (see syntax_tree.h). The levels and
// their associativity are Jinja's, which differ from Python's in places: "~" binds tighter than
// "+", "**" goes from left to right, and a filter applies to a negated number as a whole.
#include <fmt/format.h>

#include <optional>

#include "runtime/chat_template/parser.h"

namespace runtime::chat_template {

base::Result<ExpressionPtr> ExpressionParser::parse(bool conditional) {
  const TokenReader::Nested nested(reader_);
  TRY(nested.check());
  return conditional ? parse_conditional() : parse_or();
}

base::Result<ExpressionPtr> ExpressionParser::parse_tuple(bool conditional, std::string_view end,
                                                          bool may_be_empty) {
  const auto at_end = [&] {
    const Token& token = reader_.now();
    return token.kind == TokenKind::kVariableEnd || token.kind == TokenKind::kBlockEnd ||
           token.is_operator(")") || (!end.empty() && token.is_name(end));
  };
  auto tuple = std::make_unique<SequenceDisplay>(reader_.line());
  tuple->flavor = Sequence::Flavor::kTuple;
  bool comma = false;
  while (!at_end()) {
    tuple->items.push_back(TRY(parse(conditional)));
    if (!reader_.now().is_operator(",")) break;
    reader_.next();
    comma = true;
  }
  if (!comma && !tuple->items.empty()) return std::move(tuple->items.front());
  if (!comma && !may_be_empty) return reader_.unexpected("an expression");
  return ExpressionPtr(std::move(tuple));
}

base::Result<ExpressionPtr> ExpressionParser::parse_conditional() {
  ExpressionPtr value = TRY(parse_or());
  if (!reader_.now().is_name("if")) return value;
  // "a if p else b if q else c" is a if p else (b if q else c): cases one after another.
  auto node = std::make_unique<Conditional>(reader_.line());
  while (reader_.skip_name("if")) {
    ExpressionPtr test = TRY(parse_or());
    node->cases.push_back({std::move(value), std::move(test)});
    if (reader_.skip_name("else")) {
      value = TRY(parse_or());
      if (!reader_.now().is_name("if")) node->otherwise = std::move(value);
    } else if (reader_.now().is_name("if")) {
      return base::unsupported(at_line(reader_.line()) + "an inline if directly behind another");
    }
  }
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_or() {
  ExpressionPtr first = TRY(parse_and());
  if (!reader_.now().is_name("or")) return first;
  auto node = std::make_unique<Logical>(reader_.line(), true);
  node->operands.push_back(std::move(first));
  while (reader_.skip_name("or")) node->operands.push_back(TRY(parse_and()));
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_and() {
  ExpressionPtr first = TRY(parse_not());
  if (!reader_.now().is_name("and")) return first;
  auto node = std::make_unique<Logical>(reader_.line(), false);
  node->operands.push_back(std::move(first));
  while (reader_.skip_name("and")) node->operands.push_back(TRY(parse_not()));
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_not() {
  const int line = reader_.line();
  if (!reader_.skip_name("not")) return parse_comparison();
  const TokenReader::Nested nested(reader_);
  TRY(nested.check());
  return ExpressionPtr(std::make_unique<Negation>(line, TRY(parse_not())));
}

base::Result<ExpressionPtr> ExpressionParser::parse_comparison() {
  constexpr std::string_view kSigns[] = {"==", "!=", "<", "<=", ">", ">="};
  const auto read_operator = [&]() -> std::optional<CompareOp> {
    for (std::size_t i = 0; i < std::size(kSigns); ++i) {
      if (reader_.skip_operator(kSigns[i])) return static_cast<CompareOp>(i);
    }
    if (reader_.skip_name("in")) return CompareOp::kIn;
    if (!reader_.now().is_name("not") || !reader_.ahead().is_name("in")) return std::nullopt;
    reader_.next();
    reader_.next();
    return CompareOp::kNotIn;
  };
  const int line = reader_.line();
  ExpressionPtr first = TRY(parse_sum());
  auto op = read_operator();
  if (!op) return first;
  auto node = std::make_unique<Comparison>(line, std::move(first));
  for (; op; op = read_operator()) node->rest.emplace_back(*op, TRY(parse_sum()));
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_sum() {
  const int line = reader_.line();
  ExpressionPtr first = TRY(parse_concatenation());
  const auto read_operator = [&]() -> std::optional<ArithmeticOp> {
    if (reader_.skip_operator("+")) return ArithmeticOp::kAdd;
    if (reader_.skip_operator("-")) return ArithmeticOp::kSubtract;
    return std::nullopt;
  };
  auto op = read_operator();
  if (!op) return first;
  auto node = std::make_unique<Arithmetic>(line, std::move(first));
  for (; op; op = read_operator()) node->rest.emplace_back(*op, TRY(parse_concatenation()));
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_concatenation() {
  const int line = reader_.line();
  ExpressionPtr first = TRY(parse_product());
  if (!reader_.now().is_operator("~")) return first;
  auto node = std::make_unique<Concatenation>(line);
  node->items.push_back(std::move(first));
  while (reader_.skip_operator("~")) node->items.push_back(TRY(parse_product()));
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_product() {
  const int line = reader_.line();
  ExpressionPtr first = TRY(parse_power());
  const auto read_operator = [&]() -> std::optional<ArithmeticOp> {
    if (reader_.skip_operator("*")) return ArithmeticOp::kMultiply;
    if (reader_.skip_operator("/")) return ArithmeticOp::kDivide;
    if (reader_.skip_operator("//")) return ArithmeticOp::kFloorDivide;
    if (reader_.skip_operator("%")) return ArithmeticOp::kModulo;
    return std::nullopt;
  };
  auto op = read_operator();
  if (!op) return first;
  auto node = std::make_unique<Arithmetic>(line, std::move(first));
  for (; op; op = read_operator()) node->rest.emplace_back(*op, TRY(parse_power()));
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_power() {
  const int line = reader_.line();
  ExpressionPtr first = TRY(parse_unary());
  if (!reader_.now().is_operator("**")) return first;
  auto node = std::make_unique<Arithmetic>(line, std::move(first));
  while (reader_.skip_operator("**")) {
    node->rest.emplace_back(ArithmeticOp::kPower, TRY(parse_unary()));
  }
  return ExpressionPtr(std::move(node));
}

base::Result<ExpressionPtr> ExpressionParser::parse_unary(bool with_filters) {
  const int line = reader_.line();
  const bool minus = reader_.now().is_operator("-");
  if (!minus && !reader_.now().is_operator("+")) {
    return parse_chain(TRY(parse_primary()), with_filters);
  }
  reader_.next();
  const TokenReader::Nested nested(reader_);
  TRY(nested.check());
  ExpressionPtr operand = TRY(parse_unary(false));
  return parse_chain(std::make_unique<Sign>(line, minus, std::move(operand)), with_filters);
}

}  // namespace runtime::chat_template
