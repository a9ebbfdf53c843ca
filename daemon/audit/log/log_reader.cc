#include "daemon/audit/log/log_reader.h"
