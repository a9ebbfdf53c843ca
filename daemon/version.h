// The release this binary is.
#ifndef DAEMON_VERSION_H_
#define DAEMON_VERSION_H_

#include <cstdint>

namespace daemon_version {

extern const char kVersion[];  // "0.1.0"
// The beginning of the month it was released in, unix seconds: a clock that says less is wrong.
extern const std::int64_t kReleasedAt;

}  // namespace daemon_version

#endif  // DAEMON_VERSION_H_
