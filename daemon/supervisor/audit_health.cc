#include "daemon/supervisor/audit_health.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "provisioning/utc_time.h"

namespace daemon_supervisor {
namespace {

constexpr unsigned kWarningPercent = 75;
constexpr unsigned kAlarmPercent = 90;
constexpr unsigned kBackPercent = 3;  // so far below, so that it is not told all the time

}  // namespace

std::string_view audit_state_name(AuditState state) {
  constexpr std::string_view kNames[] = {"starting", "appending", "silent", "failing", "down"};
  return kNames[static_cast<std::size_t>(state)];
}

bool AuditHealth::see(Seen seen, std::int64_t unix_seconds) {
  const bool changed = seen.state != seen_.state;
  if (changed) {
    former_ = seen_.state;
    since_ = unix_seconds;
  }
  seen_ = std::move(seen);
  return changed;
}

std::string AuditHealth::sentence() const {
  std::string name(audit_state_name(seen_.state));
  if (!alarm()) return name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return fmt::format("{}: {}, refusing work since {}", name, seen_.text,
                     provisioning::format_utc_time(since_));
}

bool DiskLevel::see(const Usage& usage) {
  const auto above = [&](unsigned percent, Level reached) {
    return usage.percent >= (level_ >= reached ? percent - kBackPercent : percent);
  };
  const Level now = above(kAlarmPercent, Level::kAlarm)       ? Level::kAlarm
                    : above(kWarningPercent, Level::kWarning) ? Level::kWarning
                                                              : Level::kNormal;
  return std::exchange(level_, now) != now;
}

std::optional<DiskLevel::Usage> disk_usage(const base::Fd& directory) {
  struct statvfs info {};
  if (!directory.is_open() || ::fstatvfs(directory.get(), &info) != 0) return std::nullopt;
  const std::uint64_t used = info.f_blocks - info.f_bfree;
  const std::uint64_t usable = used + info.f_bavail;
  const std::uint64_t free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (usable == 0) return DiskLevel::Usage{0, free_bytes};
  const double percent = 100.0 * static_cast<double>(used) / static_cast<double>(usable);
  return DiskLevel::Usage{static_cast<unsigned>(percent + 0.999), free_bytes};
}

}  // namespace daemon_supervisor
