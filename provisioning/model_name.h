// The names models go by.
#ifndef PROVISIONING_MODEL_NAME_H_
#define PROVISIONING_MODEL_NAME_H_

#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

// Letters, digits, '.', '-', '_', at most 128, not beginning with '.': it becomes the id clients
// send.
base::Status check_model_name(std::string_view name);

}  // namespace provisioning

#endif  // PROVISIONING_MODEL_NAME_H_
