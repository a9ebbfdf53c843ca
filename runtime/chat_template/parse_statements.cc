// Statements: text, {{ … }} and {% … %}.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "runtime/chat_template/parser.h"

namespace runtime::chat_template {
namespace {

using StatementPtr = std::unique_ptr<const Statement>;

class StatementParser {
 public:
  StatementParser(std::span<const Token> tokens, std::size_t depth_max)
      : reader_(tokens, depth_max), expressions_(reader_) {}

  // Up to one of the tags in `ends`, whose name is then the present token; up to the end without
  // any.
  base::Result<Block> parse_block(std::initializer_list<std::string_view> ends) {
    const TokenReader::Nested nested(reader_);
    TRY(nested.check());
    Block block;
    for (;;) {
      const Token& token = reader_.now();
      if (token.kind == TokenKind::kEnd) {
        if (ends.size() == 0) return block;
        return reader_.unexpected(fmt::format("{{% {} %}}", fmt::join(ends, " or ")));
      }
      reader_.next();
      if (token.kind == TokenKind::kData) {
        block.push_back(std::make_unique<Data>(token.line, token.text));
      } else if (token.kind == TokenKind::kVariableBegin) {
        ExpressionPtr value = TRY(expressions_.parse_tuple());
        block.push_back(std::make_unique<Output>(token.line, std::move(value)));
        TRY(reader_.expect(TokenKind::kVariableEnd));
      } else {
        if (is_one_of(reader_.now(), ends)) return block;
        TRY(parse_tag(block));
        TRY(reader_.expect(TokenKind::kBlockEnd));
      }
    }
  }

 private:
  using Parse = base::Result<StatementPtr> (StatementParser::*)();
  struct Tag {
    std::string_view name;
    Parse parse;
  };

  static bool is_one_of(const Token& token, std::initializer_list<std::string_view> names) {
    return token.kind == TokenKind::kName &&
           std::find(names.begin(), names.end(), token.text) != names.end();
  }

  base::Status parse_tag(Block& block) {
    static constexpr Tag kTags[] = {{"for", &StatementParser::parse_for},
                                    {"if", &StatementParser::parse_if},
                                    {"set", &StatementParser::parse_set},
                                    {"macro", &StatementParser::parse_macro},
                                    {"call", &StatementParser::parse_call},
                                    {"filter", &StatementParser::parse_filter},
                                    {"with", &StatementParser::parse_with},
                                    {"generation", &StatementParser::parse_generation},
                                    {"break", &StatementParser::parse_break},
                                    {"continue", &StatementParser::parse_continue}};
    static constexpr std::string_view kUnsupported[] = {"autoescape", "block",  "extends",
                                                        "from",       "import", "include"};
    const Token& token = reader_.now();
    if (token.is_name("print")) return parse_print(block);
    const std::string name = TRY(reader_.expect_name());
    for (const Tag& tag : kTags) {
      if (tag.name != name) continue;
      line_ = token.line;
      block.push_back(TRY((this->*tag.parse)()));
      return {};
    }
    if (std::find(std::begin(kUnsupported), std::end(kUnsupported), name) !=
        std::end(kUnsupported)) {
      return base::unsupported(at_line(token.line) + fmt::format("the tag {}", name));
    }
    return base::invalid_input(at_line(token.line) + fmt::format("unknown tag \"{:.64}\"", name));
  }

  // The end of the opening tag, the block, and the name of the closing tag; not its end.
  base::Result<Block> parse_body(std::initializer_list<std::string_view> ends) {
    reader_.skip_operator(":");
    TRY(reader_.expect(TokenKind::kBlockEnd));
    return parse_block(ends);
  }

  // The same where "break" and "continue" cannot reach a loop outside.
  base::Result<Block> parse_closed_body(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    auto body = parse_body({end});
    loops_ = loops;
    return body;
  }

