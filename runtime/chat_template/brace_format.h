// "…{}…{name:>10}…".format(values).
#ifndef RUNTIME_CHAT_TEMPLATE_BRACE_FORMAT_H_
#define RUNTIME_CHAT_TEMPLATE_BRACE_FORMAT_H_

#include "hardening/base/result.h"
#include "runtime/chat_template/callables.h"

namespace runtime::chat_template {

// Fields are numbers, names or nothing, with ".attribute" and "[index]" behind; !s and !r; format
// specifications without fields of their own.
base::Result<Value> format_braces(Budget& budget, const Text& pattern, const Arguments& arguments);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_BRACE_FORMAT_H_
