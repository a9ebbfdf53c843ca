#include "hardening/base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace base {

void check_failed(const char* file, int line, const char* text) {
  char message[512];
  const int length = std::snprintf(message, sizeof message, "%s:%d: CHECK failed: %s\n", file, line, text);
  if (length > 0) {
    const auto bytes = static_cast<std::size_t>(length) < sizeof message ? static_cast<std::size_t>(length)
                                                                         : sizeof message - 1;
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message, bytes);
  }
  std::abort();
}

}  // namespace base
