#include "runtime/chat_template/iteration.h"

#include <fmt/format.h>

#include "hardening/base/utf8.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/callables.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/unicode.h"

namespace runtime::chat_template {
namespace {

using SequencePtr = std::shared_ptr<const Sequence>;

base::Result<SequencePtr> characters_of(Budget& budget, const Text& text) {
  TRY(budget.touch(text.size()));
  ListBuilder list(budget);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = base::decode_utf8(std::string_view(text.bytes()).substr(at)).bytes;
    Text character;
    character.append(text, at, at + bytes);
    TRY(list.add(Value::text(std::move(character))));
    at += bytes;
  }
  return list.finish();
}

base::Result<SequencePtr> entries_of(Budget& budget, const Dict& dict, View::Kind kind) {
  ListBuilder list(budget);
  for (const auto& [key, value] : dict.entries) {
    if (kind == View::Kind::kItems) {
      ListBuilder pair(budget, Sequence::Flavor::kTuple);
      TRY(pair.add(key));
      TRY(pair.add(value));
      TRY(list.add(TRY(pair.finish_value())));
    } else {
      TRY(list.add(kind == View::Kind::kKeys ? key : value));
    }
  }
  return list.finish();
}

// What is left of an iterator, which is then used up.
base::Result<SequencePtr> rest_of(Budget& budget, Iterator& iterator) {
  const std::size_t next = std::exchange(iterator.next, iterator.items->items.size());
  if (next == 0) return iterator.items;
  ListBuilder list(budget);
  for (std::size_t i = next; i < iterator.items->items.size(); ++i) {
    TRY(list.add(iterator.items->items[i]));
  }
  return list.finish();
}

// The method as a value; a method that would change the receiver is not given out.
Value method_value(const Value& receiver, const MethodEntry* entry) {
  if (entry->call == nullptr) {
    return Value::undefined(fmt::format("{}.{} would change a value, which a template cannot do",
                                        receiver.type_name(), entry->name));
  }
  return Value::object(std::make_shared<const Method>(Method{entry, receiver}));
}

Value missing(const Value& value, std::string_view name) {
  return Value::undefined(fmt::format("{} has no attribute \"{:.64}\"", value.type_name(), name));
}

base::Result<Value> character_at(Budget& budget, const Value& value, std::int64_t index) {
  const Text& text = *value.text();
  TRY(budget.touch(text.size()));
  const auto count = static_cast<std::int64_t>(count_characters(text.bytes()));
  if (index < 0) index += count;
  if (index < 0 || index >= count) return Value::undefined("string index out of range");
  const std::size_t begin = byte_offset(text.bytes(), static_cast<std::size_t>(index));
  const auto character = base::decode_utf8(std::string_view(text.bytes()).substr(begin));
  Text found;
  found.append(text, begin, begin + character.bytes);
  return Value::text(std::move(found));
}

}  // namespace

base::Error undefined_error(const Undefined& undefined) {
  return base::invalid_input(undefined.hint == nullptr ? "an undefined value is used"
                                                       : *undefined.hint);
}

bool is_iterable(const Value& value) {
  return value.is_undefined() || value.text() != nullptr || value.sequence() != nullptr ||
         value.dict() != nullptr || value.view() != nullptr || value.iterator() != nullptr ||
         value.loop() != nullptr;
}

base::Result<SequencePtr> items_of(Budget& budget, const Value& value) {
  if (value.sequence() != nullptr) return value.share<const Sequence>();
  if (value.is_undefined()) return std::make_shared<const Sequence>();
  if (const Text* text = value.text()) return characters_of(budget, *text);
  if (const Dict* dict = value.dict()) return entries_of(budget, *dict, View::Kind::kKeys);
  if (const View* view = value.view()) return entries_of(budget, *view->dict, view->kind);
  if (Iterator* iterator = value.iterator()) return rest_of(budget, *iterator);
  return base::invalid_input(fmt::format("{} is not iterable", value.type_name()));
}

bool has_length(const Value& value) {
  return value.is_undefined() || value.text() != nullptr || value.sequence() != nullptr ||
         value.dict() != nullptr || value.view() != nullptr;
}

base::Result<std::size_t> length_of(Budget& budget, const Value& value) {
  if (value.is_undefined()) return std::size_t{0};
  if (const Sequence* sequence = value.sequence()) return sequence->items.size();
  if (const Dict* dict = value.dict()) return dict->entries.size();
  if (const View* view = value.view()) return view->dict->entries.size();
  if (const Text* text = value.text()) {
    TRY(budget.touch(text->size()));
    return count_characters(text->bytes());
  }
  return base::invalid_input(fmt::format("{} has no length", value.type_name()));
}

base::Result<Value> attribute_of(Budget& budget, const Value& value, std::string_view name) {
  if (const Undefined* undefined = value.as_undefined()) return undefined_error(*undefined);
  if (const Namespace* space = value.name_space()) {
    TRY(budget.scan(space->attributes.entries.size()));
    const Value* found = space->attributes.find(name);
    return found != nullptr ? *found : missing(value, name);
  }
  if (const MethodEntry* entry = find_method(value, name)) return method_value(value, entry);
  if (const Dict* dict = value.dict()) {
    TRY(budget.scan(dict->entries.size()));
    if (const Value* found = dict->find(name)) return *found;
  }
  return missing(value, name);
}

base::Result<Value> item_of(Budget& budget, const Value& value, const Value& index) {
  if (const Undefined* undefined = value.as_undefined()) return undefined_error(*undefined);
  if (const Dict* dict = value.dict()) {
    if (is_hashable(index)) {
      const std::size_t at = TRY(find_key(budget, *dict, index));
      if (at < dict->entries.size()) return dict->entries[at].second;
    }
  } else if (index.is_integral()) {
    std::int64_t at = index.integral();
    if (value.text() != nullptr) return character_at(budget, value, at);
    if (const Sequence* sequence = value.sequence()) {
      const auto count = static_cast<std::int64_t>(sequence->items.size());
      if (at < 0) at += count;
      if (at >= 0 && at < count) return sequence->items[static_cast<std::size_t>(at)];
      return Value::undefined(fmt::format("{} index out of range", value.type_name()));
    }
  }
  if (const Text* name = index.text()) {
    if (value.name_space() != nullptr) return attribute_of(budget, value, name->bytes());
    if (const MethodEntry* entry = find_method(value, name->bytes())) {
      return method_value(value, entry);
    }
  }
  return Value::undefined(fmt::format("{} has no such element", value.type_name()));
}

}  // namespace runtime::chat_template
