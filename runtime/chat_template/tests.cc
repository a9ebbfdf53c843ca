// What can stand behind "is", and in select and its relatives.
#include <fmt/format.h>

#include "runtime/chat_template/callables.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

using Predicate = bool (*)(const Value& value);

template <Predicate predicate>
base::Result<bool> holds(Run&, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("the test", arguments, {}));
  return predicate(input);
}

template <CompareOp op>
base::Result<bool> compares(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("the test", arguments, {"other"}, 1));
  return compare(run.budget(), op, input, *given[0]);
}

bool is_defined(const Value& value) {
  return !value.is_undefined();
}
bool is_undefined(const Value& value) {
  return value.is_undefined();
}
bool is_none(const Value& value) {
  return value.is_none();
}
bool is_boolean(const Value& value) {
  return value.boolean() != nullptr;
}
bool is_true(const Value& value) {
  return value.boolean() != nullptr && *value.boolean();
}
bool is_false(const Value& value) {
  return value.boolean() != nullptr && !*value.boolean();
}
bool is_integer(const Value& value) {
  return value.integer() != nullptr || value.large() != nullptr;
}
bool is_float(const Value& value) {
  return value.real() != nullptr;
}
bool is_number(const Value& value) {
  return value.is_number() || value.large() != nullptr;
}
bool is_string(const Value& value) {
  return value.text() != nullptr;
}
bool is_mapping(const Value& value) {
  return value.dict() != nullptr;
}
bool is_escaped(const Value&) {
  return false;
}

bool is_sequence(const Value& value) {
  return value.is_undefined() || value.text() != nullptr || value.sequence() != nullptr ||
         value.dict() != nullptr;
}

bool is_callable(const Value& value) {
  return value.is_undefined() || value.function() != nullptr || value.method() != nullptr ||
         value.macro() != nullptr || value.loop() != nullptr;
}

base::Result<Value> remainder(Run& run, const Value& value, const Value& divisor) {
  if (value.text() != nullptr) return base::invalid_input("a string is not divisible");
  return arithmetic(run.budget(), ArithmeticOp::kModulo, value, divisor);
}

base::Result<bool> odd(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("odd", arguments, {}));
  const Value rest = TRY(remainder(run, input, Value::integer(std::int64_t{2})));
  return equal(run.budget(), rest, Value::integer(std::int64_t{1}));
}

base::Result<bool> even(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("even", arguments, {}));
  return !TRY(remainder(run, input, Value::integer(std::int64_t{2}))).truthy();
}

base::Result<bool> divisible_by(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("divisibleby", arguments, {"num"}, 1));
  return !TRY(remainder(run, input, *given[0])).truthy();
}

base::Result<bool> same_as(Run&, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("sameas", arguments, {"other"}, 1));
  return input.same_as(*given[0]);
}

base::Result<bool> in(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("in", arguments, {"seq"}, 1));
  return contains(run.budget(), *given[0], input);
}

// Python's islower and isupper: no letter of the other case, and at least one of this.
template <bool lower>
base::Result<bool> has_case(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind(lower ? "lower" : "upper", arguments, {}));
  const auto text = TRY(to_text(run.budget(), input));
  TRY(run.budget().touch(text->size()));
  return lower ? is_lower_text(text->bytes()) : is_upper_text(text->bytes());
}

base::Result<bool> names_filter(Run&, const Value& input, const Arguments&) {
  return input.text() != nullptr && find_filter(input.text()->bytes()) != nullptr;
}

base::Result<bool> names_test(Run&, const Value& input, const Arguments&) {
  return input.text() != nullptr && find_test(input.text()->bytes()) != nullptr;
}

constexpr Test kTests[] = {
    {"!=", compares<CompareOp::kNotEqual>},
    {"<", compares<CompareOp::kLess>},
    {"<=", compares<CompareOp::kLessEqual>},
    {"==", compares<CompareOp::kEqual>},
    {">", compares<CompareOp::kGreater>},
    {">=", compares<CompareOp::kGreaterEqual>},
    {"boolean", holds<is_boolean>},
    {"callable", holds<is_callable>},
    {"defined", holds<is_defined>},
    {"divisibleby", divisible_by},
    {"eq", compares<CompareOp::kEqual>},
    {"equalto", compares<CompareOp::kEqual>},
    {"escaped", holds<is_escaped>},
    {"even", even},
    {"false", holds<is_false>},
    {"filter", names_filter},
    {"float", holds<is_float>},
    {"ge", compares<CompareOp::kGreaterEqual>},
    {"greaterthan", compares<CompareOp::kGreater>},
    {"gt", compares<CompareOp::kGreater>},
    {"in", in},
    {"integer", holds<is_integer>},
    {"iterable", holds<is_iterable>},
    {"le", compares<CompareOp::kLessEqual>},
    {"lessthan", compares<CompareOp::kLess>},
    {"lower", has_case<true>},
    {"lt", compares<CompareOp::kLess>},
    {"mapping", holds<is_mapping>},
    {"ne", compares<CompareOp::kNotEqual>},
    {"none", holds<is_none>},
    {"number", holds<is_number>},
    {"odd", odd},
    {"sameas", same_as},
    {"sequence", holds<is_sequence>},
    {"string", holds<is_string>},
    {"test", names_test},
    {"true", holds<is_true>},
    {"undefined", holds<is_undefined>},
    {"upper", has_case<false>},
};

}  // namespace

const Test* find_test(std::string_view name) {
  for (const Test& test : kTests) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

}  // namespace runtime::chat_template
