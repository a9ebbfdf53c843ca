#include "runtime/chat_template/loop.h"

#include <fmt/format.h>

#include <iterator>

#include "runtime/chat_template/operators.h"

namespace runtime::chat_template {
namespace {

constexpr MethodEntry kCycle = {"cycle", [](Run&, const Value& self, const Arguments& arguments) {
                                  return self.loop()->cycle(arguments);
                                }};
constexpr MethodEntry kChanged = {"changed",
                                  [](Run& run, const Value& self, const Arguments& arguments) {
                                    return self.loop()->changed(run, arguments);
                                  }};

Value method(const MethodEntry& entry, const Value& self) {
  return Value::object(std::make_shared<const Method>(Method{&entry, self}));
}

}  // namespace

base::Result<std::optional<Value>> Loop::pull(Run& run) {
  while (position < items->items.size()) {
    const Value& item = items->items[position++];
    TRY(run.budget().step());
    if (node->test == nullptr) return std::optional(item);
    // The test sees the loop's names, but not what the body set.
    Run::Scoped around(run, scope);
    TRY(run.assign(node->target, item));
    if (TRY(run.evaluate(*node->test)).truthy()) return std::optional(item);
  }
  return std::optional<Value>();
}

base::Result<std::optional<Value>> Loop::advance(Run& run) {
  std::optional<Value> next;
  if (ahead.empty()) {
    next = TRY(pull(run));
  } else {
    next = std::move(ahead.front());
    ahead.pop_front();
  }
  if (next) {
    ++index0;
    previous = std::exchange(current, *next);
  }
  return next;
}

base::Result<bool> Loop::peek(Run& run) {
  if (!ahead.empty()) return true;
  auto next = TRY(pull(run));
  if (!next) return false;
  ahead.push_back(std::move(*next));
  return true;
}

base::Result<std::int64_t> Loop::length(Run& run) {
  if (node == nullptr) return index0 + 1;  // the loop has ended: all there were
  if (node->test == nullptr) return std::ssize(items->items);
  for (auto next = TRY(pull(run)); next; next = TRY(pull(run))) ahead.push_back(std::move(*next));
  return index0 + 1 + std::ssize(ahead);
}

base::Result<Value> Loop::attribute(Run& run, const Value& self, std::string_view name) {
  if (name == "index") return Value::integer(index0 + 1);
  if (name == "index0") return Value::integer(index0);
  if (name == "first") return Value::boolean(index0 == 0);
  if (name == "last") return Value::boolean(!TRY(peek(run)));
  if (name == "length") return Value::integer(TRY(length(run)));
  if (name == "revindex") return Value::integer(TRY(length(run)) - index0);
  if (name == "revindex0") return Value::integer(TRY(length(run)) - index0 - 1);
  if (name == "previtem") {
    return index0 == 0 ? Value::undefined("there is no previous item") : previous;
  }
  if (name == "nextitem") {
    return TRY(peek(run)) ? ahead.front() : Value::undefined("there is no next item");
  }
  if (name == "depth") return Value::integer(std::int64_t{1});
  if (name == "depth0") return Value::integer(std::int64_t{0});
  if (name == "cycle") return method(kCycle, self);
  if (name == "changed") return method(kChanged, self);
  return Value::undefined(fmt::format("loop has no attribute \"{:.64}\"", name));
}

base::Result<Value> Loop::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty()) return base::invalid_input("loop.cycle needs values");
  return arguments.positional[static_cast<std::size_t>(index0) % arguments.positional.size()];
}

base::Result<Value> Loop::changed(Run& run, const Arguments& arguments) {
  bool same = last_changed && last_changed->size() == arguments.positional.size();
  for (std::size_t i = 0; same && i < last_changed->size(); ++i) {
    same = TRY(equal(run.budget(), (*last_changed)[i], arguments.positional[i]));
  }
  if (!same) last_changed = arguments.positional;
  return Value::boolean(!same);
}

void Loop::end() {
  items = std::make_shared<const Sequence>();
  position = 0;
  ahead.clear();
  current = previous = Value();
  last_changed.reset();
  node = nullptr;
  scope = nullptr;
}

}  // namespace runtime::chat_template
