// Numbers as Python writes and reads them.
#ifndef RUNTIME_CHAT_TEMPLATE_NUMBERS_H_
#define RUNTIME_CHAT_TEMPLATE_NUMBERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace runtime::chat_template {

// repr(float): the shortest digits that read back as the same value, "1.0", "1e+16", "inf", "nan".
std::string float_repr(double value);

// int(text, base): surrounding white space, a sign, single underscores between digits and, for the
// bases 2, 8, 16 and 0, a prefix. Nothing when it is not a number; kExhausted when it is one
// outside int64.
base::Result<std::optional<std::int64_t>> parse_integer(std::string_view text, int base);
// float(text): the same forms, an exponent, "inf", "infinity", "nan".
std::optional<double> parse_float(std::string_view text);

// int(value): towards zero. Nothing for infinities and NaN, kExhausted outside int64.
base::Result<std::optional<std::int64_t>> truncate(double value);

base::Error integer_overflow();

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_NUMBERS_H_
