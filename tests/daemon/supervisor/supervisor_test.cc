// The roles' lives: start, restart, reload, weights, quarantine, the end, systemd.
#include "daemon/supervisor/supervisor.h"

#include <gmock/gmock.h>

#include "tests/daemon/supervisor/supervisor_fixture.h"

namespace daemon_supervisor {
namespace {

using testing::HasSubstr;

TEST_F(SupervisorTest, StartsAllRolesAndTellsSystemd) {
  start({});
  const base::Json status = wait_until_ready();
  for (const char* name : {"auditor", "gateway", "engine"}) {
    EXPECT_EQ(text_of(role(status, name), "state"), "ready");
    EXPECT_EQ(number_of(role(status, name), "restarts"), 0);
  }
  wait_until([this](const base::Json&) {
    return systemd_.heard().find("STATUS=serving model a on nowhere\n") != std::string::npos;
  });
  EXPECT_THAT(systemd_.heard(), HasSubstr("READY=1\n"));
  EXPECT_THAT(systemd_.heard(), HasSubstr("EXTEND_TIMEOUT_USEC="));
}

TEST_F(SupervisorTest, GivesARoleTheDescriptorsOfTheProtocolAndNoEnvironment) {
  start({});
  const base::Json status = wait_until_ready();
  const base::Json gateway = role(status, "gateway");
  const base::Json* report = gateway.find("report");
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->find("environment")->as_int(), 0);
  // 4 was read and closed by the role before it looked.
  EXPECT_EQ(report->find("descriptors")->dump(), "[0,1,2,3,5]");
}

TEST_F(SupervisorTest, IntroducesGatewayAndEngineToEachOther) {
  start({});
  wait_until([&](const base::Json& s) {
    return stat_of(s, "gateway", "peers") == 1 && stat_of(s, "engine", "peers") == 1;
  });
}

// Fifty times a second it is asked to, and does so once a second.
TEST_F(SupervisorTest, IntroducesRolesAnewWhenOneLostItsPeerButNotAllTheTime) {
  for (const bool gateway : {true, false}) {
    const auto begun = std::chrono::steady_clock::now();
    gateway ? start({.gateway = "forlorn"}) : start({.engine = "forlorn"});
    const base::Json status = wait_until([&](const base::Json& s) {
      return stat_of(s, "gateway", "peers") == 2 && stat_of(s, "engine", "peers") == 2;
    });
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
    for (const char* name : {"auditor", "gateway", "engine"})
      EXPECT_EQ(number_of(role(status, name), "restarts"), 0);
    EXPECT_EQ(end_with(SIGTERM), 0);
  }
}

TEST_F(SupervisorTest, RestartsARoleThatCrashed) {
  start({.engine = "once\n" + directory_.path() + "/memory"});
  const base::Json status = wait_until([](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "engine"), "restarts") == 1;
  });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("crashed by SIGABRT"));
  EXPECT_EQ(number_of(role(status, "gateway"), "restarts"), 0);
  EXPECT_EQ(child_count(), 3u);  // and no zombie among them
}

TEST_F(SupervisorTest, ARoleThatIsKilledFromOutsideComesBack) {
  start({});
  const base::Json before = wait_until_ready();
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "gateway"), "pid") != pid;
  });
  EXPECT_THAT(text_of(role(after, "gateway"), "last_exit"), HasSubstr("killed by SIGKILL"));
  EXPECT_EQ(number_of(role(after, "engine"), "restarts"), 0);
}

TEST_F(SupervisorTest, NamesSeccompWhenItWasSeccomp) {
  start({.engine = "sigsys"});
  wait_for_exit_text("engine", "killed by SIGSYS (seccomp)");
}

TEST_F(SupervisorTest, BacksOffAndRaisesAnAlarmWhenARoleKeepsFailing) {
  start({.engine = "die"});
  const base::Json status =
      wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("exited with status 7"));
  EXPECT_EQ(text_of(role(status, "gateway"), "state"), "ready");
  wait_until([this](const base::Json&) {
    return systemd_.heard().find("STATUS=ALARM: engine degraded") != std::string::npos;
  });
  // The start is over: a gateway that says what is wrong is all there will be.
  EXPECT_THAT(systemd_.heard(), HasSubstr("READY=1"));
  wait_until([](const base::Json& s) { return stat_of(s, "gateway", "engine") == 3; });
  // Not a tight loop: at the slowest pace of this test, ten starts a second at most.
  const auto first = number_of(role(this->status(), "engine"), "restarts");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(number_of(role(this->status(), "engine"), "restarts") - first, 4);
}

