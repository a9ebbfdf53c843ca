#include "runtime/chat_template/value.h"

#include "hardening/base/check.h"
#include "runtime/chat_template/callables.h"

namespace runtime::chat_template {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

Value Value::undefined(std::string hint) {
  return Value(Data(Undefined{std::make_shared<const std::string>(std::move(hint))}));
}

const Function* Value::function() const {
  const auto* held = std::get_if<const Function*>(&data_);
  return held == nullptr ? nullptr : *held;
}

std::int64_t Value::integral() const {
  if (const bool* flag = boolean()) return *flag ? 1 : 0;
  CHECK(integer() != nullptr);
  return *integer();
}

double Value::number() const {
  if (const double* value = real()) return *value;
  return static_cast<double>(integral());
}

bool Value::truthy() const {
  return std::visit(
      Overloaded{
          [](const Undefined&) { return false; },
          [](const None&) { return false; },
          [](bool value) { return value; },
          [](std::int64_t value) { return value != 0; },
          [](double value) { return value != 0; },
          [](const std::shared_ptr<const Text>& value) { return !value->empty(); },
          [](const std::shared_ptr<const Sequence>& value) { return !value->items.empty(); },
          [](const std::shared_ptr<const Dict>& value) { return !value->entries.empty(); },
          [](const std::shared_ptr<const View>& value) { return !value->dict->entries.empty(); },
          [](const auto&) { return true; },
      },
      data_);
}

int Value::depth() const {
  if (const Sequence* value = sequence()) return value->depth;
  if (const Dict* value = dict()) return value->depth;
  if (const View* value = view()) return value->dict->depth + 1;
  if (const Iterator* value = iterator()) return value->items->depth + 1;
  if (const Method* value = method()) return value->receiver.depth() + 1;
  return 0;
}

std::string_view Value::type_name() const {
  if (const Sequence* value = sequence()) {
    constexpr std::string_view kNames[] = {"list", "tuple", "range"};
    return kNames[static_cast<std::size_t>(value->flavor)];
  }
  constexpr std::string_view kNames[] = {"Undefined",   "NoneType", "bool",      "int",
                                         "int",         "float",    "str",       "list",
                                         "dict",        "view",     "generator", "Namespace",
                                         "LoopContext", "Macro",    "function",  "method"};
  static_assert(std::size(kNames) == std::variant_size_v<Data>);
  return kNames[data_.index()];
}

bool Value::same_as(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  return std::visit(Overloaded{
                        [](const Undefined&) { return false; },
                        [](const None&) { return true; },
                        [&](const auto& value) {
                          return value == *std::get_if<std::decay_t<decltype(value)>>(&other.data_);
                        },
                    },
                    data_);
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    const Text* text = name.text();
    if (text != nullptr && text->bytes() == key) return &value;
  }
  return nullptr;
}

}  // namespace runtime::chat_template
