// The filter "tojson" as chat templates know it: json.dumps with its defaults, except that text
// outside ASCII stays as it is.
#ifndef RUNTIME_CHAT_TEMPLATE_JSON_TEXT_H_
#define RUNTIME_CHAT_TEMPLATE_JSON_TEXT_H_

#include <memory>
#include <optional>
#include <string>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::shared_ptr<const Text> indent;  // of one level; null: all on one line
  Text item_separator = Text(", ", false);
  Text key_separator = Text(": ", false);
};

// The whole result is marked as input when any string in the value is: it is one token stream to a
// model, and a border inside of it would only move token borders.
base::Result<Value> to_json(Budget& budget, const Value& value, const JsonStyle& style);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_JSON_TEXT_H_
