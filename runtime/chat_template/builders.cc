#include "runtime/chat_template/builders.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/operators.h"

namespace runtime::chat_template {
namespace {

base::Status check_depth(const Budget& budget, int depth) {
  if (static_cast<std::size_t>(depth) > budget.limits().depth_max) {
    return base::exhausted(
        fmt::format("lists and dictionaries nested deeper than {}", budget.limits().depth_max));
  }
  return {};
}

}  // namespace

base::Status TextBuilder::pay(std::size_t bytes, std::size_t pieces) {
  if (bytes > bytes_max_ - text_.size()) {
    return base::exhausted(fmt::format("{} of more than {} bytes", what_, bytes_max_));
  }
  return budget_.touch(bytes + pieces * sizeof(Text::Range));
}

base::Status TextBuilder::pay_repeated(std::size_t bytes, std::size_t count) {
  if (bytes == 0 || count == 0) return {};
  if (count > std::numeric_limits<std::size_t>::max() / bytes) count = bytes_max_ + 1;
  return pay(std::max(bytes * count, count), count);
}

base::Status TextBuilder::append(std::string_view bytes, bool from_input) {
  TRY(pay(bytes.size(), 1));
  text_.append(bytes, from_input);
  return {};
}

base::Status TextBuilder::append(const Text& text, std::size_t begin, std::size_t end) {
  TRY(pay(end - begin, text.input_ranges().size() > 1 ? text.input_ranges().size() : 1));
  text_.append(text, begin, end);
  return {};
}

base::Status TextBuilder::append_repeated(std::string_view unit, std::size_t count) {
  TRY(pay_repeated(unit.size(), count));
  if (unit.empty()) return {};
  for (std::size_t i = 0; i < count; ++i) text_.append(unit, false);
  return {};
}

base::Status TextBuilder::append_repeated(const Text& unit, std::size_t count) {
  TRY(pay_repeated(unit.size(), count));
  if (unit.empty()) return {};
  for (std::size_t i = 0; i < count; ++i) text_.append(unit);
  return {};
}

ListBuilder::ListBuilder(Budget& budget, Sequence::Flavor flavor)
    : budget_(budget), list_(std::make_shared<Sequence>()) {
  list_->flavor = flavor;
}

base::Status ListBuilder::add(Value item) {
  TRY(budget_.take(list_->charge, 1));
  list_->depth = std::max(list_->depth, item.depth() + 1);
  list_->items.push_back(std::move(item));
  return {};
}

base::Result<std::shared_ptr<const Sequence>> ListBuilder::finish() {
  TRY(check_depth(budget_, list_->depth));
  TRY(budget_.scan(list_->items.size()));
  return std::shared_ptr<const Sequence>(std::move(list_));
}

base::Result<Value> ListBuilder::finish_value() {
  return Value::object(TRY(finish()));
}

base::Result<Value> ListBuilder::finish_iterator() {
  return Value::object(std::make_shared<Iterator>(Iterator{TRY(finish())}));
}

base::Status DictBuilder::add(Value key, Value value) {
  TRY(budget_.take(dict_->charge, 1));
  dict_->depth = std::max({dict_->depth, key.depth() + 1, value.depth() + 1});
  dict_->entries.emplace_back(std::move(key), std::move(value));
  return {};
}

base::Status DictBuilder::set(Value key, Value value) {
  return set_entry(budget_, *dict_, std::move(key), std::move(value));
}

base::Status DictBuilder::set_all(const Value& source) {
  if (const Dict* dict = source.dict()) {
    for (const auto& [key, value] : dict->entries) TRY(set(key, value));
    return {};
  }
  const auto pairs = TRY(items_of(budget_, source));
  for (const Value& pair : pairs->items) {
    const auto parts = TRY(items_of(budget_, pair));
    if (parts->items.size() != 2) {
      return base::invalid_input("a dictionary is made of pairs of key and value");
    }
    TRY(set(parts->items[0], parts->items[1]));
  }
  return {};
}

base::Result<Value> DictBuilder::finish() {
  TRY(check_depth(budget_, dict_->depth));
  return Value::object(std::shared_ptr<const Dict>(std::move(dict_)));
}

base::Status set_entry(Budget& budget, Dict& dict, Value key, Value value) {
  if (!is_hashable(key)) {
    return base::invalid_input(fmt::format("{} cannot be a key", key.type_name()));
  }
  TRY(check_depth(budget, std::max(key.depth(), value.depth())));
  if (const std::size_t index = TRY(find_key(budget, dict, key)); index < dict.entries.size()) {
    dict.depth = std::max(dict.depth, value.depth() + 1);
    dict.entries[index].second = std::move(value);
    return {};
  }
  TRY(budget.take(dict.charge, 1));
  dict.depth = std::max({dict.depth, key.depth() + 1, value.depth() + 1});
  dict.entries.emplace_back(std::move(key), std::move(value));
  return {};
}

base::Result<Value> make_range(Budget& budget, std::int64_t start, std::int64_t stop,
                               std::int64_t step) {
  if (step == 0) return base::invalid_input("the step of a range cannot be zero");
  const bool up = step > 0;
  // Unsigned differences of the right order cannot overflow.
  const std::uint64_t distance =
      up ? (stop > start ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start) : 0)
         : (start > stop ? static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop)
                         : 0);
  const std::uint64_t stride =
      up ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
  const std::uint64_t count = distance == 0 ? 0 : (distance - 1) / stride + 1;
  if (count > static_cast<std::uint64_t>(kRangeItemsMax)) {
    return base::exhausted(fmt::format("a range of more than {} numbers", kRangeItemsMax));
  }
  auto range = std::make_shared<Sequence>();
  range->flavor = Sequence::Flavor::kRange;
  range->start = start;
  range->stop = stop;
  range->step = step;
  TRY(budget.take(range->charge, count));
  TRY(budget.step(count));
  range->items.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t number =
        static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(step);
    range->items.push_back(Value::integer(static_cast<std::int64_t>(number)));
  }
  return Value::object(std::shared_ptr<const Sequence>(std::move(range)));
}

}  // namespace runtime::chat_template
