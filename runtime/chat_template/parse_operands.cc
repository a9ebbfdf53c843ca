// Operands and what can stand behind them.
#include <fmt/format.h>

#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/parser.h"

namespace runtime::chat_template {

base::Result<ExpressionPtr> ExpressionParser::parse_primary() {
  const Token& token = reader_.now();
  if (token.kind == TokenKind::kName) return parse_name();
  if (token.kind == TokenKind::kString) return parse_string();
  if (token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat) return parse_number();
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  if (!reader_.skip_operator("(")) return reader_.unexpected("an expression");
  ExpressionPtr inside = TRY(parse_tuple(true, {}, true));
  TRY(reader_.expect_operator(")"));
  return inside;
}

base::Result<ExpressionPtr> ExpressionParser::parse_name() {
  const Token& token = reader_.next();
  const std::string& name = token.text;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    const bool value = name == "true" || name == "True";
    return ExpressionPtr(std::make_unique<Literal>(token.line, Value::boolean(value)));
  }
  if (name == "none" || name == "None") {
    return ExpressionPtr(std::make_unique<Literal>(token.line, Value::none()));
  }
  return ExpressionPtr(std::make_unique<Name>(token.line, name));
}

base::Result<ExpressionPtr> ExpressionParser::parse_string() {
  const int line = reader_.line();
  std::string text;  // literals side by side are one
  while (reader_.now().kind == TokenKind::kString) text += reader_.next().text;
  return ExpressionPtr(std::make_unique<Literal>(line, Value::text(text)));
}

base::Result<ExpressionPtr> ExpressionParser::parse_number() {
  const Token& token = reader_.next();
  std::string digits;
  for (const char c : token.text) {
    if (c != '_') digits += c;
  }
  if (token.kind == TokenKind::kFloat) {
    const auto value = parse_float(digits);
    if (!value) return base::invalid_input(at_line(token.line) + "a malformed float");
    return ExpressionPtr(std::make_unique<Literal>(token.line, Value::real(*value)));
  }
  const auto value = TRY(parse_integer(digits, 0).context(fmt::format("line {}", token.line)));
  if (!value) return base::invalid_input(at_line(token.line) + "a malformed integer");
  return ExpressionPtr(std::make_unique<Literal>(token.line, Value::integer(*value)));
}

base::Result<ExpressionPtr> ExpressionParser::parse_list() {
  auto list = std::make_unique<SequenceDisplay>(reader_.next().line);
  while (!reader_.now().is_operator("]")) {
    if (!list->items.empty()) TRY(reader_.expect_operator(","));
    if (reader_.now().is_operator("]")) break;
    list->items.push_back(TRY(parse()));
  }
  reader_.next();
  return ExpressionPtr(std::move(list));
}

base::Result<ExpressionPtr> ExpressionParser::parse_dict() {
  auto dict = std::make_unique<DictDisplay>(reader_.next().line);
  while (!reader_.now().is_operator("}")) {
    if (!dict->entries.empty()) TRY(reader_.expect_operator(","));
    if (reader_.now().is_operator("}")) break;
    ExpressionPtr key = TRY(parse());
    TRY(reader_.expect_operator(":"));
    dict->entries.emplace_back(std::move(key), TRY(parse()));
  }
  reader_.next();
  return ExpressionPtr(std::move(dict));
}

// Filters and tests come behind all subscripts and calls; behind a filter only calls, filters and
// tests.
base::Result<ExpressionPtr> ExpressionParser::parse_chain(ExpressionPtr first, bool with_filters) {
  std::vector<LinkPtr> links;
  bool filtered = false;
  for (;;) {
    const Token& token = reader_.now();
    if (!filtered && token.is_operator(".")) {
      links.push_back(TRY(parse_attribute()));
    } else if (!filtered && token.is_operator("[")) {
      links.push_back(TRY(parse_subscript()));
    } else if (token.is_operator("(")) {
      auto call = std::make_unique<CallLink>(token.line);
      call->arguments = TRY(parse_arguments());
      links.push_back(std::move(call));
    } else if (with_filters && token.is_operator("|")) {
      filtered = true;
      links.push_back(TRY(parse_filter()));
    } else if (with_filters && token.is_name("is")) {
      filtered = true;
      links.push_back(TRY(parse_test()));
    } else {
      break;
    }
  }
  if (links.empty()) return first;
  const int line = first->line;
  auto chain = std::make_unique<Chain>(line, std::move(first));
  chain->links = std::move(links);
  return ExpressionPtr(std::move(chain));
}

base::Result<LinkPtr> ExpressionParser::parse_attribute() {
  const int line = reader_.next().line;
  if (reader_.now().kind == TokenKind::kInteger) {  // "list.0" is list[0]
    return LinkPtr(std::make_unique<ItemLink>(line, TRY(parse_number())));
  }
  return LinkPtr(std::make_unique<AttributeLink>(line, TRY(reader_.expect_name())));
}