  static bool sets_loop(const Target& target) {
    return target.name == "loop" ||
           std::any_of(target.parts.begin(), target.parts.end(), sets_loop);
  }

  base::Result<StatementPtr> parse_for() {
    auto node = std::make_unique<For>(line_);
    node->target = TRY(parse_target("in", false));
    if (sets_loop(node->target)) {
      return base::invalid_input(at_line(node->line) + "a loop cannot set \"loop\"");
    }
    if (!reader_.skip_name("in")) return reader_.unexpected("\"in\"");
    node->iterable = TRY(expressions_.parse_tuple(false, "recursive"));
    if (reader_.skip_name("if")) node->test = TRY(expressions_.parse());
    if (reader_.now().is_name("recursive")) {
      return base::unsupported(at_line(node->line) + "recursive loops");
    }
    ++loops_;
    auto body = parse_body({"endfor", "else"});
    --loops_;
    node->body = TRY(std::move(body));
    if (reader_.next().is_name("else")) {
      node->otherwise = TRY(parse_body({"endfor"}));
      reader_.next();
    }
    return StatementPtr(std::move(node));
  }

  base::Result<StatementPtr> parse_if() {
    auto node = std::make_unique<If>(line_);
    for (;;) {
      ExpressionPtr test = TRY(expressions_.parse_tuple(false));
      Block body = TRY(parse_body({"elif", "else", "endif"}));
      node->branches.push_back({std::move(test), std::move(body)});
      const Token& end = reader_.next();
      if (end.is_name("elif")) continue;
      if (end.is_name("else")) {
        node->otherwise = TRY(parse_body({"endif"}));
        reader_.next();
      }
      return StatementPtr(std::move(node));
    }
  }

  base::Result<StatementPtr> parse_set() {
    const int line = line_;
    Target target = TRY(parse_target("", true));
    if (reader_.skip_operator("=")) {
      auto node = std::make_unique<Set>(line);
      node->target = std::move(target);
      node->value = TRY(expressions_.parse_tuple());
      return StatementPtr(std::move(node));
    }
    auto node = std::make_unique<BlockSet>(line);
    node->target = std::move(target);
    node->filters = TRY(expressions_.parse_filters(false));
    node->body = TRY(parse_body({"endset"}));
    reader_.next();
    return StatementPtr(std::move(node));
  }

  base::Result<StatementPtr> parse_macro() {
    auto node = std::make_unique<MacroStatement>(line_);
    node->macro.name = TRY(reader_.expect_name());
    TRY(parse_signature(node->macro));
    node->macro.body = TRY(parse_closed_body("endmacro"));
    reader_.next();
    return StatementPtr(std::move(node));
  }

  base::Result<StatementPtr> parse_call() {
    auto node = std::make_unique<CallBlock>(line_);
    node->body.name = "caller";
    if (reader_.now().is_operator("(")) TRY(parse_signature(node->body));
    node->call = TRY(expressions_.parse());
    const Chain* chain = node->call->as_chain();
    if (chain == nullptr || chain->links.back()->as_call() == nullptr) {
      return base::invalid_input(at_line(node->line) + "expected a call");
    }
    node->body.body = TRY(parse_closed_body("endcall"));
    reader_.next();
    return StatementPtr(std::move(node));
  }

  base::Status parse_signature(MacroDefinition& macro) {
    TRY(reader_.expect_operator("("));
    while (!reader_.now().is_operator(")")) {
      if (!macro.parameters.empty()) TRY(reader_.expect_operator(","));
      MacroDefinition::Parameter parameter;
      parameter.name = TRY(reader_.expect_name());
      if (reader_.skip_operator("=")) {
        parameter.fallback = TRY(expressions_.parse());
      } else if (!macro.parameters.empty() && macro.parameters.back().fallback != nullptr) {
        return base::invalid_input(at_line(reader_.line()) +
                                   "a parameter without default behind one with");
      }
      macro.parameters.push_back(std::move(parameter));
    }
    reader_.next();
    return {};
  }

