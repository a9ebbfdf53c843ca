#include "daemon/supervisor/audit_health.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <vector>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

TEST(AuditHealth, TellsAChangeOfStateAndSinceWhen) {
  AuditHealth health;
  EXPECT_FALSE(health.see({AuditState::kStarting, "the auditor is being started"}, 100));
  EXPECT_FALSE(health.alarm());
  EXPECT_TRUE(health.see({AuditState::kAppending, ""}, 200));
  EXPECT_EQ(health.sentence(), "appending");
  EXPECT_TRUE(health.see({AuditState::kFailing, "no space left on device"}, 1'763'748'309));
  EXPECT_TRUE(health.alarm());
  EXPECT_EQ(health.former(), AuditState::kAppending);
  EXPECT_FALSE(health.see({AuditState::kFailing, "read-only file system"}, 1'763'748'400));
  EXPECT_EQ(health.sentence(),
            "FAILING: read-only file system, refusing work since 2025-11-21T18:05:09Z");
  EXPECT_TRUE(health.see({AuditState::kAppending, ""}, 1'763'748'500));
  EXPECT_FALSE(health.alarm());
}

TEST(DiskLevel, ComesAndGoesWithHysteresis) {
  using Level = DiskLevel::Level;
  DiskLevel level;
  struct Step {
    unsigned percent;
    bool changed;
    Level now;
  };
  const std::vector<Step> steps = {
      {74, false, Level::kNormal},  {75, true, Level::kWarning},  {74, false, Level::kWarning},
      {72, false, Level::kWarning}, {89, false, Level::kWarning}, {90, true, Level::kAlarm},
      {88, false, Level::kAlarm},   {86, true, Level::kWarning},  {90, true, Level::kAlarm},
      {40, true, Level::kNormal},   {100, true, Level::kAlarm},
  };
  for (const Step& step : steps) {
    EXPECT_EQ(level.see({step.percent, 0}), step.changed) << step.percent;
    EXPECT_EQ(level.level(), step.now) << step.percent;
  }
}

TEST(DiskLevel, ReadsAFileSystem) {
  const auto usage =
      disk_usage(base::open_file("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC).value());
  ASSERT_TRUE(usage);
  EXPECT_LE(usage->percent, 100u);
  EXPECT_FALSE(disk_usage(base::Fd()));
}

}  // namespace
}  // namespace daemon_supervisor
