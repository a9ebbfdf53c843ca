#include "daemon/supervisor/gpu_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/audit/records/body_schema.h"

namespace daemon_supervisor {
namespace {

using base::Json;
using daemon_health::GpuAction;
using daemon_health::GpuEvent;
using daemon_health::GpuHappening;
using daemon_health::GpuReading;
using daemon_health::GpuSnapshot;
using daemon_health::GpuState;
using daemon_health::NvmlStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Deed = GpuWatch::Deed;

const std::string kBoot(32, 'a');
const std::string kOtherBoot(32, 'b');
constexpr char kUuid[] = "GPU-00000000-0000-0000-0000-000000000001";
constexpr std::int64_t kUnixSeconds = 1'790'000'000;

GpuSnapshot healthy() {
  GpuReading gpu;
  gpu.uuid = kUuid;
  gpu.name = "NVIDIA H100";
  gpu.pci_bus_id = "00000000:01:00.0";
  gpu.temperature_c = 41;
  GpuSnapshot snapshot;
  snapshot.driver_version = "580.65.06";
  snapshot.nvml_version = "13.580.65.06";
  snapshot.round = 1;
  snapshot.gpus = {gpu};
  return snapshot;
}

GpuSnapshot with_xid(std::uint64_t xid) {
  GpuSnapshot snapshot = healthy();
  snapshot.gpus[0].events = {{daemon_health::kEventXid, xid, 3}};
  return snapshot;
}

Json report_of_engine() {
  Json gpus = Json::array();
  gpus.push_back(kUuid);
  return Json::object({{"gpus", std::move(gpus)}});
}

class GpuWatchTest : public testing::Test {
 protected:
  static GpuWatch make(GpuRecords kept = {}, const std::string& boot = kBoot) {
    GpuWatch::Settings settings;
    settings.boot = boot;
    return GpuWatch(std::move(settings), std::move(kept));
  }
  void see(const GpuSnapshot& snapshot) {
    const auto taken = watch_.observe(snapshot.text(), now_, kUnixSeconds);
    ASSERT_TRUE(taken.ok()) << taken.error().message;
  }
  void serve() { watch_.engine_ready(report_of_engine(), now_, kUnixSeconds); }

  std::int64_t now_ = 1'000;
  GpuWatch watch_ = make();
};

TEST_F(GpuWatchTest, AHealthyGpuOrdersNothing) {
  see(healthy());
  serve();
  see(healthy());
  EXPECT_EQ(watch_.take_order().deed, Deed::kNone);
  EXPECT_THAT(watch_.excluded(), IsEmpty());
  EXPECT_EQ(watch_.alarm(), "");
  EXPECT_FALSE(watch_.take_records());
}

TEST_F(GpuWatchTest, AnErrorOfAContextReplacesTheEngineAtOnce) {
  see(healthy());
  serve();
  (void)watch_.take_verdicts();
  see(with_xid(31));
  const auto verdicts = watch_.take_verdicts();
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].verdict.action, GpuAction::kRestartEngine);
  EXPECT_EQ(verdicts[0].name, "NVIDIA H100");
  const auto order = watch_.take_order();
  EXPECT_EQ(order.deed, Deed::kReplaceNow);
  EXPECT_THAT(order.why, HasSubstr(kUuid));
  EXPECT_EQ(watch_.take_order().deed, Deed::kNone) << "an order is given once";
  EXPECT_THAT(watch_.excluded(), IsEmpty());
}

TEST_F(GpuWatchTest, AGpuThatTheEngineDoesNotComputeOnIsNoReasonToReplaceIt) {
  see(healthy());
  watch_.engine_ready(Json::object(), now_, kUnixSeconds);
  see(with_xid(31));
  EXPECT_EQ(watch_.take_verdicts().size(), 1u);
  EXPECT_EQ(watch_.take_order().deed, Deed::kNone);
}

TEST_F(GpuWatchTest, AGpuOffTheBusIsTakenOutOfUseWrittenDownAndTold) {
  see(healthy());
  serve();
  const std::uint64_t before = watch_.excluded_version();
  see(with_xid(79));
  EXPECT_THAT(watch_.excluded(), ElementsAre(kUuid));
  EXPECT_NE(watch_.excluded_version(), before);
  EXPECT_EQ(watch_.take_order().deed, Deed::kReplaceNow);
  EXPECT_THAT(watch_.alarm(), HasSubstr(kUuid));
  const auto records = watch_.take_records();
  ASSERT_TRUE(records);
  ASSERT_EQ(records->gpus.size(), 1u);
  EXPECT_EQ(records->gpus[0].action, GpuAction::kAskReboot);
  EXPECT_EQ(records->gpus[0].since, kUnixSeconds);
  EXPECT_EQ(records->boot, kBoot);
  EXPECT_FALSE(watch_.take_records()) << "once";
  watch_.records_not_written();
  EXPECT_TRUE(watch_.take_records()) << "and again where the disk did not take them";
  EXPECT_THAT(watch_.report(now_).dump(), HasSubstr("\"state\":\"quarantined\""));
}

