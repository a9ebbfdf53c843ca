#include "hardening/base/canonical_json.h"
