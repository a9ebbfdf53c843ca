// Values as text: str() and repr() as Python has them.
#ifndef RUNTIME_CHAT_TEMPLATE_PRINTING_H_
#define RUNTIME_CHAT_TEMPLATE_PRINTING_H_

#include <memory>

#include "hardening/base/result.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

// What {{ value }} appends. Functions, methods and iterators print an address in Python:
// kUnsupported here.
base::Status append_str(Budget& budget, TextBuilder& out, const Value& value);
base::Status append_repr(Budget& budget, TextBuilder& out, const Value& value);

// str(value); a string is returned as it is.
base::Result<std::shared_ptr<const Text>> to_text(Budget& budget, const Value& value);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_PRINTING_H_
