// Every number has advice, and what it advises is what NVIDIA's catalogue says, bucket by bucket.
#include "daemon/health/xid_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace daemon_health {
namespace {

using A = GpuAction;
using Xids = std::vector<std::uint64_t>;

// The catalogue's immediate actions, as its readers list them.
const Xids kRestartApp = {8,   11,  13,  25,  31,  32,  39,  40,  41,  60,  68,  69,
                          70,  71,  72,  75,  76,  77,  80,  82,  83,  84,  85,  86,
                          88,  89,  94,  96,  97,  98,  99,  100, 101, 102, 103, 104,
                          105, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 139};
const Xids kIgnore = {14,  37,  38,  43,  44,  63,  66,  67,  92,  93, 106,
                      107, 108, 121, 137, 141, 152, 153, 157, 160, 161};
const Xids kResetGpu = {46, 62, 64, 95, 109, 110, 119, 120, 136, 140, 143, 155, 156, 158};
// Those for which it has no action or a procedure, and what we decided.
const Xids kOthersThatAskForReset = {48,  74,  144, 145, 146, 147, 148,
                                     149, 150, 159, 167, 169, 171, 172};
const Xids kWatched = {45, 154, 162, 163, 164, 165};
const Xids kReboots = {79, 151, 168};

TEST(XidTable, FollowsTheCatalogue) {
  for (const auto xid : kRestartApp) EXPECT_EQ(xid_advice(xid).action, A::kRestartEngine) << xid;
  for (const auto xid : kIgnore) EXPECT_EQ(xid_advice(xid).action, A::kWatch) << xid;
  for (const auto xid : kResetGpu) EXPECT_EQ(xid_advice(xid).action, A::kAskReset) << xid;
  for (const auto xid : kOthersThatAskForReset)
    EXPECT_EQ(xid_advice(xid).action, A::kAskReset) << xid;
  for (const auto xid : kWatched) EXPECT_EQ(xid_advice(xid).action, A::kWatch) << xid;
  for (const auto xid : kReboots) EXPECT_EQ(xid_advice(xid).action, A::kAskReboot) << xid;
}

TEST(XidTable, QuarantinesForEveryNumberThatNoListHas) {
  std::set<std::uint64_t> listed;
  for (const Xids* list :
       {&kRestartApp, &kIgnore, &kResetGpu, &kOthersThatAskForReset, &kWatched, &kReboots}) {
    for (const auto xid : *list)
      EXPECT_TRUE(listed.insert(xid).second) << xid << " is listed twice";
  }
  for (std::uint64_t xid = 0; xid <= 1'000; ++xid) {
    if (!listed.contains(xid)) {
      EXPECT_EQ(xid_advice(xid).action, A::kQuarantine) << xid;
    }
  }
  EXPECT_EQ(xid_advice(~std::uint64_t{0}).action, A::kQuarantine);
}

TEST(XidTable, SaysSomethingAboutEveryNumber) {
  std::set<std::string_view> names;
  for (std::uint64_t xid = 0; xid <= 200; ++xid) {
    const XidAdvice advice = xid_advice(xid);
    EXPECT_EQ(advice.xid, xid);
    EXPECT_GT(advice.what.size(), 10u) << xid;
    EXPECT_THAT(std::string(advice.next_step), testing::EndsWith(".")) << xid;
    EXPECT_FALSE(advice.source.empty()) << xid;
    const bool known = xid >= 1 && xid <= kXidMax;
    EXPECT_EQ(advice.bucket == XidBucket::kUnknown, !known) << xid;
    if (known) {
      EXPECT_TRUE(names.insert(advice.name).second) << advice.name << " twice";
    }
  }
}

// A few, by the names of nverror.h.
TEST(XidTable, KnowsTheNames) {
  EXPECT_EQ(xid_advice(13).name, "ROBUST_CHANNEL_GR_EXCEPTION");
  EXPECT_EQ(xid_advice(31).name, "ROBUST_CHANNEL_FIFO_ERROR_MMU_ERR_FLT");
  EXPECT_EQ(xid_advice(45).name, "ROBUST_CHANNEL_PREEMPTIVE_REMOVAL");
  EXPECT_EQ(xid_advice(48).name, "ROBUST_CHANNEL_GPU_ECC_DBE");
  EXPECT_EQ(xid_advice(60).name, "ROBUST_CHANNEL_SEC2_ERROR");
  EXPECT_EQ(xid_advice(62).name, "PMU_HALT_ERROR");
  EXPECT_EQ(xid_advice(79).name, "ROBUST_CHANNEL_GPU_HAS_FALLEN_OFF_THE_BUS");
  EXPECT_EQ(xid_advice(85).name, "ROBUST_CHANNEL_CE9_ERROR");
  EXPECT_EQ(xid_advice(98).name, "ROBUST_CHANNEL_NVDEC7_ERROR");
  EXPECT_EQ(xid_advice(105).name, "ROBUST_CHANNEL_NVJPG7_ERROR");
  EXPECT_EQ(xid_advice(119).name, "GSP_RPC_TIMEOUT");
  EXPECT_EQ(xid_advice(135).name, "ROBUST_CHANNEL_CE19_ERROR");
  EXPECT_EQ(xid_advice(154).name, "GPU_RECOVERY_ACTION_CHANGED");
}

TEST(XidTable, OrdersActionsByGravity) {
  EXPECT_LT(A::kWatch, A::kRestartEngine);
  EXPECT_LT(A::kDrainAndRestart, A::kQuarantine);
  EXPECT_LT(A::kAskReset, A::kAskReboot);
  EXPECT_FALSE(quarantines(A::kDrainAndRestart));
  EXPECT_TRUE(quarantines(A::kQuarantine) && quarantines(A::kCallForRma));
}

}  // namespace
}  // namespace daemon_health
