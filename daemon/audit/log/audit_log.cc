#include "daemon/audit/log/audit_log.h"
