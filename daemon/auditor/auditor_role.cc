#include "daemon/auditor/auditor_role.h"
