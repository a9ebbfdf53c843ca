// Dates as strftime writes them in the C locale, in UTC.
#ifndef RUNTIME_CHAT_TEMPLATE_STRFTIME_H_
#define RUNTIME_CHAT_TEMPLATE_STRFTIME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace runtime::chat_template {

// Directives: a A b B c d D e f F H I j k l m M n p R S t T u U w W x X y Y %, and "-" behind the
// percent sign to leave out padding. "Z" and "z" are empty, as for a Python datetime without a time
// zone. Another is kUnsupported.
base::Result<std::string> format_time(std::string_view format, std::int64_t unix_seconds);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_STRFTIME_H_
