// JSON Canonicalization Scheme (RFC 8785): one text for one value, so that it can be hashed and
// signed.
//
// Members are sorted by the UTF-16 code units of their names; numbers are written as ECMAScript
// does (Number::toString), so integers beyond 2^53 are refused instead of rounded; strings are
// escaped minimally.
#ifndef HARDENING_BASE_CANONICAL_JSON_H_
#define HARDENING_BASE_CANONICAL_JSON_H_

#include <string>
#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace base {

// kInvalidInput names what has no canonical form: an integer outside ±(2^53 − 1), a number that is
// not finite, text that is not UTF-8, two members of one name. A double is written as ECMAScript
// writes it even where that looks like an integer (3.0 becomes 3).
Result<std::string> canonical_json(const Json& value);

// Parses, and accepts nothing but canonical text.
Result<Json> parse_canonical_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace base

#endif  // HARDENING_BASE_CANONICAL_JSON_H_
