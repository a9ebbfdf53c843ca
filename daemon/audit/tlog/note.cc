#include "daemon/audit/tlog/note.h"
