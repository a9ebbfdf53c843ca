// A template after parsing. Nodes evaluate themselves, always through Run, which counts steps and
// depth.
//
// Chains ("a + b - c", "x.y[0]|trim", "if … elif …") are one node with a list, so that the height
// of the tree is bounded by the nesting of the source and no destructor or evaluation recurses
// along a chain.
#ifndef RUNTIME_CHAT_TEMPLATE_SYNTAX_TREE_H_
#define RUNTIME_CHAT_TEMPLATE_SYNTAX_TREE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hardening/base/result.h"
#include "runtime/chat_template/callables.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

class Run;

struct Expression {
  explicit Expression(int at) : line(at) {}
  virtual ~Expression() = default;
  virtual base::Result<Value> evaluate(Run& run) const = 0;
  virtual const struct Chain* as_chain() const { return nullptr; }
  const int line;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

// One step of a chain behind an operand: ".name", "[index]", "(arguments)", "|filter", "is test".
struct Link {
  explicit Link(int at) : line(at) {}
  virtual ~Link() = default;
  virtual base::Result<Value> apply(Run& run, const Value& value) const = 0;
  virtual const struct CallLink* as_call() const { return nullptr; }
  const int line;
};
using LinkPtr = std::unique_ptr<const Link>;

struct ArgumentList {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;

