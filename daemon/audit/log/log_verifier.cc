#include "daemon/audit/log/log_verifier.h"
