#include "provisioning/model_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "provisioning/limits.h"

namespace provisioning {

base::Status check_model_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  if (name.empty() || name.size() > kModelNameBytesMax || name[0] == '.' ||
      !std::all_of(name.begin(), name.end(), allowed)) {
    return base::invalid_input(fmt::format(
        "a model name has 1 to {} letters, digits, '.', '-' or '_' and does not begin with '.'",
        kModelNameBytesMax));
  }
  return {};
}

}  // namespace provisioning
