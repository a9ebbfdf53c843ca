// Sizes as people type them.
#ifndef DAEMON_CLI_BYTE_SIZE_H_
#define DAEMON_CLI_BYTE_SIZE_H_

#include <cstdint>
#include <string_view>

#include "hardening/base/result.h"

namespace daemon_cli {

// "4096", "32GiB", "32 GiB": a whole number with KiB, MiB, GiB or TiB, or with kB, MB, GB or TB
// (powers of 1000, as media are sold). kInvalidInput for anything else and beyond 2^63.
base::Result<std::uint64_t> parse_byte_size(std::string_view text);

}  // namespace daemon_cli

#endif  // DAEMON_CLI_BYTE_SIZE_H_
