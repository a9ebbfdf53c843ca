// One value laid out as a format directive asks ("%5.2f", "{:>10}").
#ifndef RUNTIME_CHAT_TEMPLATE_FORMAT_SPEC_H_
#define RUNTIME_CHAT_TEMPLATE_FORMAT_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hardening/base/result.h"
#include "runtime/chat_template/builders.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

struct FormatSpec {
  static constexpr int kPrecisionMax = 100;  // digits of a number; text can be cut anywhere
  std::string fill = " ";
  char align = '\0';  // '<', '>', '^', '='; none: by the type of the value
  char sign = '-';    // '-', '+' or ' '
  bool alternate = false;
  bool grouping = false;  // ',' between thousands
  std::int64_t width = 0;
  std::optional<std::int64_t> precision;
  char type = '\0';
};

// Reads "[[fill]align][sign][#][0][width][,][.precision][type]".
base::Result<FormatSpec> parse_format_spec(std::string_view text);

// A non-negative number at the start of `text`, which is moved past it; nothing without one.
base::Result<std::optional<std::int64_t>> read_number(std::string_view& text);

// Appends the value. The types are d, x, X, o, b, e, E, f, F, g, G, %, s; none is the value's own
// form.
base::Status append_formatted(Budget& budget, TextBuilder& out, const Value& value,
                              const FormatSpec& spec);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_FORMAT_SPEC_H_
