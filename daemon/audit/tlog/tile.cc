#include "daemon/audit/tlog/tile.h"
