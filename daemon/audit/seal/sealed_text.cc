#include "daemon/audit/seal/sealed_text.h"
