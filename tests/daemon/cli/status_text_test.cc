#include "daemon/cli/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daemon_cli {
namespace {

using testing::HasSubstr;

base::Json parse(std::string_view text) {
  return base::Json::parse(text).value();
}

TEST(StatusText, ShowsRolesSandboxAndFigures) {
  const std::string text =
      format_status(parse(R"x({"version":"1.2.3","state":"ready","uptime_ms":61000,
      "listeners":["127.0.0.1:8443","[::1]:8443"],"model":{"name":"m","path":"/p"},"roles":[
      {"name":"engine","state":"ready","pid":42,"restarts":3,"uptime_ms":5000,"last_exit":"killed by SIGSYS (seccomp)",
       "report":{"sandbox":{"uid":64802,"namespaces":["net"],"landlock_abi":7,"seccomp_allowed":33,"locked_down":true,
       "skipped":[]}},"stats":{"tokens_per_second":12.5}}]})x"));
  for (const char* expected :
       {"1.2.3", "1 min 1 s", "127.0.0.1:8443, [::1]:8443", "engine  ready  42", "ABI 7", "33",
        "killed by SIGSYS (seccomp)", "engine.tokens_per_second  12.5"}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(StatusText, ShowsWhatIsThoughtOfGpusAndWhatToDo) {
  const std::string text = format_status(parse(R"x({"state":"ready","roles":[],"gpu":{
      "alarm":"GPU GPU-1 is not used: it has fallen off the bus","gpus":[
      {"uuid":"GPU-1","name":"H100","state":"quarantined","cause":"xid 79","text":"it has fallen off the bus",
       "next_step":"Reboot the machine.","used":false,"facts":{"temperature_c":41,"memory_used_bytes":1073741824,
       "memory_total_bytes":85899345920}},
      {"uuid":"GPU-2","name":"H100","state":"healthy","cause":"","text":"","next_step":"","used":true,"facts":{}}]}})x"));
  for (const char* expected :
       {"gpu        ALARM: GPU GPU-1", "GPU-1  H100  quarantined  no    41 C",
        "1 of 80 GiB  xid 79", "GPU-2  H100  healthy      yes   -", "NEXT STEP",
        "Reboot the machine."}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(StatusText, SaysWhyThereAreNoFactsOfGpus) {
  const std::string text = format_status(
      parse(R"({"state":"ready","roles":[],"gpu":{"error":"nvml.so: not found","gpus":[]}})"));
  EXPECT_THAT(text, HasSubstr("no facts  nvml.so: not found"));
  EXPECT_THAT(format_status(parse(R"({"state":"ready","gpu":7,"roles":[]})")),
              testing::Not(HasSubstr("NEXT STEP")));
}

TEST(StatusText, ShowsWhatIsStillToCome) {
  const std::string text = format_status(parse(R"({"state":"degraded","roles":[
      {"name":"engine","state":"waiting","restart_in_ms":3500,"restarts":1},
      {"name":"gateway","state":"starting","progress":"half 50 %"}]})"));
  EXPECT_THAT(text, HasSubstr("waiting, again in 4 s"));
  EXPECT_THAT(text, HasSubstr("starting: half 50 %"));
}

TEST(StatusText, SaysWhatComputesAndWhyNoGpuDoes) {
  const auto shown = [](std::string_view backend) {
    return format_status(parse(
        R"({"state":"ready","roles":[{"name":"gateway","report":{}},{"name":"engine","report":{"backend":)" +
        std::string(backend) + "}}]}"));
  };
  EXPECT_THAT(
      shown(
          R"({"kind":"cuda","kernels":"cuda-sm90a","gpus":[{"name":"NVIDIA H200"}],"reason":""})"),
      HasSubstr("computes on  NVIDIA H200 (cuda-sm90a)\n"));
  EXPECT_THAT(
      shown(R"({"kernels":"cuda-sm80","gpus":[{"name":"NVIDIA A100"},{"name":"NVIDIA A100"}]})"),
      HasSubstr("computes on  2 GPUs: NVIDIA A100 (cuda-sm80)\n"));
  EXPECT_THAT(shown(R"({"kernels":"k","gpus":[{"name":"A"},{"name":"A"}],"split":"tensor"})"),
              HasSubstr("computes on  2 GPUs that share each layer: A (k)\n"));
  EXPECT_THAT(shown(R"({"kernels":"k","gpus":[{"name":"A"},{"name":"B"}],"split":"layers"})"),
              HasSubstr("computes on  2 GPUs, one after the other: A, B (k)\n"));
  EXPECT_THAT(shown(R"({"kernels":"k","gpus":[{"name":"A"},{"name":"A"}],"split":7})"),
              HasSubstr("computes on  2 GPUs: A (k)\n"));
  EXPECT_THAT(
      shown(
          R"({"kind":"cpu","kernels":"cpu-avx512vnni","gpus":[],"reason":"no NVIDIA driver is loaded"})"),
      HasSubstr("computes on  CPU (cpu-avx512vnni): no NVIDIA driver is loaded\n"));
  EXPECT_THAT(shown(R"({"kernels":"cpu-amx","gpus":[],"reason":""})"),
              HasSubstr("CPU (cpu-amx)\n"));
  EXPECT_THAT(shown(R"([7])"), HasSubstr("computes on"));
}

TEST(StatusText, TakesAnyDocument) {
  for (const char* text :
       {"{}", R"({"roles":7})", R"({"roles":[1,{},{"report":3,"stats":[]}],"model":"x"})",
        R"({"listeners":{"a":[]},"uptime_ms":"long"})", R"({"audit":3})"}) {
    EXPECT_FALSE(format_status(parse(text)).empty());
  }
}

TEST(StatusText, ShowsAlarmQuarantineAndTheLastReload) {
  const std::string text = format_status(parse(
      R"({"version":"1","state":"degraded","quarantined":2,
          "last_reload":{"reload":"done","changed":[],"needs_restart":["engine.threads"]},
          "roles":[{"name":"engine","state":"waiting","degraded":true}]})"));
  EXPECT_NE(text.find("2 requests that kill the engine"), text.npos) << text;
  EXPECT_NE(text.find("engine.threads: needs a restart of the service"), text.npos) << text;
  EXPECT_NE(text.find("waiting, ALARM: keeps failing"), text.npos) << text;
}

TEST(StatusText, ShowsHowTheAuditLogIs) {
  EXPECT_THAT(format_status(parse(R"({"audit":{"state":"appending","size":12,"published":11,
      "disk_percent":40}})")),
              HasSubstr("appending, 12 records, 11 published, disk 40 % used"));
  EXPECT_THAT(format_status(parse(R"({"audit":{"state":"failing",
      "sentence":"FAILING: no space left on device, refusing work since 2026-11-21T18:05:09Z"}})")),
              HasSubstr("ALARM: FAILING: no space left on device, refusing work since 2026"));
}

TEST(StatusText, ShowsWhyAReloadWasRefused) {
  const std::string text =
      format_status(parse(R"({"last_reload":{"reload":"refused","error":"line 3 is wrong"}})"));
  EXPECT_NE(text.find("refused: line 3 is wrong"), text.npos) << text;
}

TEST(StatusText, ListsWhatAReloadDidAndDidNot) {
  EXPECT_EQ(
      format_reload(parse(
          R"({"reload":"done","changed":["limits.body_bytes_max"],"needs_restart":["engine.threads"]})")),
      "reload: done\nlimits.body_bytes_max: in effect\n"
      "engine.threads: needs a restart of the service\n");
}

}  // namespace
}  // namespace daemon_cli
