// What filters look at in each item: an attribute path ("function.name", 0), or the item itself.
#ifndef RUNTIME_CHAT_TEMPLATE_ITEM_KEY_H_
#define RUNTIME_CHAT_TEMPLATE_ITEM_KEY_H_

#include <vector>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

class ItemKey {
 public:
  // `attribute` is a string or an integer; null or none: the item itself. `several` splits it at
  // commas.
  static base::Result<ItemKey> make(Budget& budget, const Value* attribute, bool several = false);

  // Follows the first path. Where something on the way is undefined, `fallback` takes its place if
  // not null.
  base::Result<Value> get(Budget& budget, const Value& item, const Value* fallback = nullptr) const;
  // All paths as a list, with strings in lower case if `ignore_case`: comparing those sorts items.
  base::Result<Value> sort_key(Budget& budget, const Value& item, bool ignore_case) const;

 private:
  base::Result<Value> follow(Budget& budget, const std::vector<Value>& path, const Value& item,
                             const Value* fallback) const;
  std::vector<std::vector<Value>> paths_;
};

// A string in lower case, anything else as it is.
base::Result<Value> without_case(Budget& budget, const Value& value);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_ITEM_KEY_H_