  base::Result<Arguments> evaluate(Run& run) const;
};

// --- operands ---

struct Literal final : Expression {
  Literal(int at, Value constant) : Expression(at), value(std::move(constant)) {}
  base::Result<Value> evaluate(Run&) const override { return value; }
  Value value;
};

struct Name final : Expression {
  Name(int at, std::string what) : Expression(at), name(std::move(what)) {}
  base::Result<Value> evaluate(Run& run) const override;
  std::string name;
};

struct SequenceDisplay final : Expression {
  using Expression::Expression;
  base::Result<Value> evaluate(Run& run) const override;
  Sequence::Flavor flavor = Sequence::Flavor::kList;
  std::vector<ExpressionPtr> items;
};

struct DictDisplay final : Expression {
  using Expression::Expression;
  base::Result<Value> evaluate(Run& run) const override;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

// --- chains behind an operand ---

struct Chain final : Expression {
  Chain(int at, ExpressionPtr start) : Expression(at), first(std::move(start)) {}
  base::Result<Value> evaluate(Run& run) const override;
  const Chain* as_chain() const override { return this; }
  ExpressionPtr first;
  std::vector<LinkPtr> links;
};

struct AttributeLink final : Link {
  AttributeLink(int at, std::string what) : Link(at), name(std::move(what)) {}
  base::Result<Value> apply(Run& run, const Value& value) const override;
  std::string name;
};

struct ItemLink final : Link {
  ItemLink(int at, ExpressionPtr which) : Link(at), index(std::move(which)) {}
  base::Result<Value> apply(Run& run, const Value& value) const override;
  ExpressionPtr index;
};

struct SliceLink final : Link {
  using Link::Link;
  base::Result<Value> apply(Run& run, const Value& value) const override;
  ExpressionPtr start;  // each null where it was left out
  ExpressionPtr stop;
  ExpressionPtr step;
};

struct CallLink final : Link {
  using Link::Link;
  base::Result<Value> apply(Run& run, const Value& value) const override;
  const CallLink* as_call() const override { return this; }
  ArgumentList arguments;
};

struct FilterLink final : Link {
  using Link::Link;
  base::Result<Value> apply(Run& run, const Value& value) const override;
  const Filter* filter = nullptr;
  ArgumentList arguments;
};

struct TestLink final : Link {
  using Link::Link;
  base::Result<Value> apply(Run& run, const Value& value) const override;
  const Test* test = nullptr;
  bool negated = false;
  ArgumentList arguments;
};

// --- operators, from the tightest to the loosest ---

struct Sign final : Expression {
  Sign(int at, bool minus, ExpressionPtr what)
      : Expression(at), negative(minus), operand(std::move(what)) {}
  base::Result<Value> evaluate(Run& run) const override;
  bool negative;
  ExpressionPtr operand;
};

struct Arithmetic final : Expression {
  Arithmetic(int at, ExpressionPtr start) : Expression(at), first(std::move(start)) {}
  base::Result<Value> evaluate(Run& run) const override;
  ExpressionPtr first;
  std::vector<std::pair<ArithmeticOp, ExpressionPtr>> rest;
};

struct Concatenation final : Expression {
  using Expression::Expression;
  base::Result<Value> evaluate(Run& run) const override;
  std::vector<ExpressionPtr> items;
};

struct Comparison final : Expression {
  Comparison(int at, ExpressionPtr start) : Expression(at), first(std::move(start)) {}
  base::Result<Value> evaluate(Run& run) const override;
  ExpressionPtr first;
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
};

struct Negation final : Expression {
  Negation(int at, ExpressionPtr what) : Expression(at), operand(std::move(what)) {}
  base::Result<Value> evaluate(Run& run) const override;
  ExpressionPtr operand;
};

// Yields the operand that decided, as in Python.
struct Logical final : Expression {
  Logical(int at, bool is_or) : Expression(at), any(is_or) {}
  base::Result<Value> evaluate(Run& run) const override;
  bool any;  // "or"; otherwise "and"
  std::vector<ExpressionPtr> operands;
};

// "a if p else b if q else c"
struct Conditional final : Expression {
  using Expression::Expression;
  base::Result<Value> evaluate(Run& run) const override;
  struct Case {
    ExpressionPtr value;
    ExpressionPtr test;
  };
  std::vector<Case> cases;
  ExpressionPtr otherwise;  // may be null: undefined then
};

// --- statements ---

enum class Flow : std::uint8_t { kNext, kBreak, kContinue };

struct Statement {
  explicit Statement(int at) : line(at) {}
  virtual ~Statement() = default;
  virtual base::Result<Flow> execute(Run& run) const = 0;
  const int line;
};
using Block = std::vector<std::unique_ptr<const Statement>>;

// What can stand left of "=": a name, a namespace's attribute, or a tuple of targets.
struct Target {
  int line = 0;
  std::string name;
  std::string attribute;  // empty: the name itself
  std::vector<Target> parts;
  bool is_tuple = false;
};

struct Data final : Statement {
  Data(int at, std::string what) : Statement(at), text(std::move(what)) {}
  base::Result<Flow> execute(Run& run) const override;
  std::string text;
};

struct Output final : Statement {
  Output(int at, ExpressionPtr what) : Statement(at), value(std::move(what)) {}
  base::Result<Flow> execute(Run& run) const override;
  ExpressionPtr value;
};

struct If final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  struct Branch {
    ExpressionPtr test;
    Block body;
  };
  std::vector<Branch> branches;
  Block otherwise;
};

struct For final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr test;  // may be null
  Block body;
  Block otherwise;
};

struct Set final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  Target target;
  ExpressionPtr value;
};

struct BlockSet final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  Target target;
  std::vector<LinkPtr> filters;
  Block body;
};

struct FilterBlock final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  std::vector<LinkPtr> filters;
  Block body;
};

// {% with … %}, and {% generation %} without names: a scope and nothing else.
struct With final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  std::vector<std::pair<Target, ExpressionPtr>> names;
  Block body;
};

struct MacroDefinition {
  std::string name;
  struct Parameter {
    std::string name;
    ExpressionPtr fallback;  // may be null
  };
  std::vector<Parameter> parameters;
  Block body;
};

struct MacroStatement final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  MacroDefinition macro;
};

// {% call(…) macro(…) %}: the body is a macro that the called one knows as "caller".
struct CallBlock final : Statement {
  using Statement::Statement;
  base::Result<Flow> execute(Run& run) const override;
  MacroDefinition body;
  ExpressionPtr call;  // a chain whose last link is a call
};

struct Jump final : Statement {
  Jump(int at, Flow where) : Statement(at), flow(where) {}
  base::Result<Flow> execute(Run&) const override { return flow; }
  Flow flow;
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_SYNTAX_TREE_H_
