// map, select and their relatives. Jinja works through the items when they are asked for; here that
// happens at once, and what is returned can be walked through once as there.
#include <fmt/format.h>

#include "runtime/chat_template/filters.h"
#include "runtime/chat_template/item_key.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/run.h"

namespace runtime::chat_template {
namespace {

Arguments without_first(const Arguments& arguments, std::size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

base::Result<Value> map_attribute(Run& run, const Value& input, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("map", arguments, {"attribute", "default"}, 1));
  const Value* fallback = given[1] != nullptr && !given[1]->is_none() ? given[1] : nullptr;
  const ItemKey key = TRY(ItemKey::make(run.budget(), given[0]));
  const auto items = TRY(items_of(run.budget(), input));
  ListBuilder out(run.budget());
  for (const Value& item : items->items) {
    TRY(run.budget().step());
    TRY(out.add(TRY(key.get(run.budget(), item, fallback))));
  }
  return out.finish_iterator();
}

base::Result<Value> map(Run& run, const Value& input, const Arguments& arguments) {
  if (!input.truthy()) return ListBuilder(run.budget()).finish_iterator();
  if (arguments.positional.empty()) return map_attribute(run, input, arguments);
  const Text* name = TRY(text_argument("map", &arguments.positional[0]));
  const Filter* filter = find_filter(name->bytes());
  if (filter == nullptr) return base::invalid_input("map needs the name of a filter");
  const Arguments rest = without_first(arguments, 1);
  const auto items = TRY(items_of(run.budget(), input));
  ListBuilder out(run.budget());
  for (const Value& item : items->items) {
    TRY(run.budget().step());
    TRY(out.add(TRY(filter->apply(run, item, rest))));
  }
  return out.finish_iterator();
}

struct Choice {
  bool keep;          // what the test finds; otherwise what it does not
  bool by_attribute;  // the first argument says which
};

base::Result<Value> choose(Run& run, const Value& input, const Arguments& arguments,
                           Choice choice) {
  if (!input.truthy()) return ListBuilder(run.budget()).finish_iterator();
  const std::size_t before = choice.by_attribute ? 1 : 0;
  if (arguments.positional.size() < before) {
    return base::invalid_input("selectattr and rejectattr need an attribute");
  }
  const ItemKey key =
      TRY(ItemKey::make(run.budget(), choice.by_attribute ? &arguments.positional[0] : nullptr));
  const Test* test = nullptr;
  Arguments rest;
  if (arguments.positional.size() > before) {
    test = find_test(TRY(text_argument("select", &arguments.positional[before]))->bytes());
    if (test == nullptr) return base::invalid_input("select needs the name of a test");
    rest = without_first(arguments, before + 1);
  }
  const auto items = TRY(items_of(run.budget(), input));
  ListBuilder out(run.budget());
  for (const Value& item : items->items) {
    TRY(run.budget().step());
    const Value looked_at = TRY(key.get(run.budget(), item));
    const bool holds =
        test != nullptr ? TRY(test->holds(run, looked_at, rest)) : looked_at.truthy();
    if (holds == choice.keep) TRY(out.add(item));
  }
  return out.finish_iterator();
}

base::Result<Value> select(Run& run, const Value& input, const Arguments& arguments) {
  return choose(run, input, arguments, {.keep = true, .by_attribute = false});
}

base::Result<Value> reject(Run& run, const Value& input, const Arguments& arguments) {
  return choose(run, input, arguments, {.keep = false, .by_attribute = false});
}

base::Result<Value> selectattr(Run& run, const Value& input, const Arguments& arguments) {
  return choose(run, input, arguments, {.keep = true, .by_attribute = true});
}

base::Result<Value> rejectattr(Run& run, const Value& input, const Arguments& arguments) {
  return choose(run, input, arguments, {.keep = false, .by_attribute = true});
}

constexpr Filter kFilters[] = {
    {"map", map},       {"reject", reject},         {"rejectattr", rejectattr},
    {"select", select}, {"selectattr", selectattr},
};

}  // namespace

std::span<const Filter> selection_filters() {
  return kFilters;
}

}  // namespace runtime::chat_template