TEST_F(GpuWatchTest, EveryVerdictIsABodyThatTheAuditLogTakes) {
  see(healthy());
  serve();
  for (const std::uint64_t xid : {13u, 31u, 43u, 48u, 63u, 64u, 79u, 94u, 95u, 119u, 999u}) {
    watch_ = make();
    see(healthy());
    serve();
    (void)watch_.take_verdicts();
    see(with_xid(xid));
    const auto verdicts = watch_.take_verdicts();
    EXPECT_THAT(verdicts, Not(IsEmpty())) << xid;
    for (const ToldVerdict& told : verdicts) {
      const auto fits = daemon_audit::check_body("gpu.verdict", told.body());
      EXPECT_TRUE(fits.ok()) << xid << ": " << (fits.ok() ? "" : fits.error().message);
    }
  }
}

TEST_F(GpuWatchTest, TheSameCauseIsToldOnce) {
  see(healthy());
  serve();
  (void)watch_.take_verdicts();
  std::size_t told = 0;
  for (int i = 0; i < 20; ++i) {
    GpuSnapshot snapshot = healthy();
    snapshot.gpus[0].remap_failed = true;
    now_ += 1'000;
    see(snapshot);
    told += watch_.take_verdicts().size();
  }
  EXPECT_EQ(told, 1u);
}

TEST_F(GpuWatchTest, AQuarantineOutlivesTheServiceButNotTheBoot) {
  see(healthy());
  serve();
  see(with_xid(79));
  const GpuRecords kept = *watch_.take_records();

  GpuWatch same = make(kept);
  EXPECT_THAT(same.excluded(), ElementsAre(kUuid));
  EXPECT_THAT(same.take_verdicts(), IsEmpty());
  EXPECT_THAT(same.report(0).dump(), HasSubstr("xid 79"));

  GpuWatch booted = make(kept, kOtherBoot);
  EXPECT_THAT(booted.excluded(), IsEmpty());
  const auto verdicts = booted.take_verdicts();
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].verdict.to, GpuState::kVerifying);
  EXPECT_TRUE(daemon_audit::check_body("gpu.verdict", verdicts[0].body()).ok());
  ASSERT_TRUE(booted.observe(healthy().text(), 1, kUnixSeconds).ok());
  EXPECT_THAT(booted.report(1).dump(), HasSubstr("\"state\":\"verifying\""));
  booted.engine_ready(report_of_engine(), 2, kUnixSeconds);
  EXPECT_THAT(booted.report(2).dump(), Not(HasSubstr("\"state\":\"verifying\"")));
  const auto records = booted.take_records();
  ASSERT_TRUE(records);
  EXPECT_EQ(records->boot, kOtherBoot);
  EXPECT_THAT(records->gpus, IsEmpty());
}

TEST_F(GpuWatchTest, ACardThatIsToBeReplacedStaysOutUntilAPersonClearsIt) {
  GpuRecords kept{kBoot,
                  {{kUuid, "H100", GpuAction::kCallForRma, "row remap failed", "text", "next", 1}}};
  watch_ = make(kept, kOtherBoot);
  EXPECT_THAT(watch_.excluded(), ElementsAre(kUuid));
  see(healthy());
  EXPECT_THAT(watch_.excluded(), ElementsAre(kUuid)) << "that it looks well is no reason";
  ASSERT_TRUE(watch_.clear(kUuid, now_, kUnixSeconds).ok());
  EXPECT_THAT(watch_.excluded(), IsEmpty());
  EXPECT_EQ(watch_.take_verdicts().size(), 1u);
  EXPECT_THAT(watch_.take_records()->gpus, IsEmpty());
  EXPECT_EQ(watch_.alarm(), "");
}

TEST_F(GpuWatchTest, ClearingWhatNobodyKnowsIsRefused) {
  const auto cleared = watch_.clear("GPU-unknown", now_, kUnixSeconds);
  ASSERT_FALSE(cleared.ok());
  EXPECT_EQ(cleared.error().code, base::ErrorCode::kNotFound);
}

TEST_F(GpuWatchTest, SilenceMakesAGpuSuspect) {
  see(healthy());
  now_ += 60'000;
  watch_.tick(now_, kUnixSeconds);
  const auto verdicts = watch_.take_verdicts();
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].verdict.to, GpuState::kSuspect);
  EXPECT_THAT(watch_.excluded(), IsEmpty()) << "work goes on";
}

