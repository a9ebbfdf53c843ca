// Filters on sequences as a whole.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/item_key.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/printing.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/sorting.h"

namespace runtime::chat_template {
namespace {

base::Result<Value> length(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("length", arguments, {}));
  return Value::integer(TRY(length_of(run.budget(), input)));
}

base::Result<Value> first(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("first", arguments, {}));
  if (Iterator* iterator = input.iterator()) {
    if (iterator->next == iterator->items->items.size())
      return Value::undefined("nothing is first");
    return iterator->items->items[iterator->next++];
  }
  const auto items = TRY(items_of(run.budget(), input));
  return items->items.empty() ? Value::undefined("nothing is first") : items->items.front();
}

base::Result<Value> last(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("last", arguments, {}));
  if (input.iterator() != nullptr) return base::invalid_input("an iterator has no last item");
  const auto items = TRY(items_of(run.budget(), input));
  return items->items.empty() ? Value::undefined("nothing is last") : items->items.back();
}

base::Result<Value> list(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("list", arguments, {}));
  const auto items = TRY(items_of(run.budget(), input));
  ListBuilder copy(run.budget());
  for (const Value& item : items->items) TRY(copy.add(item));
  return copy.finish_value();
}

base::Result<Value> join(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("join", arguments, {"d", "attribute"}));
  Budget& budget = run.budget();
  const ItemKey key = TRY(ItemKey::make(budget, given[1]));
  const auto separator = TRY(to_text(budget, given[0] != nullptr ? *given[0] : Value::text("")));
  const auto items = TRY(items_of(budget, input));
  TextBuilder out(budget);
  bool later = false;
  for (const Value& item : items->items) {
    if (std::exchange(later, true)) TRY(out.append(*separator));
    TRY(append_str(budget, out, TRY(key.get(budget, item))));
  }
  return out.finish();
}

base::Result<Value> reverse(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("reverse", arguments, {}));
  if (input.text() != nullptr) return slice_of(run.budget(), input, {{}, {}, -1});
  const auto items = TRY(items_of(run.budget(), input));
  ListBuilder out(run.budget());
  for (std::size_t i = items->items.size(); i > 0; --i) TRY(out.add(items->items[i - 1]));
  // As in Jinja, where what cannot be walked backwards becomes a list first.
  return input.iterator() != nullptr ? out.finish_value() : out.finish_iterator();
}

base::Result<Value> in_order(Run& run, const std::vector<Value>& items,
                             const std::vector<Value>& keys, bool reversed) {
  const auto order = TRY(sorted_order(run.budget(), keys, reversed));
  ListBuilder sorted(run.budget());
  for (const std::size_t i : order) TRY(sorted.add(items[i]));
  return sorted.finish_value();
}