TEST_F(SupervisorTest, KillsARoleThatHangs) {
  start({.engine = "hang"});
  wait_for_exit_text("engine", "does not answer (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatIsStopped) {
  start({});
  const auto pid = number_of(role(wait_until_ready(), "engine"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGSTOP), 0);
  wait_for_exit_text("engine", "does not answer (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatIsBusyWithoutProgress) {
  start({.engine = "stuck"});
  wait_for_exit_text("engine", "busy without progress (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatNeverBecomesReady) {
  start({.engine = "mute"});
  wait_for_exit_text("engine", "no progress while starting (killed by SIGKILL)");
}

TEST_F(SupervisorTest, KillsARoleThatBreaksTheProtocol) {
  start({.gateway = "rude"});
  wait_for_exit_text("gateway",
                     "sent \"drained\", which is not permitted while starting (killed by SIGKILL)");
}

TEST_F(SupervisorTest, RefusesARoleBelowThePromisedSandbox) {
  start({.landlock_abi_min = 4});  // test_role claims 3
  wait_for_exit_text("gateway", "reached Landlock level 3, sandbox.landlock_abi_min asks for 4");
}

TEST_F(SupervisorTest, DrainsAndEndsOnSigterm) {
  start({});
  const base::Json status = wait_until_ready();
  systemd_.heard();  // or there is no room for more
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_THAT(systemd_.heard(), HasSubstr("STOPPING=1"));
  for (const char* name : {"auditor", "gateway", "engine"})
    EXPECT_TRUE(is_gone(number_of(role(status, name), "pid"))) << name;
}

TEST_F(SupervisorTest, EndsAGatewayThatDoesNotDrainInTime) {
  start({.gateway = "deaf", .drain_timeout_ms = 100});
  const base::Json status = wait_until_ready();
  EXPECT_EQ(end_with(SIGINT), 0);
  EXPECT_TRUE(is_gone(number_of(role(status, "gateway"), "pid")));
}

TEST_F(SupervisorTest, EndsWhileARoleIsWaitingToBeRestarted) {
  start({.engine = "die"});
  wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorTest, ItsRolesDieWithIt) {
  start({.gateway = "deaf", .engine = "deaf"});
  const base::Json status = wait_until_ready();
  end_with(SIGKILL);
  for (const char* name : {"auditor", "gateway", "engine"})
    EXPECT_TRUE(is_gone(number_of(role(status, name), "pid"))) << name;
}

TEST_F(SupervisorTest, PetsTheWatchdog) {
  start({});
  wait_until_ready();
  systemd_.heard();
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  EXPECT_THAT(systemd_.heard(), HasSubstr("WATCHDOG=1\n"));
}

TEST_F(SupervisorTest, IsNotHeldUpByASystemdThatDoesNotListen) {
  start({});
  wait_until_ready();
  for (int i = 0; i < 15; ++i) {  // more WATCHDOG=1 than the socket holds
    std::this_thread::sleep_for(std::chrono::milliseconds(70));
  }
  ASSERT_TRUE(ask_control_socket(socket_path(), "status", 500).ok());
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorTest, AReloadIsTakenByTheRunningGateway) {
  start({.settings_after_reload = "ready\nanew"});
  const base::Json before = wait_until_ready();
  systemd_.heard();
  EXPECT_EQ(ask_control_socket(socket_path(), "reload", 2'000).value(),
            "{\"reload\":\"done\",\"changed\":[\"limits.body_bytes_max\"],"
            "\"needs_restart\":[\"engine.threads\"]}\n");
  const base::Json after = wait_until(
      [&](const base::Json& s) { return stat_of(s, "gateway", "reloaded") == "ready\nanew"; });
  for (const char* name : {"auditor", "gateway", "engine"})
    EXPECT_EQ(number_of(role(after, name), "pid"), number_of(role(before, name), "pid"));
  wait_until([this](const base::Json&) {
    const std::string& heard = systemd_.heard();
    const auto reloading = heard.find("RELOADING=1\nMONOTONIC_USEC=");
    return reloading != heard.npos && heard.find("READY=1", reloading) != heard.npos;
  });
}

TEST_F(SupervisorTest, ALaterGatewayStartsWithWhatWasReloaded) {
  start({.settings_after_reload = "refuse"});
  const base::Json before = wait_until_ready();
  ASSERT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(), HasSubstr("done"));
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "gateway"), "pid") != pid;
  });
  EXPECT_EQ(ask_control_socket(socket_path(), "reload", 2'000).value(),
            "{\"reload\":\"refused\",\"error\":\"the gateway refuses: the key does not fit\"}\n");
}

