// "…%s…" % values, and the filter "format".
#ifndef RUNTIME_CHAT_TEMPLATE_PERCENT_FORMAT_H_
#define RUNTIME_CHAT_TEMPLATE_PERCENT_FORMAT_H_

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

// `values` is a tuple of as many values as there are directives, a dictionary for %(name)s, or one
// value.
base::Result<Value> format_percent(Budget& budget, const Text& pattern, const Value& values);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_PERCENT_FORMAT_H_