base::Result<Value> sort(Run& run, const Value& input, const Arguments& arguments) {
  const auto given =
      TRY(Parameters::bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  const bool ignore_case = given[1] == nullptr || !given[1]->truthy();
  const ItemKey key = TRY(ItemKey::make(run.budget(), given[2], true));
  const auto items = TRY(items_of(run.budget(), input));
  std::vector<Value> keys;
  for (const Value& item : items->items) {
    keys.push_back(TRY(key.sort_key(run.budget(), item, ignore_case)));
  }
  return in_order(run, items->items, keys, given[0] != nullptr && given[0]->truthy());
}

base::Result<Value> dictsort(Run& run, const Value& input, const Arguments& arguments) {
  const auto given =
      TRY(Parameters::bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  const Dict* dict = input.dict();
  if (dict == nullptr) return base::invalid_input("dictsort needs a dictionary");
  const bool ignore_case = given[0] == nullptr || !given[0]->truthy();
  const std::string by =
      given[1] == nullptr ? "key" : TRY(text_argument("dictsort", given[1]))->bytes();
  if (by != "key" && by != "value") return base::invalid_input("dictsort sorts by key or value");
  const Value view = Value::object(
      std::make_shared<const View>(View{View::Kind::kItems, input.share<const Dict>()}));
  const auto items = TRY(items_of(run.budget(), view));
  std::vector<Value> keys;
  for (const auto& [key, value] : dict->entries) {
    const Value& chosen = by == "key" ? key : value;
    keys.push_back(ignore_case ? TRY(without_case(run.budget(), chosen)) : chosen);
  }
  return in_order(run, items->items, keys, given[2] != nullptr && given[2]->truthy());
}

base::Result<Value> unique(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("unique", arguments, {"case_sensitive", "attribute"}));
  const bool ignore_case = given[0] == nullptr || !given[0]->truthy();
  const ItemKey key = TRY(ItemKey::make(run.budget(), given[1]));
  const auto items = TRY(items_of(run.budget(), input));
  Dict seen;
  ListBuilder out(run.budget());
  for (const Value& item : items->items) {
    Value mark = TRY(key.get(run.budget(), item));
    if (ignore_case) mark = TRY(without_case(run.budget(), mark));
    const std::size_t known = seen.entries.size();
    TRY(set_entry(run.budget(), seen, std::move(mark), Value()));
    if (seen.entries.size() > known) TRY(out.add(item));
  }
  return out.finish_iterator();
}

base::Result<Value> extreme(Run& run, const Value& input, const Arguments& arguments,
                            bool largest) {
  const auto given =
      TRY(Parameters::bind("min or max", arguments, {"case_sensitive", "attribute"}));
  const bool ignore_case = given[0] == nullptr || !given[0]->truthy();
  const ItemKey key = TRY(ItemKey::make(run.budget(), given[1]));
  const auto items = TRY(items_of(run.budget(), input));
  if (items->items.empty()) return Value::undefined("an empty sequence has no extreme");
  const Value* best = nullptr;
  Value best_key;
  for (const Value& item : items->items) {
    Value mark = TRY(key.get(run.budget(), item));
    if (ignore_case) mark = TRY(without_case(run.budget(), mark));
    const bool better = best == nullptr || (largest ? TRY(less(run.budget(), best_key, mark))
                                                    : TRY(less(run.budget(), mark, best_key)));
    if (!better) continue;
    best = &item;
    best_key = std::move(mark);
  }
  return *best;
}

base::Result<Value> min(Run& run, const Value& input, const Arguments& arguments) {
  return extreme(run, input, arguments, false);
}

base::Result<Value> max(Run& run, const Value& input, const Arguments& arguments) {
  return extreme(run, input, arguments, true);
}

base::Result<Value> sum(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("sum", arguments, {"attribute", "start"}));
  const ItemKey key = TRY(ItemKey::make(run.budget(), given[0]));
  Value total = given[1] != nullptr ? *given[1] : Value::integer(std::int64_t{0});
  if (total.text() != nullptr) return base::invalid_input("strings are joined, not summed");
  const auto items = TRY(items_of(run.budget(), input));
  for (const Value& item : items->items) {
    const Value term = TRY(key.get(run.budget(), item));
    TRY(run.budget().step());
    total = TRY(arithmetic(run.budget(), ArithmeticOp::kAdd, total, term));
  }
  return total;
}

base::Result<Value> items(Run& run, const Value& input, const Arguments& arguments) {
  TRY(Parameters::bind("items", arguments, {}));
  if (!input.is_undefined() && input.dict() == nullptr) {
    return base::invalid_input("items needs a dictionary");
  }
  Value source = input;
  if (input.dict() != nullptr) {
    source = Value::object(
        std::make_shared<const View>(View{View::Kind::kItems, input.share<const Dict>()}));
  }
  return Value::object(std::make_shared<Iterator>(Iterator{TRY(items_of(run.budget(), source))}));
}

base::Result<Value> batch(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("batch", arguments, {"linecount", "fill_with"}, 1));
  const std::int64_t count = TRY(integer_argument(given[0], 0));
  if (count < 1) return base::invalid_input("batch needs a positive count");
  const auto all = TRY(items_of(run.budget(), input));
  const auto total = static_cast<std::int64_t>(all->items.size());
  const bool fill = given[1] != nullptr && !given[1]->is_none();
  ListBuilder batches(run.budget());
  for (std::int64_t begin = 0; begin < total; begin += count) {
    ListBuilder part(run.budget());
    const std::int64_t size = fill ? count : std::min(count, total - begin);
    for (std::int64_t i = 0; i < size; ++i) {
      TRY(part.add(i < total - begin ? all->items[static_cast<std::size_t>(begin + i)]
                                     : *given[1]));
    }
    TRY(batches.add(TRY(part.finish_value())));
    if (count >= total - begin) break;
  }
  return batches.finish_iterator();
}

constexpr Filter kFilters[] = {
    {"batch", batch}, {"count", length}, {"dictsort", dictsort}, {"first", first},
    {"items", items}, {"join", join},    {"last", last},         {"length", length},
    {"list", list},   {"max", max},      {"min", min},           {"reverse", reverse},
    {"sort", sort},   {"sum", sum},      {"unique", unique},
};

}  // namespace

std::span<const Filter> sequence_filters() {
  return kFilters;
}

}  // namespace runtime::chat_template
