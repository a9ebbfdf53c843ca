#include "daemon/audit/tlog/tree.h"
