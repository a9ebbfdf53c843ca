// What "loop" is inside {% for %}: where the loop stands, and the items around the present one.
#ifndef RUNTIME_CHAT_TEMPLATE_LOOP_H_
#define RUNTIME_CHAT_TEMPLATE_LOOP_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>

#include "hardening/base/result.h"
#include "runtime/chat_template/run.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

// Items are tested by the loop's own "if" only when they are reached or looked ahead at, as in
// Jinja: a test can depend on what the body did to a namespace.
struct Loop {
  Loop(const For& statement, Scope* around, std::shared_ptr<const Sequence> all)
      : node(&statement), scope(around), items(std::move(all)) {}

  // Steps to the next item; nothing when there is none.
  base::Result<std::optional<Value>> advance(Run& run);
  // loop.name; `self` is the value that holds this loop.
  base::Result<Value> attribute(Run& run, const Value& self, std::string_view name);
  base::Result<Value> cycle(const Arguments& arguments) const;
  base::Result<Value> changed(Run& run, const Arguments& arguments);
  // Forgets the items; a template may have kept the loop itself in a namespace.
  void end();

 private:
  base::Result<std::optional<Value>> pull(Run& run);
  base::Result<bool> peek(Run& run);  // whether there is a next item, then at ahead.front()
  base::Result<std::int64_t> length(Run& run);

  const For* node;
  Scope* scope;
  std::shared_ptr<const Sequence> items;
  std::size_t position = 0;
  std::deque<Value> ahead;  // passed the test and not reached yet
  std::int64_t index0 = -1;
  Value current;
  Value previous;
  std::optional<std::vector<Value>> last_changed;
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_LOOP_H_
