#include "daemon/auditor/auditor_config.h"
