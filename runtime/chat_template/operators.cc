#include "runtime/chat_template/operators.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/percent_format.h"
#include "runtime/chat_template/search.h"

namespace runtime::chat_template {
namespace {

constexpr std::string_view kArithmeticNames[] = {"+", "-", "*", "/", "//", "%", "**"};
constexpr std::string_view kCompareNames[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in"};

base::Error no_operator(std::string_view op, const Value& a, const Value& b) {
  return base::invalid_input(
      fmt::format("no operator {} for {} and {}", op, a.type_name(), b.type_name()));
}

base::Result<Value> repeat(Budget& budget, const Value& value, std::int64_t times) {
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
  if (const Text* text = value.text()) {
    TextBuilder out(budget);
    TRY(out.append_repeated(*text, count));
    return out.finish();
  }
  const Sequence& sequence = *value.sequence();
  ListBuilder list(budget, sequence.flavor);
  for (std::size_t i = 0; i < count && !sequence.items.empty(); ++i) {
    for (const Value& item : sequence.items) TRY(list.add(item));
  }
  return list.finish_value();
}

bool is_repeatable(const Value& value) {
  const Sequence* sequence = value.sequence();
  return value.text() != nullptr ||
         (sequence != nullptr && sequence->flavor != Sequence::Flavor::kRange);
}

base::Result<Value> add(Budget& budget, const Value& a, const Value& b) {
  if (a.text() != nullptr && b.text() != nullptr) {
    TextBuilder out(budget);
    TRY(out.append(*a.text()));
    TRY(out.append(*b.text()));
    return out.finish();
  }
  const Sequence* left = a.sequence();
  const Sequence* right = b.sequence();
  if (left == nullptr || right == nullptr || left->flavor != right->flavor || !is_repeatable(a)) {
    return no_operator("+", a, b);
  }
  ListBuilder list(budget, left->flavor);
  for (const Value& item : left->items) TRY(list.add(item));
  for (const Value& item : right->items) TRY(list.add(item));
  return list.finish_value();
}

base::Result<bool> equal_sequences(Budget& budget, const Sequence& a, const Sequence& b) {
  if (a.flavor != b.flavor || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!TRY(equal(budget, a.items[i], b.items[i]))) return false;
  }
  return true;
}

base::Result<bool> equal_dicts(Budget& budget, const Dict& a, const Dict& b) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto& [key, value] : a.entries) {
    const std::size_t at = TRY(find_key(budget, b, key));
    if (at == b.entries.size()) return false;
    if (!TRY(equal(budget, value, b.entries[at].second))) return false;
  }
  return true;
}

