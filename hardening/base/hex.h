// Lower-case hexadecimal.
#ifndef HARDENING_BASE_HEX_H_
#define HARDENING_BASE_HEX_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

namespace base {

std::string to_hex(std::span<const std::byte> bytes);

// Refuses odd lengths and anything but 0-9 and a-f.
Result<std::vector<std::byte>> from_hex(std::string_view text);

}  // namespace base

#endif  // HARDENING_BASE_HEX_H_
