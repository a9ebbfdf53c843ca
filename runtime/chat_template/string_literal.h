// String literals, with the escapes of Python.
#ifndef RUNTIME_CHAT_TEMPLATE_STRING_LITERAL_H_
#define RUNTIME_CHAT_TEMPLATE_STRING_LITERAL_H_

#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace runtime::chat_template {

// What stands between the quotes, decoded. Fails on an escape that is cut short, on a surrogate and
// on \N{…}.
base::Result<std::string> decode_string_literal(std::string_view body);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_STRING_LITERAL_H_