template <typename T>
bool ordered(CompareOp op, const T& a, const T& b) {
  switch (op) {
    case CompareOp::kLess:
      return a < b;
    case CompareOp::kLessEqual:
      return a <= b;
    case CompareOp::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

base::Result<bool> order(Budget& budget, CompareOp op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return ordered(op, a.integral(), b.integral());
  if (a.is_number() && b.is_number()) return ordered(op, a.number(), b.number());
  if (a.text() != nullptr && b.text() != nullptr) {
    TRY(budget.touch(std::min(a.text()->size(), b.text()->size())));
    // The order of UTF-8 bytes is the order of code points.
    return ordered(op, a.text()->bytes(), b.text()->bytes());
  }
  const Sequence* left = a.sequence();
  const Sequence* right = b.sequence();
  if (left == nullptr || right == nullptr || left->flavor != right->flavor || !is_repeatable(a)) {
    return no_operator(kCompareNames[static_cast<std::size_t>(op)], a, b);
  }
  const std::size_t common = std::min(left->items.size(), right->items.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (TRY(equal(budget, left->items[i], right->items[i]))) continue;
    return order(budget, op, left->items[i], right->items[i]);
  }
  return ordered(op, left->items.size(), right->items.size());
}

base::Result<bool> contains_text(Budget& budget, const Text& text, const Value& item) {
  if (item.text() == nullptr) {
    return base::invalid_input(fmt::format("a string cannot contain {}", item.type_name()));
  }
  return TRY(find_forward(budget, text.bytes(), item.text()->bytes())) != std::string::npos;
}

}  // namespace

base::Result<Value> arithmetic(Budget& budget, ArithmeticOp op, const Value& a, const Value& b) {
  if (const Undefined* undefined = a.as_undefined()) return undefined_error(*undefined);
  if (op == ArithmeticOp::kModulo && a.text() != nullptr) {
    return format_percent(budget, *a.text(), b);
  }
  if (const Undefined* undefined = b.as_undefined()) return undefined_error(*undefined);
  if (a.is_number() && b.is_number()) return number_arithmetic(op, a, b);
  if (op == ArithmeticOp::kAdd) return add(budget, a, b);
  if (op == ArithmeticOp::kMultiply) {
    if (is_repeatable(a) && b.is_integral()) return repeat(budget, a, b.integral());
    if (is_repeatable(b) && a.is_integral()) return repeat(budget, b, a.integral());
  }
  return no_operator(kArithmeticNames[static_cast<std::size_t>(op)], a, b);
}

base::Result<bool> equal(Budget& budget, const Value& a, const Value& b) {
  TRY(budget.step());
  if (a.is_integral() && b.is_integral()) return a.integral() == b.integral();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.large() != nullptr && b.large() != nullptr) return *a.large() == *b.large();
  if (a.text() != nullptr && b.text() != nullptr) {
    if (a.text()->size() != b.text()->size()) return false;
    TRY(budget.touch(a.text()->size()));
    return a.text()->bytes() == b.text()->bytes();
  }
  if (a.sequence() != nullptr && b.sequence() != nullptr) {
    return equal_sequences(budget, *a.sequence(), *b.sequence());
  }
  if (a.dict() != nullptr && b.dict() != nullptr) return equal_dicts(budget, *a.dict(), *b.dict());
  if (a.is_undefined() && b.is_undefined()) return true;
  return a.same_as(b);
}

base::Result<bool> compare(Budget& budget, CompareOp op, const Value& a, const Value& b) {
  switch (op) {
    case CompareOp::kEqual:
      return equal(budget, a, b);
    case CompareOp::kNotEqual:
      return !TRY(equal(budget, a, b));
    case CompareOp::kIn:
      return contains(budget, b, a);
    case CompareOp::kNotIn:
      return !TRY(contains(budget, b, a));
    default:
      break;
  }
  if (const Undefined* undefined = a.as_undefined()) return undefined_error(*undefined);
  if (const Undefined* undefined = b.as_undefined()) return undefined_error(*undefined);
  return order(budget, op, a, b);
}

base::Result<bool> less(Budget& budget, const Value& a, const Value& b) {
  return compare(budget, CompareOp::kLess, a, b);
}

base::Result<bool> contains(Budget& budget, const Value& container, const Value& item) {
  if (const Text* text = container.text()) return contains_text(budget, *text, item);
  if (const Dict* dict = container.dict()) {
    if (!is_hashable(item)) {
      return base::invalid_input(fmt::format("{} cannot be a key", item.type_name()));
    }
    return TRY(find_key(budget, *dict, item)) < dict->entries.size();
  }
  const auto items = TRY(items_of(budget, container));
  for (const Value& candidate : items->items) {
    if (TRY(equal(budget, candidate, item))) return true;
  }
  return false;
}

base::Result<std::size_t> find_key(Budget& budget, const Dict& dict, const Value& key) {
  TRY(budget.scan(dict.entries.size()));
  const Text* text = key.text();
  for (std::size_t i = 0; i < dict.entries.size(); ++i) {
    const Value& candidate = dict.entries[i].first;
    // Most keys are strings of different lengths: those cost no more than the scan.
    if (text != nullptr && candidate.text() != nullptr &&
        text->size() != candidate.text()->size()) {
      continue;
    }
    if (TRY(equal(budget, candidate, key))) return i;
  }
  return dict.entries.size();
}

bool is_hashable(const Value& key) {
  if (const Sequence* sequence = key.sequence()) {
    return sequence->flavor != Sequence::Flavor::kList &&
           std::all_of(sequence->items.begin(), sequence->items.end(), is_hashable);
  }
  return key.dict() == nullptr && key.view() == nullptr;
}

}  // namespace runtime::chat_template
