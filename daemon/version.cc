#include "daemon/version.h"

namespace daemon_version {

const char kVersion[] = "0.1.0";
const std::int64_t kReleasedAt = 1'793'491'200;  // 2026-11-01T00:00:00Z

}  // namespace daemon_version