TEST_F(GpuWatchTest, AnEngineWhoseDeviceFailedOrdersNoOtherEnd) {
  see(healthy());
  serve();
  (void)watch_.take_verdicts();
  watch_.engine_ended(GpuHappening::kStickyError, now_, kUnixSeconds);
  EXPECT_THAT(watch_.take_verdicts(), Not(IsEmpty()));
  EXPECT_EQ(watch_.take_order().deed, Deed::kNone);
}

TEST_F(GpuWatchTest, AGpuThatOnlyItsEngineKnowsIsJudgedLikeAnyOther) {
  for (int start = 0; start < 4; ++start) {
    EXPECT_THAT(watch_.excluded(), IsEmpty());
    watch_.engine_starts({"GPU-a"}, now_, kUnixSeconds);
    watch_.engine_ended(GpuHappening::kEngineFailed, now_, kUnixSeconds);
  }
  EXPECT_THAT(watch_.excluded(), ElementsAre("GPU-a"));
  EXPECT_TRUE(watch_.out_of_use("GPU-a"));
  for (const ToldVerdict& told : watch_.take_verdicts())
    EXPECT_TRUE(daemon_audit::check_body("gpu.verdict", told.body()).ok());
}

TEST_F(GpuWatchTest, AnEndSpeaksOfTheGpusNamedLast) {
  see(healthy());
  watch_.engine_starts({kUuid}, now_, kUnixSeconds);
  watch_.engine_starts({"GPU-b"}, now_, kUnixSeconds);
  watch_.engine_ended(GpuHappening::kEngineFailed, now_, kUnixSeconds);
  ASSERT_EQ(watch_.take_verdicts().back().verdict.uuid, "GPU-b");
  EXPECT_EQ(watch_.care().gpus().at(kUuid).state, GpuState::kHealthy);
  watch_.engine_ended(GpuHappening::kEngineFailed, now_, kUnixSeconds);
  EXPECT_THAT(watch_.take_verdicts(), IsEmpty()) << "one that named none";
}

TEST_F(GpuWatchTest, AnEngineThatFellBackToTheCpuHasNoGpu) {
  see(healthy());
  watch_.engine_starts({kUuid}, now_, kUnixSeconds);
  watch_.engine_starts({}, now_, kUnixSeconds);
  watch_.engine_ended(GpuHappening::kStickyError, now_, kUnixSeconds);
  EXPECT_THAT(watch_.take_verdicts(), IsEmpty());
}

TEST_F(GpuWatchTest, OneOnTrialSpeaksOfTheGpusItHasAloneAndOrdersNothing) {
  see(healthy());
  serve();
  (void)watch_.take_verdicts();
  for (int start = 0; start < 4; ++start) {
    watch_.candidate_starts({kUuid, "GPU-b"}, now_, kUnixSeconds);
    watch_.candidate_ended({kUuid, "GPU-b"}, GpuHappening::kEngineFailed, now_, kUnixSeconds);
  }
  for (const ToldVerdict& told : watch_.take_verdicts()) EXPECT_EQ(told.verdict.uuid, "GPU-b");
  EXPECT_EQ(watch_.take_order().deed, Deed::kNone);
  EXPECT_THAT(watch_.excluded(), ElementsAre("GPU-b"));
}

TEST_F(GpuWatchTest, WhatDoesNotParseIsABreach) {
  for (const char* text : {"", "[]", "{}", R"({"gpus":7})"}) {
    const auto taken = watch_.observe(text, now_, kUnixSeconds);
    ASSERT_FALSE(taken.ok()) << text;
    EXPECT_EQ(taken.error().code, base::ErrorCode::kInvalidInput);
  }
}

TEST_F(GpuWatchTest, MetricsNameEachGpuAndItsState) {
  see(healthy());
  see(with_xid(43));
  const std::string metrics = watch_.metrics();
  EXPECT_THAT(metrics, HasSubstr("# TYPE redoubt_gpu_state gauge"));
  EXPECT_THAT(metrics, HasSubstr("redoubt_gpu_temperature_celsius{uuid=\"" + std::string(kUuid) +
                                 "\",gpu=\"0\"} 41\n"));
  EXPECT_THAT(metrics, HasSubstr("redoubt_gpu_xid_total{uuid=\"" + std::string(kUuid) +
                                 "\",gpu=\"0\"} 1\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("redoubt_gpu_power"))) << "what is not known is not said";
}

}  // namespace
}  // namespace daemon_supervisor
