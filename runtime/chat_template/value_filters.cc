// Filters on single values: defaults, numbers, JSON.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/json_text.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/run.h"

namespace runtime::chat_template {
namespace {

base::Result<Value> default_value(Run&, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("default", arguments, {"default_value", "boolean"}));
  const bool boolean = given[1] != nullptr && given[1]->truthy();
  if (!input.is_undefined() && (!boolean || input.truthy())) return input;
  return given[0] != nullptr ? *given[0] : Value::text("");
}

base::Result<Value> absolute(Run&, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("abs", arguments, {}));
  if (const double* real = input.real()) return Value::real(std::fabs(*real));
  if (input.is_integral() && input.integral() >= 0) return Value::integer(input.integral());
  return negate(input);
}

base::Result<Value> to_integer(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("int", arguments, {"default", "base"}));
  const Value fallback = given[0] != nullptr ? *given[0] : Value::integer(std::int64_t{0});
  const std::int64_t base = TRY(integer_argument(given[1], 10));
  if (const Undefined* undefined = input.as_undefined()) return undefined_error(*undefined);
  if (input.large() != nullptr) return input;
  std::optional<std::int64_t> number;
  if (input.is_integral()) {
    number = input.integral();
  } else if (const double* real = input.real()) {
    number = TRY(truncate(*real));
  } else if (const Text* text = input.text()) {
    TRY(run.budget().touch(text->size()));
    if (base >= 0 && base <= 36) number = TRY(parse_integer(text->bytes(), static_cast<int>(base)));
    const auto read = parse_float(text->bytes());
    if (!number && read) number = TRY(truncate(*read));
  }
  return number ? Value::integer(*number) : fallback;
}

base::Result<Value> to_float(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("float", arguments, {"default"}));
  if (const Undefined* undefined = input.as_undefined()) return undefined_error(*undefined);
  if (input.is_number()) return Value::real(input.number());
  if (const auto* large = input.large()) return Value::real(static_cast<double>(*large));
  if (const Text* text = input.text()) {
    TRY(run.budget().touch(text->size()));
    if (const auto real = parse_float(text->bytes())) return Value::real(*real);
  }
  return given[0] != nullptr ? *given[0] : Value::real(0.0);
}

// Half to even of the exact binary value, as Python rounds: printing rounds so, reading back is
// exact.
base::Result<Value> round_half_even(double value, std::int64_t digits) {
  if (!std::isfinite(value)) return Value::real(value);
  char text[700];
  if (digits > 330) return Value::real(value);
  std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), value);
  return Value::real(std::strtod(text, nullptr));
}

base::Result<Value> round_number(Run&, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("round", arguments, {"precision", "method"}));
  const std::int64_t digits = TRY(integer_argument(given[0], 0));
  std::string_view method = "common";
  if (given[1] != nullptr) method = TRY(text_argument("round", given[1]))->bytes();
  if (const Undefined* undefined = input.as_undefined()) return undefined_error(*undefined);
  if (!input.is_number()) {
    return base::invalid_input(fmt::format("{} cannot be rounded", input.type_name()));
  }
  if (digits < 0) return base::unsupported("round to a negative precision");
  if (method == "common") {
    if (input.is_integral()) return Value::integer(input.integral());
    return round_half_even(*input.real(), digits);
  }
  if (method != "ceil" && method != "floor") {
    return base::invalid_input("round knows the methods common, ceil and floor");
  }
  if (digits > 300) return base::unsupported("round to so many digits");
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = input.number() * scale;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

base::Result<Value> attribute(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("attr", arguments, {"name"}, 1));
  const Text* name = TRY(text_argument("attr", given[0]));
  if (const Undefined* undefined = input.as_undefined()) return undefined_error(*undefined);
  // Attributes alone: the entries of a dictionary are none.
  if (input.dict() != nullptr && find_method(input, name->bytes()) == nullptr) {
    return Value::undefined("dict has no such attribute");
  }
  return attribute_of(run.budget(), input, name->bytes());
}

base::Status set_indent(Budget& budget, const Value* given, JsonStyle& style) {
  if (given == nullptr || given->is_none()) return {};
  if (given->text() != nullptr) {
    style.indent = given->share<const Text>();
  } else {
    const std::int64_t width = TRY(integer_argument(given, 0));
    TextBuilder spaces(budget);
    TRY(spaces.append_repeated(" ", static_cast<std::size_t>(std::max<std::int64_t>(width, 0))));
    style.indent = std::make_shared<const Text>(spaces.take());
  }
  style.item_separator = Text(",", false);
  return {};
}

base::Result<Value> tojson(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(
      Parameters::bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = given[0] != nullptr && given[0]->truthy();
  style.sort_keys = given[3] != nullptr && given[3]->truthy();
  TRY(set_indent(run.budget(), given[1], style));
  if (given[2] != nullptr && !given[2]->is_none()) {
    const auto pair = TRY(items_of(run.budget(), *given[2]));
    if (pair->items.size() != 2) return base::invalid_input("tojson needs two separators");
    style.item_separator = *TRY(text_argument("tojson", &pair->items[0]));
    style.key_separator = *TRY(text_argument("tojson", &pair->items[1]));
  }
  return to_json(run.budget(), input, style);
}

constexpr Filter kFilters[] = {
    {"abs", absolute},   {"attr", attribute}, {"d", default_value},    {"default", default_value},
    {"float", to_float}, {"int", to_integer}, {"round", round_number}, {"tojson", tojson},
};

}  // namespace

std::span<const Filter> value_filters() {
  return kFilters;
}

}  // namespace runtime::chat_template
