// Regular expressions of evaluation sets: PCRE2, interpreted, within fixed bounds of steps, depth
// and memory.
//
// Patterns are not kept compiled: a set may have 100,000 of them, and each may take 64 KiB.
#ifndef DAEMON_ENGINE_PATTERN_H_
#define DAEMON_ENGINE_PATTERN_H_

#include <cstddef>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_engine {

inline constexpr std::size_t kPatternBytesMax = 4'096;

// kInvalidInput says where a pattern stops being one.
base::Status check_pattern(std::string_view pattern);

// Whether it matches anywhere in `subject`, which is UTF-8. kExhausted when that takes more than is
// allowed.
base::Result<bool> find_pattern(std::string_view pattern, std::string_view subject);

}  // namespace daemon_engine

#endif  // DAEMON_ENGINE_PATTERN_H_
