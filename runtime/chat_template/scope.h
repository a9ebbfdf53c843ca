// Names and where they are visible. A loop's body, a macro's and a captured block each have a scope
// of their own: what they set is gone afterwards, what they read may come from any scope around
// them.
#ifndef RUNTIME_CHAT_TEMPLATE_SCOPE_H_
#define RUNTIME_CHAT_TEMPLATE_SCOPE_H_

#include <string_view>
#include <utility>
#include <vector>

#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

struct Scope {
  Scope* parent = nullptr;  // outlives this one; null for the outermost
  std::vector<std::pair<std::string_view, Value>> names;  // the views live as long as the template
  bool captured = false;  // a macro was defined in it or below: the run keeps it

  void set(std::string_view name, Value value) {
    for (auto& [known, held] : names) {
      if (known == name) {
        held = std::move(value);
        return;
      }
    }
    names.emplace_back(name, std::move(value));
  }

  const Value* find_here(std::string_view name) const {
    for (const auto& [known, held] : names) {
      if (known == name) return &held;
    }
    return nullptr;
  }
};

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_SCOPE_H_
