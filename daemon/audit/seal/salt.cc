#include "daemon/audit/seal/salt.h"