  base::Result<StatementPtr> parse_filter() {
    auto node = std::make_unique<FilterBlock>(line_);
    node->filters = TRY(expressions_.parse_filters(true));
    node->body = TRY(parse_body({"endfilter"}));
    reader_.next();
    return StatementPtr(std::move(node));
  }

  base::Result<StatementPtr> parse_with() {
    auto node = std::make_unique<With>(line_);
    while (reader_.now().kind != TokenKind::kBlockEnd) {
      if (!node->names.empty()) TRY(reader_.expect_operator(","));
      Target target = TRY(parse_target_item(false));
      TRY(reader_.expect_operator("="));
      node->names.emplace_back(std::move(target), TRY(expressions_.parse()));
    }
    node->body = TRY(parse_body({"endwith"}));
    reader_.next();
    return StatementPtr(std::move(node));
  }

  // Marks what the model itself said, for training; here it is only a scope.
  base::Result<StatementPtr> parse_generation() {
    auto node = std::make_unique<With>(line_);
    node->body = TRY(parse_closed_body("endgeneration"));
    reader_.next();
    return StatementPtr(std::move(node));
  }

  base::Result<StatementPtr> parse_break() { return parse_jump(Flow::kBreak); }
  base::Result<StatementPtr> parse_continue() { return parse_jump(Flow::kContinue); }

  base::Result<StatementPtr> parse_jump(Flow flow) {
    if (loops_ == 0)
      return base::invalid_input(at_line(line_) + "break or continue outside of a loop");
    return StatementPtr(std::make_unique<Jump>(line_, flow));
  }

  base::Status parse_print(Block& block) {
    const int line = reader_.next().line;
    bool first = true;
    while (reader_.now().kind != TokenKind::kBlockEnd) {
      if (!std::exchange(first, false)) TRY(reader_.expect_operator(","));
      block.push_back(std::make_unique<Output>(line, TRY(expressions_.parse())));
    }
    return {};
  }

  base::Result<Target> parse_target(std::string_view end, bool with_attribute) {
    const auto at_end = [&] {
      const Token& token = reader_.now();
      return token.kind == TokenKind::kBlockEnd || token.is_operator(")") ||
             (!end.empty() && token.is_name(end));
    };
    Target tuple;
    tuple.is_tuple = true;
    tuple.line = reader_.line();
    bool comma = false;
    while (!at_end()) {
      tuple.parts.push_back(TRY(parse_target_item(with_attribute)));
      if (!reader_.skip_operator(",")) break;
      comma = true;
    }
    if (comma) return tuple;
    if (tuple.parts.empty()) return reader_.unexpected("a name to set");
    return std::move(tuple.parts.front());
  }

  base::Result<Target> parse_target_item(bool with_attribute) {
    const TokenReader::Nested nested(reader_);
    TRY(nested.check());
    if (reader_.skip_operator("(")) {
      Target inside = TRY(parse_target("", false));
      TRY(reader_.expect_operator(")"));
      return inside;
    }
    static constexpr std::string_view kConstants[] = {"true", "false", "none",
                                                      "True", "False", "None"};
    Target target;
    target.line = reader_.line();
    target.name = TRY(reader_.expect_name());
    if (std::find(std::begin(kConstants), std::end(kConstants), target.name) !=
        std::end(kConstants)) {
      return base::invalid_input(at_line(target.line) + fmt::format("cannot set {}", target.name));
    }
    if (with_attribute && reader_.skip_operator(".")) target.attribute = TRY(reader_.expect_name());
    return target;
  }

  TokenReader reader_;
  ExpressionParser expressions_;
  int line_ = 0;   // of the tag that is being parsed
  int loops_ = 0;  // that "break" can leave here
};

}  // namespace

base::Result<Block> parse_template(std::span<const Token> tokens, std::size_t depth_max) {
  return StatementParser(tokens, depth_max).parse_block({});
}

}  // namespace runtime::chat_template
