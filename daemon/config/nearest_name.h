// "Did you mean …": the known name a mistyped one most likely stood for.
#ifndef DAEMON_CONFIG_NEAREST_NAME_H_
#define DAEMON_CONFIG_NEAREST_NAME_H_

#include <optional>
#include <span>
#include <string_view>

namespace daemon_config {

// The candidate with the smallest edit distance (insert, delete, replace, swap neighbours), or
// nothing when even that is more than a third of the name. Names over 64 bytes have none.
std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates);

}  // namespace daemon_config

#endif  // DAEMON_CONFIG_NEAREST_NAME_H_
