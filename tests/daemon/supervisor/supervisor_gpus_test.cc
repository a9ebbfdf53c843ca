// The health role among the roles, and what the supervisor does with what it says.
#include <gmock/gmock.h>

#include "daemon/supervisor/supervisor.h"
#include "tests/daemon/supervisor/supervisor_fixture.h"

namespace daemon_supervisor {
namespace {

using testing::HasSubstr;
using testing::Not;

class SupervisorGpusTest : public SupervisorTest {
 protected:
  void say(std::uint64_t xid) {
    daemon_health::GpuReading gpu;
    gpu.uuid = "GPU-1";
    gpu.name = "H100";
    gpu.pci_bus_id = "00000000:01:00.0";
    if (xid != 0) gpu.events = {{daemon_health::kEventXid, xid, 0}};
    daemon_health::GpuSnapshot snapshot;
    snapshot.driver_version = "580.65.06";
    snapshot.gpus = {gpu};
    say(snapshot.text());
  }
  void say(const std::string& text) {
    ASSERT_TRUE(base::replace_file(facts_path(), text, 0600).ok());
  }
  static base::Json gpu_of(const base::Json& status) {
    const base::Json* gpu = status.find("gpu");
    const base::Json* list = gpu != nullptr ? gpu->find("gpus") : nullptr;
    return list != nullptr && !list->as_array().empty() ? list->as_array()[0]
                                                        : base::Json::object();
  }
  static std::string models_text(const base::Json& status, std::string_view key) {
    const base::Json* models = status.find("models");
    return models != nullptr ? text_of(*models, key) : "";
  }
  base::Json wait_for_gpu(std::string_view state) {
    return wait_until([&](const base::Json& s) { return text_of(gpu_of(s), "state") == state; });
  }
  void wait_until_logged(std::string_view text) {
    wait_until([&](const base::Json&) { return audit_log().find(text) != std::string::npos; });
  }
  std::int64_t engine_pid(const base::Json& status) {
    return number_of(role(status, "engine"), "pid");
  }
};

TEST_F(SupervisorGpusTest, WithoutCareThereIsNoRoleAndNoTalkOfGpus) {
  start({});
  const base::Json status = wait_until_ready();
  EXPECT_EQ(status.find("gpu"), nullptr);
  EXPECT_TRUE(role(status, "health").as_object().empty());
  EXPECT_THAT(ask_control_socket(socket_path(), "gpu clear GPU-1", 2'000).value(),
              HasSubstr("nobody looks after GPUs"));
}

TEST_F(SupervisorGpusTest, AHealthyGpuIsShown) {
  say(0);
  start({.health = "health"});
  wait_until_ready();
  const base::Json gpu = gpu_of(wait_for_gpu("healthy"));
  EXPECT_EQ(text_of(gpu, "uuid"), "GPU-1");
  EXPECT_EQ(text_of(gpu, "name"), "H100");
  EXPECT_THAT(systemd_.heard(), Not(HasSubstr("ALARM")));
}

TEST_F(SupervisorGpusTest, AnErrorOfAContextReplacesTheEngineAndBlamesNobody) {
  say(0);
  start({.health = "health"});
  wait_until_ready();
  const std::int64_t before = engine_pid(wait_for_gpu("healthy"));
  say(31);
  const base::Json status = wait_until([&](const base::Json& s) {
    return engine_pid(s) != before && text_of(role(s, "engine"), "state") == "ready";
  });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("XID 31"));
  wait_until_logged("\"cause\":\"xid 31\"");
  EXPECT_THAT(audit_log(), HasSubstr("\"from_outside\":true,\"name\":\"engine\""));
  EXPECT_THAT(audit_log(), HasSubstr("gpu.verdict {\"action\":\"restart_engine\""));
}

TEST_F(SupervisorGpusTest, AGpuOutOfUseIsToldEverywhereAndKeptUntilItIsCleared) {
  say(0);
  start({.health = "health"});
  wait_until_ready();
  wait_for_gpu("healthy");
  say(79);
  base::Json status = wait_for_gpu("quarantined");
  EXPECT_EQ(text_of(gpu_of(status), "action"), "ask_reboot");
  EXPECT_THAT(text_of(*status.find("models"), "log"), HasSubstr("exclude GPU-1"));
  wait_until([&](const base::Json&) {
    return systemd_.heard().find("STATUS=ALARM: GPU GPU-1") != std::string::npos;
  });
  wait_until_logged("\"cause\":\"xid 79\"");
  const auto kept = read_gpu_records(directory_.path() + "/gpus.json");
  ASSERT_TRUE(kept.ok());
  ASSERT_NE(kept.value().find("GPU-1"), nullptr);

  say(0);
  EXPECT_EQ(end_with(SIGTERM), 0);
  start({.health = "health"});
  wait_until_ready();
  status = wait_for_gpu("quarantined");
  EXPECT_EQ(text_of(gpu_of(status), "cause"), "xid 79");

  EXPECT_THAT(ask_control_socket(socket_path(), "gpu clear GPU-2", 2'000).value(),
              HasSubstr("error"));
  EXPECT_THAT(ask_control_socket(socket_path(), "gpu clear GPU-1", 2'000).value(),
              HasSubstr("\"cleared\":\"GPU-1\""));
  wait_for_gpu("healthy");
  EXPECT_TRUE(read_gpu_records(directory_.path() + "/gpus.json").value().gpus.empty());
}

// ---- engines that fail on their GPU before they are ready

TEST_F(SupervisorGpusTest, AGpuThatNoEngineStartsOnGoesOutOfUseAndTheModelStays) {
  say(0);
  start({.engine = "gpu-ends\nGPU-1\n6",
         .engine_elsewhere = "ready",
         .previous = "b",
         .health = "health"});
  const base::Json status = wait_for_gpu("quarantined");
  EXPECT_EQ(text_of(gpu_of(status), "cause"), "restarts exhausted");
  EXPECT_THAT(text_of(gpu_of(status), "text"), HasSubstr("wrong known answer"));
  const base::Json after = wait_until_ready();
  EXPECT_EQ(number_of(role(after, "engine"), "restarts"), 4);
  EXPECT_FALSE(role(after, "engine").find("degraded")->as_bool());
  EXPECT_THAT(models_text(after, "log"), Not(HasSubstr("back")));
  EXPECT_EQ(models_text(after, "active"), "a");
  EXPECT_THAT(text_of(gpu_of(after), "state"), "quarantined");
}

TEST_F(SupervisorGpusTest, HowAnEngineEndsBeforeItIsReadySaysWhatItsGpuIs) {
  const std::pair<const char*, const char*> kEnds[] = {{"gpu-ends\nGPU-1\n3", "cuda sticky"},
                                                       {"gpu-ends\nGPU-1\n4", "engine hung"},
                                                       {"gpu-ends\nGPU-1\n6", "engine failed"},
                                                       {"gpu-mute\nGPU-1", "engine failed"}};
  for (const auto& [behaviour, cause] : kEnds) {
    say(0);
    start({.engine = behaviour, .engine_elsewhere = "ready", .health = "health"});
    wait_until_logged("\"cause\":\"" + std::string(cause) + "\"");
    EXPECT_THAT(audit_log(), HasSubstr("\"uuid\":\"GPU-1\"")) << behaviour;
    EXPECT_EQ(end_with(SIGTERM), 0);
    ::unlink((directory_.path() + "/gpus.json").c_str());
  }
}

TEST_F(SupervisorGpusTest, AnEndThatSaysNothingOfTheGpuIsTheEngines) {
  say(0);
  start({.engine = "gpu-ends\nGPU-1\n1", .previous = "b", .health = "health"});
  wait_until([](const base::Json& s) { return models_text(s, "active") == "b"; });
  EXPECT_THAT(audit_log(), Not(HasSubstr("gpu.verdict")));
}

TEST_F(SupervisorGpusTest, AModelOnTrialThatFailsOnTheGpuOfTheOtherHasFailedItself) {
  say(0);
  start({.engine = "gpu\nGPU-1", .candidate = "gpu-ends\nGPU-1\n6", .health = "health"});
  wait_until_ready();
  wait_for_gpu("healthy");
  const std::int64_t before = engine_pid(status());
  ASSERT_TRUE(ask_control_socket(socket_path(), "activate b", 2'000).ok());
  const base::Json after = wait_until(
      [](const base::Json& s) { return models_text(s, "log").find("fail") != std::string::npos; });
  EXPECT_EQ(text_of(gpu_of(after), "state"), "healthy");
  EXPECT_EQ(engine_pid(after), before);
  EXPECT_THAT(audit_log(), Not(HasSubstr("gpu.verdict")));
}

TEST_F(SupervisorGpusTest, AModelOnTrialIsToldOfAGpuThatItHasAloneAndFailsFirst) {
  say(0);
  start({.engine = "ready", .candidate = "gpu-ends\nGPU-1\n6", .health = "health"});
  wait_until_ready();
  wait_for_gpu("healthy");
  ASSERT_TRUE(ask_control_socket(socket_path(), "activate b", 2'000).ok());
  wait_until(
      [](const base::Json& s) { return models_text(s, "log").find("fail") != std::string::npos; });
  wait_until_logged("\"cause\":\"engine failed\"");
  EXPECT_THAT(audit_log(), Not(HasSubstr("restarts exhausted")));
}

TEST_F(SupervisorGpusTest, AnEngineThatNamesAGpuOutOfUseIsReplaced) {
  say(79);
  start({.engine = "gpu\nGPU-1", .engine_elsewhere = "ready", .health = "health"});
  wait_for_gpu("quarantined");
  const base::Json status = wait_until([&](const base::Json& s) {
    const base::Json engine = role(s, "engine");
    const base::Json* report = engine.find("report");
    return text_of(engine, "state") == "ready" && report != nullptr &&
           report->find("gpus") == nullptr;
  });
  EXPECT_THAT(text_of(role(status, "engine"), "last_exit"), HasSubstr("GPU-1"));
}

TEST_F(SupervisorGpusTest, WhatIsNoFactsEndsTheRoleAndNothingElse) {
  say("{}");
  start({.health = "health"});
  wait_until_ready();
  wait_for_exit_text("health", "gpu_facts");
  EXPECT_EQ(number_of(role(status(), "engine"), "restarts"), 0);
  say(0);
  wait_for_gpu("healthy");
}

TEST_F(SupervisorGpusTest, AHealthRoleThatHangsIsKilledAndMakesItsGpusSuspect) {
  say(0);
  start({.health = "health"});
  wait_until_ready();
  const std::int64_t pid = number_of(role(wait_for_gpu("healthy"), "health"), "pid");
  ::kill(static_cast<pid_t>(pid), SIGSTOP);
  wait_for_exit_text("health", "does not answer");
  say(0);
  ASSERT_EQ(::unlink(facts_path().c_str()), 0);
  const base::Json status = wait_for_gpu("suspect");
  EXPECT_EQ(number_of(role(status, "engine"), "restarts"), 0);
  EXPECT_EQ(text_of(status, "state"), "ready");
}

TEST_F(SupervisorGpusTest, AHealthRoleThatNeverLivesIsAnAlarmAndServingGoesOn) {
  start({.health = "die"});
  const base::Json status = wait_until([](const base::Json& s) {
    const base::Json* degraded = role(s, "health").find("degraded");
    return degraded != nullptr && degraded->as_bool();
  });
  EXPECT_EQ(text_of(status, "state"), "ready");
  wait_until([&](const base::Json&) {
    return systemd_.heard().find("nobody looks after the GPUs") != std::string::npos;
  });
  EXPECT_EQ(end_with(SIGTERM), 0);
}

}  // namespace
}  // namespace daemon_supervisor
