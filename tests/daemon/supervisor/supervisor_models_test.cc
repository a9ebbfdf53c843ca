// Another model in place of the one that serves.
#include <gmock/gmock.h>

#include "daemon/supervisor/supervisor.h"
#include "tests/daemon/supervisor/supervisor_fixture.h"

namespace daemon_supervisor {
namespace {

using testing::HasSubstr;

class SupervisorModelsTest : public SupervisorTest {
 protected:
  base::Json ask(const std::string& request) {
    const auto answer = ask_control_socket(socket_path(), request, 2'000);
    return answer.ok() ? base::Json::parse(answer.value()).value() : base::Json::object();
  }
  // Its outcome, when it is over.
  base::Json wait_for_activation() {
    base::Json last = base::Json::object();
    for (int i = 0; i < 800; ++i) {
      systemd_.heard();
      last = ask("activation");
      const std::string state = text_of(last, "state");
      if (state == "done" || state == "failed") return last;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "never over: " << last.dump_pretty();
    return last;
  }
  static std::string log_of(const base::Json& status) {
    const base::Json* models = status.find("models");
    return models != nullptr ? text_of(*models, "log") : "";
  }
  static std::string served(const base::Json& status) {
    const base::Json* model = status.find("model");
    return model != nullptr ? text_of(*model, "id") : "";
  }
};

TEST_F(SupervisorModelsTest, AnotherModelIsProvenBesideTheOneThatServesAndThenTakesItsPlace) {
  start({.gateway = "retire"});
  const base::Json before = wait_until_ready();
  const auto former = number_of(role(before, "engine"), "pid");
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 1);
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  const base::Json after = wait_until([&](const base::Json&) { return child_count() == 3; });
  EXPECT_EQ(served(after), "b");
  EXPECT_TRUE(is_gone(former));
  EXPECT_EQ(log_of(after), "served trial prove served");
  EXPECT_EQ(number_of(role(after, "engine"), "restarts"), 0);
  EXPECT_EQ(number_of(role(after, "gateway"), "restarts"), 0);
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorModelsTest, TheFormerEngineStaysWhileItHasRequestsAndIsRestartedLikeAnyOther) {
  start({.gateway = "retire-never"});
  wait_until_ready();
  ask("activate b");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  const base::Json both = wait_until(
      [](const base::Json& s) { return text_of(role(s, "former engine"), "state") == "ready"; });
  EXPECT_THAT(text_of(ask("activate a"), "error"), HasSubstr("still finishing 1 requests"));
  const auto pid = number_of(role(both, "former engine"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return text_of(role(s, "former engine"), "state") == "ready" &&
           number_of(role(s, "former engine"), "pid") != pid;
  });
  // A gateway that never met it has nothing for it.
  const auto gateway = number_of(role(both, "gateway"), "pid");
  ASSERT_EQ(::kill(static_cast<pid_t>(gateway), SIGKILL), 0);
  wait_until([&](const base::Json& s) {
    return text_of(role(s, "former engine"), "state").empty() && child_count() == 3;
  });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

TEST_F(SupervisorModelsTest, ACandidateThatIsRejectedLeavesTheFormerEngineUntouched) {
  start({.gateway = "retire", .candidate = "reject"});
  const base::Json before = wait_until_ready();
  ask("activate b");
  const base::Json outcome = wait_for_activation();
  EXPECT_EQ(text_of(outcome, "state"), "failed");
  EXPECT_EQ(text_of(outcome, "error"), "the golden answers differ");
  const base::Json after = wait_until([&](const base::Json&) { return child_count() == 3; });
  EXPECT_EQ(served(after), "a");
  EXPECT_EQ(number_of(role(after, "engine"), "pid"), number_of(role(before, "engine"), "pid"));
  EXPECT_EQ(log_of(after), "served trial fail");
}

TEST_F(SupervisorModelsTest, ACandidateThatDiesIsStartedThreeTimes) {
  start({.gateway = "retire", .candidate = "die"});
  wait_until_ready();
  ask("activate b");
  const base::Json outcome = wait_for_activation();
  EXPECT_EQ(text_of(outcome, "state"), "failed");
  EXPECT_THAT(text_of(outcome, "error"), HasSubstr("exited with status 7"));
  EXPECT_EQ(log_of(status()), "served trial again again again fail");
  EXPECT_EQ(served(status()), "a");
}

TEST_F(SupervisorModelsTest, WithARestartTheFormerEngineIsStoppedFirst) {
  start({.gateway = "retire", .room = false});
  wait_until_ready();
  EXPECT_THAT(text_of(ask("activate b"), "error"), HasSubstr("8 MiB are available"));
  ask("activate b restart");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  EXPECT_EQ(served(status()), "b");
  EXPECT_EQ(log_of(status()), "served propose start prove served");
  EXPECT_EQ(child_count(), 3u);
}

TEST_F(SupervisorModelsTest, ARestartIntoAModelThatIsRejectedEndsWithTheFormerOne) {
  start({.gateway = "retire", .candidate = "reject"});
  wait_until_ready();
  ask("activate b restart");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "failed");
  const base::Json after = wait_until_ready();
  EXPECT_EQ(served(after), "a");
  EXPECT_EQ(log_of(after), "served propose start fail served");
}

TEST_F(SupervisorModelsTest, AnActiveModelThatIsRejectedGivesWayToThePreviousOne) {
  start({.gateway = "retire", .engine = "reject", .previous = "b"});
  const base::Json after = wait_until_ready();
  EXPECT_EQ(served(after), "b");
  EXPECT_EQ(log_of(after), "back served");
}

TEST_F(SupervisorModelsTest, AnActiveModelThatIsRejectedWithoutAPreviousOneIsTriedOn) {
  start({.gateway = "retire", .engine = "reject"});
  const base::Json status =
      wait_until([](const base::Json& s) { return text_of(s, "state") == "degraded"; });
  EXPECT_EQ(served(status), "a");
  EXPECT_EQ(log_of(status), "back");  // asked once, not at every failure
}

TEST_F(SupervisorModelsTest, RollingBackTriesThePreviousModel) {
  start({.gateway = "retire", .previous = "b"});
  wait_until_ready();
  ask("rollback");
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  EXPECT_EQ(served(status()), "b");
}

TEST_F(SupervisorModelsTest, OneActivationAtATimeAndTheSameOneIsJoined) {
  start({.gateway = "retire", .candidate = "tardy"});
  wait_until_ready();
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 1);
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 1);
  EXPECT_THAT(text_of(ask("activate c"), "error"), HasSubstr("is under way"));
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
  EXPECT_EQ(number_of(ask("activate b"), "activation"), 2);  // which serves already
  EXPECT_EQ(text_of(wait_for_activation(), "state"), "done");
}

TEST_F(SupervisorModelsTest, StoppingTheServiceForgivesAModelThatIsJustOnTrial) {
  start({.gateway = "retire", .candidate = "tardy"});
  wait_until_ready();
  ask("activate b");
  EXPECT_EQ(end_with(SIGTERM), 0);
}

}  // namespace
}  // namespace daemon_supervisor
