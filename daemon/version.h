// The release this binary is.
#ifndef DAEMON_VERSION_H_
#define DAEMON_VERSION_H_

namespace daemon_version {

extern const char kVersion[];  // "0.1.0"

}  // namespace daemon_version

#endif  // DAEMON_VERSION_H_
