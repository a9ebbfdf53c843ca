#include "runtime/chat_template/item_key.h"

#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/text_functions.h"

namespace runtime::chat_template {
namespace {

base::Result<std::vector<Value>> path_of(std::string_view text) {
  std::vector<Value> path;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    const std::string_view part = text.substr(at, dot - at);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == part.npos;
    if (number) {
      path.push_back(Value::integer(TRY(parse_integer(part, 10)).value_or(0)));
    } else {
      path.push_back(Value::text(part));
    }
    at = dot + 1;
  }
  return path;
}

}  // namespace

base::Result<ItemKey> ItemKey::make(Budget& budget, const Value* attribute, bool several) {
  ItemKey key;
  if (attribute == nullptr || attribute->is_none()) {
    key.paths_.emplace_back();
    return key;
  }
  const Text* text = attribute->text();
  if (text == nullptr) {
    key.paths_.push_back({*attribute});
    return key;
  }
  TRY(budget.step(text->size()));
  const std::string_view names = text->bytes();
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t comma = several ? std::min(names.find(',', at), names.size()) : names.size();
    key.paths_.push_back(TRY(path_of(names.substr(at, comma - at))));
    at = comma + 1;
  }
  return key;
}

base::Result<Value> ItemKey::get(Budget& budget, const Value& item, const Value* fallback) const {
  return follow(budget, paths_.front(), item, fallback);
}

base::Result<Value> ItemKey::follow(Budget& budget, const std::vector<Value>& path,
                                    const Value& item, const Value* fallback) const {
  Value value = item;
  for (const Value& part : path) {
    TRY(budget.step());
    value = TRY(item_of(budget, value, part));
    if (value.is_undefined() && fallback != nullptr) value = *fallback;
  }
  return value;
}

base::Result<Value> ItemKey::sort_key(Budget& budget, const Value& item, bool ignore_case) const {
  ListBuilder key(budget);
  for (const auto& path : paths_) {
    Value value = TRY(follow(budget, path, item, nullptr));
    if (ignore_case) value = TRY(without_case(budget, value));
    TRY(key.add(std::move(value)));
  }
  return key.finish_value();
}

base::Result<Value> without_case(Budget& budget, const Value& value) {
  if (const Text* text = value.text()) return lower(budget, *text);
  return value;
}

}  // namespace runtime::chat_template
