#include "daemon/audit/tlog/hash.h"
