#include "runtime/chat_template/chat_template.h"
#include "runtime/engine/engine.h"
