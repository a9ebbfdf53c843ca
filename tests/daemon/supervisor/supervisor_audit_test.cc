// The auditor among the roles, and what the supervisor tells it.
#include <gmock/gmock.h>

#include "daemon/supervisor/supervisor.h"
#include "provisioning/base64.h"
#include "tests/daemon/supervisor/supervisor_fixture.h"

namespace daemon_supervisor {
namespace {

using testing::HasSubstr;
using testing::Not;

class SupervisorAuditTest : public SupervisorTest {
 protected:
  std::string audit_state(const base::Json& status) const {
    const base::Json* audit = status.find("audit");
    return audit != nullptr ? text_of(*audit, "state") : "";
  }
  base::Json wait_until_logged(std::string_view text) {
    return wait_until(
        [&](const base::Json&) { return audit_log().find(text) != std::string::npos; });
  }
  // Numbers 1, 2, 3 … without a gap or a repetition.
  void expect_numbered() const {
    const std::string log = audit_log();
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < log.size(); at = log.find('\n', at) + 1)
      EXPECT_EQ(log.compare(at, log.find(' ', at) - at, std::to_string(++number)), 0) << log;
  }
  void touch(const std::string& path) const {
    ASSERT_TRUE(base::open_file(path, O_CREAT | O_WRONLY, 0600).ok());
  }
};

TEST_F(SupervisorAuditTest, TellsItsStartTheConfigurationAndItsRoles) {
  start({});
  wait_until_ready();
  wait_until_logged("health.changed {\"from\":\"starting\",\"to\":\"ready\",\"what\":\"service\"");
  const std::string log = audit_log();
  EXPECT_THAT(log, HasSubstr("1 service.started {\"version\":\"test\"}\n"));
  EXPECT_THAT(log, HasSubstr("2 config.loaded {\"digest\":\"" + std::string(64, 'a') +
                             "\",\"path\":\"redoubt.toml\",\"why\":\"start\"}\n"));
  for (const char* name : {"auditor", "gateway", "engine"}) {
    EXPECT_THAT(log, HasSubstr("\"name\":\"" + std::string(name) +
                               "\",\"sandbox\":{\"landlock_abi\":3},\"start\":1}"));
  }
  expect_numbered();
}

TEST_F(SupervisorAuditTest, TheLastItSaysIsWrittenBeforeTheAuditorEnds) {
  start({});
  const base::Json status = wait_until_ready();
  EXPECT_EQ(end_with(SIGTERM), 0);
  const std::string log = audit_log();
  EXPECT_THAT(log, HasSubstr("service.stopping {\"reason\":\"SIGTERM\"}\n"));
  EXPECT_THAT(
      log, HasSubstr(
               "role.ended {\"from_outside\":false,\"name\":\"gateway\",\"why\":\"told to stop: "));
  EXPECT_THAT(
      log,
      HasSubstr("role.ended {\"from_outside\":false,\"name\":\"engine\",\"why\":\"told to stop: "));
  EXPECT_TRUE(is_gone(number_of(role(status, "auditor"), "pid")));
  expect_numbered();
}

TEST_F(SupervisorAuditTest, WhatAnAuditorDidNotAcknowledgeIsSaidToTheNext) {
  start({});
  const auto pid = number_of(role(wait_until_ready(), "auditor"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until_logged("\"name\":\"auditor\",\"sandbox\":{\"landlock_abi\":3},\"start\":2}");
  const std::string log = audit_log();
  EXPECT_THAT(log, HasSubstr("role.ended {\"from_outside\":true,\"name\":\"auditor\","));
  EXPECT_THAT(log, HasSubstr("\"from\":\"appending\",\"to\":\"down\",\"what\":\"audit\""));
  wait_until_logged("\"from\":\"down\",\"to\":\"appending\",\"what\":\"audit\"");
  expect_numbered();
}

TEST_F(SupervisorAuditTest, GatewayAndAuditorGetAChannelWhenEitherIsNew) {
  start({});
  const base::Json first = wait_until([&](const base::Json& s) {
    return stat_of(s, "gateway", "audit_channels") == 1 &&
           stat_of(s, "auditor", "audit_channels") == 1;
  });
  const base::Json writer = stat_of(first, "gateway", "audit_writer");
  EXPECT_EQ(stat_of(first, "auditor", "audit_writer"), writer);

  // Another auditor: the same writer. Another gateway: another.
  ::kill(static_cast<pid_t>(number_of(role(first, "auditor"), "pid")), SIGKILL);
  wait_until([&](const base::Json& s) {
    return stat_of(s, "gateway", "audit_channels") == 2 &&
           stat_of(s, "gateway", "audit_writer") == writer &&
           stat_of(s, "auditor", "audit_writer") == writer;
  });
  ::kill(static_cast<pid_t>(number_of(role(first, "gateway"), "pid")), SIGKILL);
  const base::Json last = wait_until([&](const base::Json& s) {
    return stat_of(s, "gateway", "audit_channels") == 1 &&
           stat_of(s, "auditor", "audit_channels") == 2;
  });
  EXPECT_FALSE(stat_of(last, "gateway", "audit_writer") == writer);
}

TEST_F(SupervisorAuditTest, AChannelThatIsOfNoMoreUseIsMadeAnewButNotAllTheTime) {
  const auto begun = std::chrono::steady_clock::now();
  start({.auditor = "audit-forlorn"});
  const base::Json status = wait_until([&](const base::Json& s) {
    return stat_of(s, "gateway", "audit_channels") == 2 &&
           stat_of(s, "auditor", "audit_channels") == 2;
  });
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(number_of(role(status, "gateway"), "restarts"), 0);
}

TEST_F(SupervisorAuditTest, ALogThatCannotBeWrittenIsAnAlarmUntilItCan) {
  start({.auditor = "audit-failing"});
  const base::Json status =
      wait_until([&](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_EQ(audit_state(status), "failing");
  EXPECT_THAT(text_of(*status.find("audit"), "sentence"),
              HasSubstr("FAILING: no space left on device, refusing work since "));
  wait_until([this](const base::Json&) {
    return systemd_.heard().find("STATUS=ALARM: audit FAILING: no space left") != std::string::npos;
  });
  EXPECT_THAT(systemd_.heard(), HasSubstr("READY=1"));  // people are told, and nothing is restarted
  touch(log_path() + ".ok");
  wait_until_ready();
  wait_until_logged("\"from\":\"failing\",\"to\":\"appending\",\"what\":\"audit\"");
  expect_numbered();
}

TEST_F(SupervisorAuditTest, AnAuditorThatNeverAcknowledgesDoesNotHoldUpTheEnd) {
  start({.auditor = "audit-deaf"});
  wait_until([&](const base::Json& s) { return text_of(role(s, "auditor"), "state") == "ready"; });
  const base::Json status =
      wait_until([&](const base::Json& s) { return audit_state(s) == "silent"; });
  EXPECT_EQ(text_of(status, "state"), "degraded");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
}

TEST_F(SupervisorAuditTest, AnAuditorThatForgetsWhatWasDurableIsNotBelieved) {
  start({.auditor = "audit-forgets"});
  wait_until_logged("\"to\":\"ready\"");
  const auto pid = number_of(role(status(), "auditor"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_for_exit_text("auditor", "says that record 0 is durable");
}

TEST_F(SupervisorAuditTest, AnAuditorThatKeepsFailingIsAnAlarmAndTheOthersGoOn) {
  start({.auditor = "die"});
  const base::Json status = wait_until([&](const base::Json& s) {
    return text_of(s, "state") == "degraded" && text_of(role(s, "engine"), "state") == "ready";
  });
  EXPECT_EQ(audit_state(status), "down");
  EXPECT_EQ(text_of(role(status, "gateway"), "state"), "ready");
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorAuditTest, ReloadsAreRecordedWithWhoAskedAndWhatCameOfThem) {
  start({.settings_after_reload = "ready\nanew"});
  wait_until_ready();
  ASSERT_TRUE(ask_control_socket(socket_path(), "reload", 2'000).ok());
  wait_until_logged("\"keys\":[\"limits.body_bytes_max\",\"engine.threads\"],");
  EXPECT_THAT(audit_log(), HasSubstr("\"why\":\"asked for by uid " + std::to_string(::getuid())));
}

TEST_F(SupervisorAuditTest, ARefusedReloadIsRecordedToo) {
  start({.settings_after_reload = ""});
  wait_until_ready();
  ::kill(pid_, SIGHUP);
  wait_until_logged("config.refused {");
  EXPECT_THAT(audit_log(), HasSubstr("\"why\":\"SIGHUP: redoubt.toml:1: no\"}"));
}

TEST_F(SupervisorAuditTest, QuarantinedRequestsAndModelsAreRecorded) {
  start({.gateway = "quarantine"});
  wait_until_ready();
  wait_until_logged("request.quarantined {\"digest\":\"5a5a");
  ASSERT_TRUE(ask_control_socket(socket_path(), "activate b", 2'000).ok());
  wait_until_logged("model.proven {\"id\":\"b\",\"name\":\"model b\"}");
  EXPECT_THAT(audit_log(), HasSubstr("model.activated {\"id\":\"b\",\"name\":\"model b\","
                                     "\"why\":\"asked for by uid "));
}

TEST_F(SupervisorAuditTest, AModelThatFailsIsRecorded) {
  start({.candidate = "reject"});
  wait_until_ready();
  ASSERT_TRUE(ask_control_socket(socket_path(), "activate b", 2'000).ok());
  wait_until_logged(
      "model.failed {\"id\":\"b\",\"name\":\"model b\",\"why\":\"the golden answers differ\"}");
}

TEST_F(SupervisorAuditTest, ActsOfCommandsBecomeRecordsAndAreRemoved) {
  ActReport act;
  act.act = 17;
  act.command = "import";
  act.user = "root";
  act.at_us = 1'763'748'309'123'456;
  const std::string acts = directory_.path() + "/acts";
  ASSERT_TRUE(write_act(acts, act, nullptr).ok());  // before the service runs
  start({});
  wait_until_logged("act {\"act\":17,");
  act.finished = true;
  act.outcome = "done";
  ASSERT_TRUE(write_act(acts, act, nullptr).ok());
  EXPECT_EQ(ask_control_socket(socket_path(), "acts", 2'000).value(), "{\"taken\":1}\n");
  wait_until_logged("\"outcome\":\"done\",\"phase\":\"finished\"");
  wait_until([&](const base::Json&) {
    return ::access((acts + "/" + act_file_name(act)).c_str(), F_OK) != 0;
  });
}

TEST_F(SupervisorAuditTest, ACosignatureIsPassedOnAndAnswered) {
  start({});
  wait_until_ready();
  const std::string note(daemon_ipc::kNoteBytesMax, 'n');
  const auto ask = [this](const std::string& text) {
    const std::string base64 = provisioning::to_base64(std::as_bytes(std::span(text)));
    return ask_control_socket(socket_path(), "cosign " + base64, 2'000).value();
  };
  EXPECT_EQ(ask("note"), "{\"accepted\":true,\"text\":\"got note\"}\n");
  EXPECT_THAT(ask(note + "n"), HasSubstr("a note of more than 16384 bytes"));
  EXPECT_THAT(ask_control_socket(socket_path(), "cosign !", 2'000).value(), HasSubstr("error"));
}

}  // namespace
}  // namespace daemon_supervisor
