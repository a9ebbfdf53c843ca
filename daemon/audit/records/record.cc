#include "daemon/audit/records/record.h"
