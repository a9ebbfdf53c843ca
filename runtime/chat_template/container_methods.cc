// Methods of lists, tuples, ranges and dictionaries.
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/methods.h"
#include "runtime/chat_template/operators.h"
#include "runtime/chat_template/run.h"

namespace runtime::chat_template {
namespace {

base::Result<Value> count(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("count", arguments, {"value"}, 1));
  std::int64_t occurrences = 0;
  for (const Value& item : self.sequence()->items) {
    if (TRY(equal(run.budget(), item, *given[0]))) ++occurrences;
  }
  return Value::integer(occurrences);
}

base::Result<Value> index(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("index", arguments, {"value"}, 1));
  const auto& items = self.sequence()->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (TRY(equal(run.budget(), items[i], *given[0]))) return Value::integer(i);
  }
  return base::invalid_input("the item that index looks for is not there");
}

// Nothing changes: a value is as good as its copy.
base::Result<Value> copy(Run&, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("copy", arguments, {}));
  return self;
}

base::Result<Value> get(Run& run, const Value& self, const Arguments& arguments) {
  const auto given = TRY(Parameters::bind("get", arguments, {"key", "default"}, 1));
  if (!is_hashable(*given[0])) return base::invalid_input("get needs a key, not a container");
  const auto& entries = self.dict()->entries;
  const std::size_t at = TRY(find_key(run.budget(), *self.dict(), *given[0]));
  if (at < entries.size()) return entries[at].second;
  return given[1] != nullptr ? *given[1] : Value::none();
}

template <View::Kind kind>
base::Result<Value> view(Run&, const Value& self, const Arguments& arguments) {
  TRY(Parameters::bind("the method", arguments, {}));
  return Value::object(std::make_shared<const View>(View{kind, self.share<const Dict>()}));
}

base::Result<Value> not_here(Run&, const Value&, const Arguments&) {
  return base::unsupported("fromkeys");
}

constexpr MethodEntry kListMethods[] = {
    {"append", nullptr}, {"clear", nullptr},   {"copy", copy},      {"count", count},
    {"extend", nullptr}, {"index", index},     {"insert", nullptr}, {"pop", nullptr},
    {"remove", nullptr}, {"reverse", nullptr}, {"sort", nullptr},
};

constexpr MethodEntry kTupleMethods[] = {{"count", count}, {"index", index}};

constexpr MethodEntry kDictMethods[] = {
    {"clear", nullptr},
    {"copy", copy},
    {"fromkeys", not_here},
    {"get", get},
    {"items", view<View::Kind::kItems>},
    {"keys", view<View::Kind::kKeys>},
    {"pop", nullptr},
    {"popitem", nullptr},
    {"setdefault", nullptr},
    {"update", nullptr},
    {"values", view<View::Kind::kValues>},
};

}  // namespace

std::span<const MethodEntry> list_methods() {
  return kListMethods;
}
std::span<const MethodEntry> tuple_methods() {
  return kTupleMethods;
}
std::span<const MethodEntry> dict_methods() {
  return kDictMethods;
}

}  // namespace runtime::chat_template