base::Result<LinkPtr> ExpressionParser::parse_subscript() {
  const int line = reader_.next().line;
  if (reader_.skip_operator(":")) return parse_slice(line, nullptr);
  ExpressionPtr index = TRY(parse());
  if (reader_.skip_operator(":")) return parse_slice(line, std::move(index));
  if (reader_.now().is_operator(",")) {
    auto tuple = std::make_unique<SequenceDisplay>(line);
    tuple->flavor = Sequence::Flavor::kTuple;
    tuple->items.push_back(std::move(index));
    while (reader_.skip_operator(",")) tuple->items.push_back(TRY(parse()));
    index = std::move(tuple);
  }
  TRY(reader_.expect_operator("]"));
  return LinkPtr(std::make_unique<ItemLink>(line, std::move(index)));
}

// Behind the first colon.
base::Result<LinkPtr> ExpressionParser::parse_slice(int line, ExpressionPtr start) {
  auto slice = std::make_unique<SliceLink>(line);
  slice->start = std::move(start);
  const auto at_part = [&] {
    return !reader_.now().is_operator("]") && !reader_.now().is_operator(":") &&
           !reader_.now().is_operator(",");
  };
  if (at_part()) slice->stop = TRY(parse());
  if (reader_.skip_operator(":") && at_part()) slice->step = TRY(parse());
  if (reader_.now().is_operator(",")) {
    return base::unsupported(at_line(line) + "a tuple of slices");
  }
  TRY(reader_.expect_operator("]"));
  return LinkPtr(std::move(slice));
}

base::Result<std::vector<LinkPtr>> ExpressionParser::parse_filters(bool inline_start) {
  std::vector<LinkPtr> filters;
  while (inline_start || reader_.now().is_operator("|")) {
    if (inline_start && reader_.now().kind != TokenKind::kName)
      return reader_.unexpected("a filter");
    filters.push_back(TRY(parse_filter()));
    inline_start = false;
  }
  return filters;
}

base::Result<LinkPtr> ExpressionParser::parse_filter() {
  reader_.skip_operator("|");
  auto link = std::make_unique<FilterLink>(reader_.line());
  const std::string name = TRY(reader_.expect_name());
  link->filter = find_filter(name);
  if (link->filter == nullptr) {
    if (is_known_elsewhere(name)) {
      return base::unsupported(at_line(link->line) + fmt::format("the filter {}", name));
    }
    return base::invalid_input(at_line(link->line) +
                               fmt::format("no filter named \"{:.64}\"", name));
  }
  if (reader_.now().is_operator("(")) link->arguments = TRY(parse_arguments());
  return LinkPtr(std::move(link));
}

base::Result<LinkPtr> ExpressionParser::parse_test() {
  auto link = std::make_unique<TestLink>(reader_.next().line);
  link->negated = reader_.skip_name("not");
  const std::string name = TRY(reader_.expect_name());
  link->test = find_test(name);
  if (link->test == nullptr) {
    return base::invalid_input(at_line(link->line) + fmt::format("no test named \"{:.64}\"", name));
  }
  const Token& token = reader_.now();
  const bool operand = token.kind == TokenKind::kName || token.kind == TokenKind::kString ||
                       token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat ||
                       token.is_operator("[") || token.is_operator("{");
  if (token.is_operator("(")) {
    link->arguments = TRY(parse_arguments());
  } else if (token.is_name("is")) {
    return reader_.unexpected("no second test: tests cannot be chained");
  } else if (operand && !token.is_name("else") && !token.is_name("or") && !token.is_name("and")) {
    const TokenReader::Nested nested(reader_);
    TRY(nested.check());
    link->arguments.positional.push_back(TRY(parse_chain(TRY(parse_primary()), false)));
  }
  return LinkPtr(std::move(link));
}

base::Result<ArgumentList> ExpressionParser::parse_arguments() {
  TRY(reader_.expect_operator("("));
  ArgumentList arguments;
  bool first = true;
  while (!reader_.now().is_operator(")")) {
    if (!first) TRY(reader_.expect_operator(","));
    if (reader_.now().is_operator(")")) break;
    first = false;
    TRY(parse_argument(arguments));
  }
  reader_.next();
  return arguments;
}

base::Status ExpressionParser::parse_argument(ArgumentList& arguments) {
  const Token& token = reader_.now();
  if (token.is_operator("*") || token.is_operator("**")) {
    return base::unsupported(at_line(token.line) + "unpacking of arguments");
  }
  if (token.kind == TokenKind::kName && reader_.ahead().is_operator("=")) {
    reader_.next();
    reader_.next();
    for (const auto& [name, value] : arguments.named) {
      if (name == token.text) {
        return base::invalid_input(at_line(token.line) + fmt::format("{} is given twice", name));
      }
    }
    arguments.named.emplace_back(token.text, TRY(parse()));
    return {};
  }
  if (!arguments.named.empty()) {
    return base::invalid_input(at_line(token.line) + "a plain argument behind a named one");
  }
  arguments.positional.push_back(TRY(parse()));
  return {};
}

}  // namespace runtime::chat_template
