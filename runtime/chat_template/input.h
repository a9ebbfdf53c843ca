// The variables of a rendering, from JSON.
#ifndef RUNTIME_CHAT_TEMPLATE_INPUT_H_
#define RUNTIME_CHAT_TEMPLATE_INPUT_H_

#include <string_view>

#include "hardening/base/json.h"
#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

// Whether a variable of this name comes from the model's own files and not from a request:
// bos_token, eos_token and the like. Only these are never marked as input.
bool is_trusted_variable(std::string_view name);

// Appends the members of `object` to `variables`. Every string in them, keys included, is marked as
// input unless its variable is trusted. A member "role" that names one of the four roles of a chat
// is not marked either.
base::Status read_variables(Budget& budget, const base::Json& object, Dict& variables);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_INPUT_H_
