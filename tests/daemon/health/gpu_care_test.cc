// The state machine: every state, every XID, every happening, and what may not happen twice.
#include "daemon/health/gpu_care.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "daemon/health/care_table.h"
#include "daemon/health/xid_table.h"
#include "tests/daemon/health/gpu_care_fixture.h"

namespace daemon_health {
namespace {

constexpr S kStates[] = {S::kHealthy,   S::kSuspect,   S::kDraining,
                         S::kResetting, S::kVerifying, S::kQuarantined};

// What becomes of a state for an action, told apart from the code: rows as in kStates.
S expected(S from, A action) {
  if (quarantines(action) || from == S::kQuarantined) return S::kQuarantined;
  if (action == A::kWatch) return from == S::kHealthy ? S::kSuspect : from;
  return S::kResetting;  // kRestartEngine
}

TEST(GpuCare, DecidesEveryXidInEveryState) {
  for (const S from : kStates) {
    for (std::uint64_t xid = 0; xid <= 180; ++xid) {
      Care care;
      care.reach(from);
      const auto verdicts = care.xids({xid});
      const A action = xid_advice(xid).action;
      EXPECT_EQ(care.state(), expected(from, action)) << gpu_state_name(from) << " xid " << xid;
      if (from == S::kQuarantined) {
        EXPECT_EQ(verdicts.size(), action > A::kQuarantine ? 1u : 0u)
            << "graver alone is told: xid " << xid;
      } else if (from == S::kResetting && action == A::kRestartEngine) {
        EXPECT_TRUE(verdicts.empty()) << "it is being replaced already";
      } else if (!(from == S::kSuspect && xid == 43)) {
        ASSERT_EQ(verdicts.size(), 1u) << gpu_state_name(from) << " xid " << xid;
        EXPECT_EQ(verdicts[0].cause, fmt::format("xid {}", xid));
        EXPECT_EQ(verdicts[0].action, action);
        EXPECT_THAT(verdicts[0].text, testing::HasSubstr(fmt::format("(XID {})", xid)));
      }
    }
  }
}

TEST(GpuCare, DecidesEveryStatusAndRecovery) {
  for (int i = 0; i <= static_cast<int>(NvmlStatus::kNoDriver); ++i) {
    Care care;
    care.reach(S::kHealthy);
    GpuReading reading = well();
    reading.status = static_cast<NvmlStatus>(i);
    const auto verdicts = care.see(reading);
    const Advice& advice = status_advice(reading.status);
    ASSERT_EQ(verdicts.size(), advice.action == A::kNone ? 0u : 1u) << i;
    if (!verdicts.empty()) {
      EXPECT_EQ(verdicts[0].cause, advice.cause);
    }
    EXPECT_TRUE(care.see(reading).empty()) << "told once";
  }
  for (const int i : {0, 1, 2, 3, 4, 5, 6, 7, 255}) {
    Care care;
    care.reach(S::kHealthy);
    GpuReading reading = well();
    reading.recovery = static_cast<RecoveryAction>(i);
    const auto verdicts = care.see(reading);
    ASSERT_EQ(verdicts.size(), i == 0 ? 0u : 1u) << i;
    if (i != 0) {
      EXPECT_EQ(verdicts[0].cause,
                fmt::format("recovery {}", recovery_action_name(*reading.recovery)));
    }
    EXPECT_TRUE(care.see(reading).empty()) << "told once";
  }
}

TEST(GpuCare, TakesNvmlBeforeTheDriverBeforeXidsBeforeCounters) {
  GpuReading reading = well();
  reading.ecc_uncorrected_volatile = 5;
  const auto first_cause = [&] {
    Care care;
    care.reach(S::kHealthy);
    const auto verdicts = care.see(reading);
    return verdicts.empty() ? std::string() : verdicts[0].cause;
  };
  EXPECT_EQ(first_cause(), "uncorrected errors");
  reading.events = {xid_event(119)};
  EXPECT_EQ(first_cause(), "xid 119");
  reading.recovery = RecoveryAction::kGpuReset;
  EXPECT_EQ(first_cause(), "recovery gpu_reset");
  reading.status = NvmlStatus::kResetRequired;
  EXPECT_EQ(first_cause(), "nvml reset_required");
  reading.status = NvmlStatus::kTimeout;
  EXPECT_EQ(first_cause(), "recovery gpu_reset")
      << "what takes it out of use decides over what starts an engine anew";
}

TEST(GpuCare, TellsSomethingGraverBesideTheFirst) {
  Care care;
  care.reach(S::kHealthy);
  GpuReading reading = well();
  reading.recovery = RecoveryAction::kGpuReset;
  reading.events = {xid_event(79)};
  const auto verdicts = care.see(reading);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[1].action, A::kAskReboot);
  EXPECT_EQ(verdicts[1].from, S::kQuarantined);
}

// ---- bursts

TEST(GpuCare, TakesTheGravestOfABurst) {
  Care care;
  care.reach(S::kHealthy);
  const auto verdicts = care.xids({45, 31, 79, 119, 13});
  ASSERT_EQ(verdicts.size(), 2u) << "what is to be watched, and what decides";
  EXPECT_EQ(verdicts[0].cause, "xid 45");
  EXPECT_EQ(verdicts[1].cause, "xid 79");
  EXPECT_EQ(verdicts[1].action, A::kAskReboot);
}

TEST(GpuCare, RestartsForContainedErrorsAlone) {
  Care care;
  care.reach(S::kHealthy);
  GpuReading reading = well();
  reading.events = {xid_event(48), xid_event(171), xid_event(94), xid_event(63)};
  reading.ecc_uncorrected_volatile = 1;
  reading.remap_pending = true;
  (void)care.see(reading);
  EXPECT_EQ(care.state(), S::kResetting);
  reading.events.clear();
  EXPECT_TRUE(care.see(reading).empty()) << "the counter counts what was contained";
  (void)care.happened(H::kEngineVerified);
  EXPECT_EQ(care.state(), S::kSuspect) << "a row waits for its spare";
  (void)care.pass(300'000, reading);
  EXPECT_EQ(care.state(), S::kSuspect);
  reading.ecc_uncorrected_volatile = 2;
  (void)care.see(reading);
  EXPECT_EQ(care.state(), S::kQuarantined) << "the next one was not";
}

TEST(GpuCare, ResetsForErrorsThatAreNotContained) {
  const std::pair<std::vector<std::uint64_t>, std::string> kBursts[] = {{{48}, "xid 48"},
                                                                        {{171}, "xid 171"},
                                                                        {{172}, "xid 172"},
                                                                        {{94, 95}, "xid 95"},
                                                                        {{48, 94, 95}, "xid 48"}};
  for (const auto& [burst, cause] : kBursts) {
    Care care;
    care.reach(S::kHealthy);
    (void)care.xids(burst);
    EXPECT_EQ(care.state(), S::kQuarantined) << cause;
    EXPECT_EQ(care.status().verdict.action, A::kAskReset);
    EXPECT_EQ(care.status().verdict.cause, cause) << "of equals the first";
  }
}

TEST(GpuCare, DecidesOnThreeMinutesAsASet) {
  Care care;
  care.reach(S::kHealthy);
  (void)care.xids({94});
  (void)care.happened(H::kEngineVerified);
  EXPECT_EQ(care.state(), S::kHealthy);
  (void)care.pass(170'000);
  (void)care.xids({48});
  EXPECT_EQ(care.state(), S::kResetting) << "94 still stands beside it";
  (void)care.happened(H::kEngineVerified);
  (void)care.pass(182'000);
  (void)care.xids({48});
  EXPECT_EQ(care.state(), S::kQuarantined) << "after three minutes of silence it stands alone";
}

TEST(GpuCare, TellsWatchedXidsOncePerBurst) {
  Care care;
  care.reach(S::kHealthy);
  EXPECT_EQ(care.xids({43}).size(), 1u);
  EXPECT_EQ(care.xids({43, 43}).size(), 0u);
  (void)care.pass(181'000);
  EXPECT_EQ(care.xids({43}).size(), 1u);
}

TEST(GpuCare, TakesOtherEventsForWhatTheyAmountTo) {
  const std::pair<std::uint64_t, std::string> kEvents[] = {
      {0x2, "xid 48"},     {0x200, "xid 92"},
      {0x400, "xid 63"},   {0x800, "xid 64"},
      {0x1000, "xid 94"},  {0x2000, "xid 95"},
      {0x8000, "xid 154"}, {0x4000, "event gpu_unavailable"}};
  for (const auto& [type, cause] : kEvents) {
    Care care;
    care.reach(S::kHealthy);
    GpuReading reading = well();
    reading.events = {{type, 0, 0}};
    const auto verdicts = care.see(reading);
    ASSERT_EQ(verdicts.size(), 1u) << cause;
    EXPECT_EQ(verdicts[0].cause, cause);
  }
  Care care;
  care.reach(S::kHealthy);
  GpuReading reading = well();
  reading.events = {{0x1, 0, 0}, {0x4, 0, 0}, {0x10, 0, 0}, {0x80, 0, 0}};
  EXPECT_TRUE(care.see(reading).empty()) << "clocks, power states and single corrected errors";
}

// ---- the way back

TEST(GpuCare, ComesBackOnlyByVerification) {
  Care care;
  care.reach(S::kResetting);
  (void)care.pass(30'000);
  EXPECT_EQ(care.state(), S::kResetting);
  EXPECT_FALSE(care.care().usable("GPU-a"));
  (void)care.pass(31'000);
  EXPECT_EQ(care.state(), S::kVerifying) << "what held it has had its time";
  EXPECT_TRUE(care.care().usable("GPU-a"));
  (void)care.pass(3'600'000);
  EXPECT_EQ(care.state(), S::kVerifying) << "time alone proves nothing";
  (void)care.happened(H::kEngineStarted);
  EXPECT_EQ(care.state(), S::kVerifying);
  (void)care.happened(H::kEngineVerified);
  EXPECT_EQ(care.state(), S::kHealthy);
}

TEST(GpuCare, DrainsBeforeItRestartsWhereTheContextIsWell) {
  Care care;
  care.reach(S::kHealthy);
  care.drain();
  EXPECT_EQ(care.state(), S::kDraining);
  EXPECT_EQ(care.status().verdict.action, A::kDrainAndRestart);
  const auto verdicts = care.happened(H::kDrained);
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].action, A::kRestartEngine);
  EXPECT_EQ(care.state(), S::kResetting);
}

TEST(GpuCare, EndsADrainThatTakesTooLong) {
  Care care;
  care.reach(S::kDraining);
  (void)care.pass(299'000);
  EXPECT_EQ(care.state(), S::kDraining);
  const auto verdicts = care.pass(2'000);
  ASSERT_FALSE(verdicts.empty());
  EXPECT_EQ(verdicts[0].cause, "not drained");
  EXPECT_EQ(verdicts[0].action, A::kRestartEngine);
}

TEST(GpuCare, SeesByTheProcessesThatTheGpuIsFree) {
  Care care;
  (void)care.see(well());
  GpuReading reading = well();
  reading.processes = {4711};
  (void)care.see(reading);
  (void)care.happened(H::kEngineHung);
  EXPECT_TRUE(care.see(reading).empty());
  reading.processes = {4712};
  const auto verdicts = care.see(reading);
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].cause, "released");
  EXPECT_EQ(care.state(), S::kVerifying);
}

TEST(GpuCare, AsksForAResetWhereADeadEngineHoldsTheGpu) {
  Care care;
  (void)care.see(well());
  (void)care.happened(H::kEngineStarted);
  GpuReading reading = well();
  reading.processes = {4711};
  (void)care.see(reading);
  (void)care.happened(H::kEngineHung);
  (void)care.pass(59'000, reading);
  EXPECT_EQ(care.state(), S::kResetting);
  (void)care.pass(2'000, reading);
  EXPECT_EQ(care.state(), S::kQuarantined);
  EXPECT_EQ(care.status().verdict.cause, "not released");
}

TEST(GpuCare, LetsAGpuOfOthersGoOn) {
  Care care;  // no engine of ours was ever on it
  GpuReading reading = well();
  reading.processes = {4711};
  (void)care.see(reading);
  reading.events = {xid_event(31)};
  (void)care.see(reading);
  reading.events.clear();
  (void)care.pass(61'000, reading);
  EXPECT_EQ(care.state(), S::kVerifying);
}

TEST(GpuCare, GetsWellByItselfAfterSomethingToWatch) {
  Care care;
  care.reach(S::kSuspect);
  (void)care.pass(599'000);
  EXPECT_EQ(care.state(), S::kSuspect);
  EXPECT_TRUE(care.care().usable("GPU-a"));
  const auto verdicts = care.pass(3'000);
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].to, S::kHealthy);
}

TEST(GpuCare, StaysSuspectWhileSomethingStands) {
  Care care;
  care.reach(S::kHealthy);
  GpuReading reading = well();
  reading.remap_pending = true;
  EXPECT_EQ(care.pass(3'600'000, reading).size(), 1u) << "told once in an hour";
  EXPECT_EQ(care.state(), S::kSuspect);
}

// ---- people

TEST(GpuCare, IsClearedByAPersonAndSpeaksAgainIfNothingWasRepaired) {
  Care care;
  care.reach(S::kHealthy);
  GpuReading reading = well();
  reading.remap_failed = true;
  (void)care.see(reading);
  EXPECT_EQ(care.state(), S::kQuarantined);
  EXPECT_TRUE(care.happened(H::kEngineVerified).empty()) << "an engine has no business there";
  EXPECT_EQ(care.pass(60'000, reading).size(), 0u);
  (void)care.happened(H::kOperatorCleared);
  EXPECT_EQ(care.state(), S::kVerifying);
  (void)care.see(reading);
  EXPECT_EQ(care.state(), S::kQuarantined);
  (void)care.happened(H::kOperatorCleared);
  (void)care.see(well());
  (void)care.happened(H::kEngineVerified);
  EXPECT_EQ(care.state(), S::kHealthy);
}

TEST(GpuCare, HasNothingToClearElsewhere) {
  for (const S state : {S::kHealthy, S::kSuspect, S::kDraining, S::kResetting, S::kVerifying}) {
    Care care;
    care.reach(state);
    EXPECT_TRUE(care.happened(H::kOperatorCleared).empty());
  }
}

// ---- who is there

TEST(GpuCare, TakesAVanishedGpuForLostUntilItIsCleared) {
  Care care;
  GpuSnapshot both = snapshot_of({well("GPU-a"), well("GPU-b")});
  (void)care.see(both);
  const auto verdicts = care.see(well("GPU-b"));
  ASSERT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(verdicts[0].uuid, "GPU-a");
  EXPECT_EQ(verdicts[0].cause, "gpu gone");
  EXPECT_EQ(verdicts[0].action, A::kAskReboot);
  EXPECT_TRUE(care.see(well("GPU-b")).empty());
  EXPECT_TRUE(care.see(both).empty()) << "it comes back, and is not trusted";
  EXPECT_EQ(care.state(), S::kQuarantined);
  (void)care.happened(H::kOperatorCleared);
  EXPECT_TRUE(care.see(both).empty());
  EXPECT_EQ(care.state(), S::kVerifying);
}

TEST(GpuCare, TakesATroubledDriverForEveryGpu) {
  Care care;
  (void)care.see(snapshot_of({well("GPU-a"), well("GPU-b")}));
  GpuSnapshot troubled;
  troubled.status = NvmlStatus::kError;
  EXPECT_EQ(care.see(troubled).size(), 2u);
  EXPECT_EQ(care.state(), S::kSuspect) << "nothing is lost by an answer that could not be had";
  EXPECT_TRUE(care.see(troubled).empty());
  troubled.status = NvmlStatus::kGpuIsLost;
  EXPECT_EQ(care.see(troubled).size(), 2u);
  EXPECT_EQ(care.state(), S::kQuarantined);
}

TEST(GpuCare, KnowsSixteenGpusForGood) {
  Care care;
  for (int i = 0; i < 40; ++i) {
    GpuReading reading = well(fmt::format("GPU-{}", i));
    reading.events = {xid_event(79)};
    (void)care.see(reading);
  }
  EXPECT_EQ(care.care().gpus().size(), kGpusMax);
  EXPECT_TRUE(care.care().usable("GPU-39"));
  EXPECT_TRUE(care.care().happened("GPU-39", H::kEngineHung, care.now()).empty());
}

TEST(GpuCare, HearsOfAGpuFromItsEngineAlone) {
  Care care;
  EXPECT_EQ(care.happened(H::kStickyError).size(), 1u);
  EXPECT_EQ(care.state(), S::kResetting);
  EXPECT_TRUE(care.see(GpuSnapshot{}).empty()) << "what was never seen has not vanished";
  EXPECT_TRUE(care.care().happened("", H::kEngineHung, care.now()).empty());
  EXPECT_TRUE(care.care().happened(std::string(97, 'x'), H::kEngineHung, care.now()).empty());
}

TEST(GpuCare, SuspectsEveryGpuWhenTheHealthRoleIsSilent) {
  Care care;
  (void)care.see(snapshot_of({well("GPU-a"), well("GPU-b")}));
  EXPECT_EQ(care.care().next_deadline(), care.now() + 10'000);
  EXPECT_TRUE(care.tick(9'999).empty());
  EXPECT_EQ(care.tick(1).size(), 2u);
  EXPECT_EQ(care.state(), S::kSuspect);
  EXPECT_EQ(care.status().verdict.cause, "health silent");
  EXPECT_TRUE(care.tick(100'000).empty()) << "told once";
  EXPECT_TRUE(care.see(snapshot_of({well("GPU-a"), well("GPU-b")})).empty());
  EXPECT_EQ(care.tick(10'000).size(), 2u) << "silent again";
}

TEST(GpuCare, SaysNothingOfAMachineWithoutGpus) {
  Care care;
  GpuSnapshot none;
  none.status = NvmlStatus::kNoDriver;
  none.error = "libnvidia-ml.so.1: not found";
  EXPECT_TRUE(care.see(none).empty());
  EXPECT_TRUE(care.tick(1'000'000).empty());
  EXPECT_EQ(care.care().next_deadline(), std::nullopt);
  EXPECT_TRUE(care.care().usable("GPU-a"));
}

TEST(GpuCare, UsesAGpuInThreeStates) {
  for (const S state : kStates) {
    Care care;
    care.reach(state);
    const bool used = state == S::kHealthy || state == S::kSuspect || state == S::kVerifying;
    EXPECT_EQ(care.care().usable("GPU-a"), used) << gpu_state_name(state);
  }
}

TEST(GpuCare, NamesStatesAndActions) {
  EXPECT_EQ(gpu_state_name(S::kQuarantined), "quarantined");
  EXPECT_EQ(gpu_action_name(A::kRestartEngine), "restart_engine");
  EXPECT_EQ(gpu_action_name(A::kCallForRma), "call_for_rma");
}

}  // namespace
}  // namespace daemon_health