TEST_F(SupervisorTest, AnInvalidFileLeavesEverythingAsItIs) {
  start({.settings_after_reload = ""});
  const base::Json before = wait_until_ready();
  ASSERT_EQ(::kill(pid_, SIGHUP), 0);
  const base::Json after =
      wait_until([](const base::Json& s) { return s.find("last_reload") != nullptr; });
  EXPECT_EQ(after.find("last_reload")->dump(),
            "{\"reload\":\"refused\",\"error\":\"redoubt.toml:1: no\"}");
  EXPECT_EQ(number_of(role(after, "gateway"), "pid"), number_of(role(before, "gateway"), "pid"));
  // It is over; the supervisor says so in the turn after.
  wait_until([this](const base::Json&) {
    const std::string& heard = systemd_.heard();
    return heard.find("READY=1", heard.find("RELOADING=1")) != heard.npos;
  });
}

TEST_F(SupervisorTest, AGatewayThatDiesOfAReloadComesBackWithWhatItHad) {
  start({.gateway = "no-reload", .settings_after_reload = "ready"});
  wait_until_ready();
  EXPECT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(),
              HasSubstr("the gateway ended while it took the new settings"));
  wait_until_ready();
  EXPECT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(), HasSubstr("refused"));
}

TEST_F(SupervisorTest, AReloadHelpsAGatewayThatDoesNotStart) {
  start({.gateway = "die", .settings_after_reload = "ready"});
  wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_THAT(ask_control_socket(socket_path(), "reload", 2'000).value(),
              HasSubstr("it is started with the new settings"));
  wait_until([](const base::Json& s) { return text_of(role(s, "gateway"), "state") == "ready"; });
}

// ---- progress -----------------------------------------------------------------------------------

TEST_F(SupervisorTest, KillsAnEngineWhoseStepStandsStill) {
  start({.engine = "frozen"});
  wait_for_exit_text("engine", "busy without progress (killed by SIGKILL)");
}

TEST_F(SupervisorTest, LetsALongStepRun) {
  start({.engine = "long"});  // four times as long as its patience without a sign
  wait_until([](const base::Json& s) { return number_of(role(s, "engine"), "work") > 0; });
  EXPECT_EQ(number_of(role(status(), "engine"), "restarts"), 0);
}

// ---- weights ------------------------------------------------------------------------------------

TEST_F(SupervisorTest, KeepsTheWeightsForTheNextEngineAndWithSystemd) {
  start({.engine = "weights"});
  const base::Json before = wait_until_ready();
  EXPECT_EQ(role(before, "engine").find("report")->find("descriptors")->dump(), "[0,1,2,3,5,6]");
  EXPECT_EQ(number_of(role(before, "engine"), "weights_kept_bytes"), 8'192);
  const auto pid = number_of(role(before, "engine"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "ready" && number_of(role(s, "engine"), "pid") != pid;
  });
  EXPECT_EQ(role(after, "engine").find("report")->find("descriptors")->dump(), "[0,1,2,3,5,6,7]");
  EXPECT_THAT(systemd_.heard(), HasSubstr("FDSTORE=1\nFDNAME=redoubt-weights\nFDPOLL=0\n"));
}

TEST_F(SupervisorTest, RefusesWeightsThatCanBeChanged) {
  start({.engine = "bad-weights"});
  wait_for_exit_text("engine", "weights: not sealed against every change (killed by SIGKILL)");
  EXPECT_EQ(number_of(role(status(), "engine"), "weights_kept_bytes"), -1);
}

TEST_F(SupervisorTest, AnEngineThatDiesOfKeptWeightsIsStartedWithoutThem) {
  start({.engine = "picky"});
  // Without: crashed. With: exited before it was ready. Without again: crashed again.
  wait_until([](const base::Json& s) {
    return text_of(role(s, "engine"), "last_exit").find("crashed") != std::string::npos &&
           number_of(role(s, "engine"), "restarts") >= 3;
  });
  EXPECT_THAT(systemd_.heard(), HasSubstr("FDSTOREREMOVE=1\nFDNAME=redoubt-weights\n"));
}

TEST_F(SupervisorTest, OnlyTheEngineHandsOverWeights) {
  start({.gateway = "weights"});
  wait_for_exit_text("gateway", "sent \"weights\", which is not permitted while starting");
}

// ---- quarantine ---------------------------------------------------------------------------------

TEST_F(SupervisorTest, TheQuarantineOutlivesTheGateway) {
  start({.gateway = "quarantine"});
  const base::Json before = wait_until([](const base::Json& s) {
    return number_of(s, "quarantined") == 1 && stat_of(s, "gateway", "quarantined") == 1;
  });
  const auto pid = number_of(role(before, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return number_of(role(s, "gateway"), "pid") != pid && stat_of(s, "gateway", "quarantined") == 1;
  });
  EXPECT_EQ(number_of(status(), "quarantined"), 1);
}

TEST_F(SupervisorTest, OnlyTheGatewayQuarantines) {
  start({.engine = "quarantine"});
  wait_for_exit_text("engine", "sent \"quarantine\", which is not permitted while ready");
}

// ---- the end ------------------------------------------------------------------------------------

TEST_F(SupervisorTest, TheEngineComesBackWhileTheGatewayDrains) {
  start({.gateway = "slow", .drain_timeout_ms = 5'000});
  const auto pid = number_of(role(wait_until_ready(), "engine"), "pid");
  ASSERT_EQ(::kill(pid_, SIGTERM), 0);
  wait_until([](const base::Json& s) { return text_of(s, "state") == "stopping"; });
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  const base::Json after = wait_until([&](const base::Json& s) {
    return text_of(role(s, "engine"), "state") == "ready" &&
           number_of(role(s, "engine"), "pid") != pid;
  });
  EXPECT_EQ(text_of(role(after, "gateway"), "state"), "draining");
  EXPECT_EQ(end_with(0), 0);
}

TEST_F(SupervisorTest, EndsWhileStarting) {
  start({.gateway = "mute", .engine = "mute"});
  wait_until([](const base::Json& s) { return text_of(s, "state") == "starting"; });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorTest, ASecondSigtermDoesNotWaitForRequests) {
  start({.gateway = "slow", .drain_timeout_ms = 60'000});
  wait_until_ready();
  ASSERT_EQ(::kill(pid_, SIGTERM), 0);
  wait_until([](const base::Json& s) { return text_of(s, "state") == "stopping"; });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(450));
}

// ---- systemd ------------------------------------------------------------------------------------

TEST_F(SupervisorTest, AnAnswerThatNobodyAskedForIsABreachOfProtocol) {
  start({.gateway = "reloaded"});
  wait_for_exit_text("gateway", "sent \"reloaded\" without having been asked (killed by SIGKILL)");
}

TEST_F(SupervisorTest, NoRoleCanSlipSystemdAnAssignment) {
  start({.engine = "newline"});
  wait_until([this](const base::Json&) {
    return systemd_.heard().find("half?MAINPID=1 50 %") != std::string::npos;
  });
  EXPECT_THAT(systemd_.heard(), testing::Not(HasSubstr("\nMAINPID")));
}

TEST_F(SupervisorTest, AStoppedServiceTellsHowLongItMayTake) {
  start({.drain_timeout_ms = 300});
  wait_until_ready();
  systemd_.heard();
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_THAT(systemd_.heard(), HasSubstr("STOPPING=1\nEXTEND_TIMEOUT_USEC=15300000\n"));
}

TEST_F(SupervisorTest, AnswersOnlyRequestsItKnows) {
  start({});
  wait_until_ready();
  EXPECT_EQ(ask_control_socket(socket_path(), "stop", 2'000).value(),
            "{\"error\":\"requests are: status, reload, activation, activate ID [restart], "
            "rollback [restart], acts, cosign NOTE, gpu clear UUID\"}\n");
}

}  // namespace
}  // namespace daemon_supervisor
