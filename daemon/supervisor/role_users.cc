#include "daemon/supervisor/role_users.h"

#include <fmt/format.h>
#include <pwd.h>

#include <charconv>
#include <vector>

namespace daemon_supervisor {
namespace {

constexpr std::size_t kRecordBytesMax = 64 * 1024;

}  // namespace

base::Result<hardening::Identity> find_identity(const std::string& user,
                                                hardening::Identity fallback) {
  hardening::Identity identity = fallback;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
  if (error == std::errc() && end == user.data() + user.size()) {
    identity = {number, number};
  } else {
    std::vector<char> buffer(kRecordBytesMax);
    passwd record{};
    passwd* found = nullptr;
    const int failed = ::getpwnam_r(user.c_str(), &record, buffer.data(), buffer.size(), &found);
    if (failed == 0 && found != nullptr) identity = {record.pw_uid, record.pw_gid};
  }
  if (identity.uid == 0 || identity.gid == 0)
    return base::invalid_input(fmt::format("{}: a role never runs as root", user));
  return identity;
}

}  // namespace daemon_supervisor
