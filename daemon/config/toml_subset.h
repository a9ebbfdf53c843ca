// A gate in front of the TOML parser: the part of the language that a configuration needs, in which
// the parser is sound.
#ifndef DAEMON_CONFIG_TOML_SUBSET_H_
#define DAEMON_CONFIG_TOML_SUBSET_H_

#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_config {

// The same text, line by line, without its comments: pure ASCII. toml++ 3.3 reaches points declared
// unreachable when it looks for white space among other characters (found by fuzzing), so comments
// may be in any language, and texts write such characters as escapes ("\u00FC").
//
// kInvalidInput with "file:line: …" for text that is not UTF-8, control characters, texts over
// several lines, and characters beyond ASCII outside of comments.
base::Result<std::string> reduce_toml(std::string_view text, std::string_view file);

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_TOML_SUBSET_H_
