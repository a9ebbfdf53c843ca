#include "runtime/chat_template/budget.h"

#include <fmt/format.h>

namespace runtime::chat_template {

base::Status Budget::step(std::uint64_t count) {
  if (count > steps_left_) {
    steps_left_ = 0;
    return base::exhausted(fmt::format("the template takes more than {} steps", limits_.steps_max));
  }
  steps_left_ -= count;
  return {};
}

base::Status Budget::touch(std::size_t bytes) {
  bytes_owed_ += bytes % kBytesPerStep;
  std::uint64_t steps = bytes / kBytesPerStep + bytes_owed_ / kBytesPerStep;
  bytes_owed_ %= kBytesPerStep;
  return step(steps);
}

base::Status Budget::check_string(std::size_t bytes) const {
  if (bytes > limits_.string_bytes_max) {
    return base::exhausted(fmt::format("a string of more than {} bytes", limits_.string_bytes_max));
  }
  return {};
}

base::Status Budget::take(Charge& charge, std::size_t count) {
  if (count > limits_.values_max - values_alive_) {
    return base::exhausted(
        fmt::format("more than {} list items and dictionary entries", limits_.values_max));
  }
  values_alive_ += count;
  charge.alive_ = &values_alive_;
  charge.count_ += count;
  return {};
}

}  // namespace runtime::chat_template
