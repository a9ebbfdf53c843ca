// How expressions evaluate themselves.
#include <fmt/format.h>

#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/loop.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/syntax_tree.h"

namespace runtime::chat_template {

base::Result<Arguments> ArgumentList::evaluate(Run& run) const {
  Arguments arguments;
  arguments.positional.reserve(positional.size());
  for (const auto& value : positional) {
    arguments.positional.push_back(TRY(run.evaluate(*value)));
  }
  for (const auto& [name, value] : named) {
    arguments.named.emplace_back(name, TRY(run.evaluate(*value)));
  }
  return arguments;
}

base::Result<Value> Name::evaluate(Run& run) const {
  return run.look_up(name);
}

base::Result<Value> SequenceDisplay::evaluate(Run& run) const {
  ListBuilder list(run.budget(), flavor);
  for (const auto& item : items) TRY(list.add(TRY(run.evaluate(*item))));
  return list.finish_value();
}

base::Result<Value> DictDisplay::evaluate(Run& run) const {
  DictBuilder dict(run.budget());
  for (const auto& [key, value] : entries) {
    Value name = TRY(run.evaluate(*key));
    Value held = TRY(run.evaluate(*value));
    TRY(dict.set(std::move(name), std::move(held)));
  }
  return dict.finish();
}

base::Result<Value> Chain::evaluate(Run& run) const {
  return run.apply(links, TRY(run.evaluate(*first)));
}

base::Result<Value> AttributeLink::apply(Run& run, const Value& value) const {
  if (Loop* loop = value.loop()) return loop->attribute(run, value, name);
  return attribute_of(run.budget(), value, name);
}

base::Result<Value> ItemLink::apply(Run& run, const Value& value) const {
  const Value which = TRY(run.evaluate(*index));
  if (Loop* loop = value.loop(); loop != nullptr && which.text() != nullptr) {
    return loop->attribute(run, value, which.text()->bytes());
  }
  return item_of(run.budget(), value, which);
}

base::Result<Value> SliceLink::apply(Run& run, const Value& value) const {
  SliceBounds bounds;
  const auto part = [&run](const ExpressionPtr& expression,
                           std::optional<std::int64_t>& bound) -> base::Status {
    if (expression == nullptr) return {};
    const Value given = TRY(run.evaluate(*expression));
    if (!given.is_none()) bound = TRY(integer_argument(&given, 0));
    return {};
  };
  TRY(part(start, bounds.start));
  TRY(part(stop, bounds.stop));
  TRY(part(step, bounds.step));
  return slice_of(run.budget(), value, bounds);
}

base::Result<Value> CallLink::apply(Run& run, const Value& value) const {
  return run.call(value, TRY(arguments.evaluate(run)));
}

base::Result<Value> FilterLink::apply(Run& run, const Value& value) const {
  return filter->apply(run, value, TRY(arguments.evaluate(run)));
}

base::Result<Value> TestLink::apply(Run& run, const Value& value) const {
  const bool holds = TRY(test->holds(run, value, TRY(arguments.evaluate(run))));
  return Value::boolean(holds != negated);
}

base::Result<Value> Sign::evaluate(Run& run) const {
  Value value = TRY(run.evaluate(*operand));
  if (negative) return negate(value);
  if (value.is_integral()) return Value::integer(value.integral());
  if (value.real() != nullptr) return value;
  return negate(value);  // which says why not
}

base::Result<Value> Arithmetic::evaluate(Run& run) const {
  Value value = TRY(run.evaluate(*first));
  for (const auto& [op, operand] : rest) {
    const Value right = TRY(run.evaluate(*operand));
    value = TRY(arithmetic(run.budget(), op, value, right));
  }
  return value;
}

base::Result<Value> Concatenation::evaluate(Run& run) const {
  TextBuilder out(run.budget());
  for (const auto& item : items) {
    TRY(append_str(run.budget(), out, TRY(run.evaluate(*item))));
  }
  return out.finish();
}

base::Result<Value> Comparison::evaluate(Run& run) const {
  Value left = TRY(run.evaluate(*first));
  for (const auto& [op, operand] : rest) {
    Value right = TRY(run.evaluate(*operand));
    if (!TRY(compare(run.budget(), op, left, right))) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

base::Result<Value> Negation::evaluate(Run& run) const {
  return Value::boolean(!TRY(run.evaluate(*operand)).truthy());
}

base::Result<Value> Logical::evaluate(Run& run) const {
  Value value;
  for (const auto& operand : operands) {
    value = TRY(run.evaluate(*operand));
    if (value.truthy() == any) return value;
  }
  return value;
}

base::Result<Value> Conditional::evaluate(Run& run) const {
  for (const auto& [value, test] : cases) {
    if (TRY(run.evaluate(*test)).truthy()) return run.evaluate(*value);
  }
  if (otherwise != nullptr) return run.evaluate(*otherwise);
  return Value::undefined("an inline if without else was false");
}

}  // namespace runtime::chat_template
