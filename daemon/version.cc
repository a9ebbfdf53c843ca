#include "daemon/version.h"

namespace daemon_version {

const char kVersion[] = "0.1.0";

}  // namespace daemon_version
