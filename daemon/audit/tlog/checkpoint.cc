#include "daemon/audit/tlog/checkpoint.h"
