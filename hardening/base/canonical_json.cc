#include "hardening/base/canonical_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

#include "hardening/base/utf8.h"

namespace base {
namespace {

constexpr std::int64_t kExactIntegerMax = (std::int64_t{1} << 53) - 1;

// Section 3.2.2.2: seven short escapes, the other control characters as \u00xx, all else as it is.
Status append_string(std::string& out, std::string_view text) {
  if (const auto bad = find_invalid_utf8(text); bad != text.npos) {
    return invalid_input(fmt::format("canonical JSON: a text is not UTF-8 at its byte {}", bad));
  }
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return {};
}

// Section 3.2.2.3, which is ECMAScript's Number::toString for radix 10: `digits` are the shortest
// that read back as the same value, which is 0.DIGITS * 10^point.
std::string place_point(std::string_view digits, int point) {
  constexpr int kPlainDigitsMax = 21, kPlainZerosMax = 6;
  const int count = static_cast<int>(digits.size());
  if (point > 0 && point <= kPlainDigitsMax) {
    std::string text(digits.substr(0, static_cast<std::size_t>(std::min(point, count))));
    if (point >= count) return text.append(static_cast<std::size_t>(point - count), '0');
    return text.append(1, '.').append(digits.substr(static_cast<std::size_t>(point)));
  }
  if (point <= 0 && point > -kPlainZerosMax) {
    return std::string("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  }
  std::string text(digits.substr(0, 1));
  if (count > 1) text.append(1, '.').append(digits.substr(1));
  return text + fmt::format("e{:+}", point - 1);
}

Status append_double(std::string& out, double value) {
  if (!std::isfinite(value)) return invalid_input("canonical JSON: a number is not finite");
  if (value == 0) {
    out += '0';  // and so is -0
    return {};
  }
  char text[40];
  const auto end =
      std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific).ptr;
  const std::string_view shortest(text, static_cast<std::size_t>(end - text));
  const auto e = shortest.find('e');
  std::string digits(shortest.substr(0, e));
  if (digits.size() > 1) digits.erase(1, 1);  // the point
  const char* exponent_text = text + e + 1;
  if (*exponent_text == '+') ++exponent_text;
  int exponent = 0;
  std::from_chars(exponent_text, end, exponent);
  if (value < 0) out += '-';
  out += place_point(digits, exponent + 1);
  return {};
}

// Section 3.2.3: names are ordered by UTF-16 units, in which a character beyond U+FFFF begins with
// a surrogate and so comes before U+E000. Both are UTF-8.
char32_t first_unit(char32_t code_point) {
  return code_point < 0x10000 ? code_point : 0xD800 + ((code_point - 0x10000) >> 10);
}

bool name_before(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const Utf8Char x = decode_utf8(a), y = decode_utf8(b);
    if (x.code_point != y.code_point) {
      const char32_t unit_x = first_unit(x.code_point), unit_y = first_unit(y.code_point);
      return unit_x != unit_y ? unit_x < unit_y : x.code_point < y.code_point;
    }
    a.remove_prefix(x.bytes);
    b.remove_prefix(y.bytes);
  }
  return a.empty() && !b.empty();
}

Status append_value(std::string& out, const Json& value);

Status append_object(std::string& out, const Json::Object& object) {
  std::vector<const Json::Member*> members;
  members.reserve(object.size());
  for (const Json::Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const Json::Member* a, const Json::Member* b) {
    return name_before(a->first, b->first);
  });
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0 && members[i]->first == members[i - 1]->first) {
      return invalid_input("canonical JSON: an object names a member twice");
    }
    if (i > 0) out += ',';
    TRY(append_string(out, members[i]->first));
    out += ':';
    TRY(append_value(out, members[i]->second));
  }
  out += '}';
  return {};
}

Status append_array(std::string& out, const Json::Array& array) {
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i > 0) out += ',';
    TRY(append_value(out, array[i]));
  }
  out += ']';
  return {};
}

Status append_value(std::string& out, const Json& value) {
  if (value.is_object()) return append_object(out, value.as_object());
  if (value.is_array()) return append_array(out, value.as_array());
  if (value.is_string()) return append_string(out, value.as_string());
  if (value.is_double()) return append_double(out, value.as_double());
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_int() && value.as_int() <= kExactIntegerMax &&
             value.as_int() >= -kExactIntegerMax) {
    out += fmt::format_int(value.as_int()).c_str();
  } else {
    return invalid_input("canonical JSON: an integer is outside 2^53 - 1");
  }
  return {};
}

}  // namespace

Result<std::string> canonical_json(const Json& value) {
  std::string out;
  TRY(append_value(out, value));
  return out;
}

Result<Json> parse_canonical_json(std::string_view text, const JsonLimits& limits) {
  Json value = TRY(Json::parse(text, limits));
  const std::string canonical = TRY(canonical_json(value));
  if (canonical != text) {
    const auto differs =
        std::mismatch(canonical.begin(), canonical.end(), text.begin(), text.end());
    return invalid_input(fmt::format("not canonical JSON (RFC 8785), first at byte {}",
                                     differs.second - text.begin()));
  }
  return value;
}

}  // namespace base
