// The parts that ask: a process that may hang, the inventory on its way, the certificate, the
// service's word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/doctor/ask_in_child.h"
#include "daemon/doctor/inventory_json.h"
#include "daemon/doctor/site_checks.h"
#include "daemon/supervisor/tls_certificate.h"
#include "hardening/base/clock.h"

namespace doctor_test {
namespace {

using daemon_doctor::ask_in_child;
using daemon_doctor::Level;
using testing::HasSubstr;

TEST(AskInChild, GivesTheAnswer) {
  EXPECT_EQ(ask_in_child([] { return std::string(100'000, 'x'); }, 5'000),
            std::string(100'000, 'x'));
  EXPECT_EQ(ask_in_child([] { return std::string(); }, 5'000), "");
}

TEST(AskInChild, DoesNotWaitForWhatHangs) {
  const base::SystemClock clock;
  const std::int64_t begin = clock.monotonic_ns();
  EXPECT_EQ(ask_in_child(
                [] {
                  ::pause();
                  return std::string();
                },
                200),
            std::nullopt);
  EXPECT_LT(clock.monotonic_ns() - begin, 3'000'000'000);
}

TEST(AskInChild, OutlivesWhatCrashesAndWhatSaysTooMuch) {
  EXPECT_EQ(ask_in_child([]() -> std::string { ::_exit(3); }, 5'000), std::nullopt);
  EXPECT_EQ(ask_in_child([] { return std::string(std::size_t{2} << 20, 'x'); }, 5'000),
            std::nullopt);
}

TEST(InventoryJson, ComesBackAsItWas) {
  kernels::cuda::GpuInventory inventory;
  inventory.support = kernels::cuda::GpuSupport::kUsable;
  inventory.reason = "none";
  inventory.driver_version = 13'010;
  inventory.runtime_version = 13'000;
  kernels::cuda::Gpu gpu;
  gpu.ordinal = 3;
  gpu.name = "NVIDIA H200";
  gpu.uuid = "GPU-1";
  gpu.pci_bus_id = "00000000:3B:00.0";
  gpu.capability = 90;
  gpu.processors = 132;
  gpu.memory_bytes = std::uint64_t{141} << 30;
  gpu.memory_free_bytes = 7;
  gpu.support = kernels::cuda::GpuSupport::kArchitecture;
  gpu.kernels = "cuda-sm90a";
  inventory.gpus = {gpu, gpu};
  const base::Json json = daemon_doctor::inventory_json(inventory);
  const auto parsed = daemon_doctor::parse_inventory(json);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(daemon_doctor::inventory_json(parsed.value()), json);
  EXPECT_FALSE(daemon_doctor::parse_inventory(base::Json::object({{"support", 99}})).ok());
}

TEST(SiteChecks, ACertificateIsJudgedByItsLastDay) {
  constexpr std::int64_t kNow = 1'795'000'000;
  constexpr std::int64_t kDay = 86'400;
  const auto made = daemon_supervisor::create_self_signed({}, "redoubt", kNow);
  ASSERT_TRUE(made.ok());
  const std::string& pem = made.value().certificate_pem;
  const auto level_after = [&](std::int64_t days) {
    return daemon_doctor::check_certificate("c.pem", pem, kNow + days * kDay).level;
  };
  EXPECT_EQ(level_after(0), Level::kOk);
  EXPECT_EQ(level_after(3'600), Level::kOk);
  EXPECT_EQ(level_after(3'640), Level::kWarning);
  EXPECT_EQ(level_after(3'700), Level::kFault);
  EXPECT_EQ(daemon_doctor::check_certificate("c.pem", "no", kNow).level, Level::kFault);
}

TEST(SiteChecks, TheServiceIsTakenAtItsWord) {
  const auto judge = [](const char* text) {
    return daemon_doctor::check_service(base::Json::parse(text));
  };
  EXPECT_EQ(judge(R"({"state":"ready"})").front().level, Level::kOk);
  EXPECT_EQ(judge(R"({"state":"starting"})").front().level, Level::kWarning);
  EXPECT_EQ(daemon_doctor::check_service(base::unavailable("no socket")).front().level,
            Level::kNote);
  const auto failing = judge(
      R"({"state":"degraded","roles":[{"name":"engine","degraded":true,"last_exit":"exited with 1"}],)"
      R"("audit":{"sentence":"FAILING: no space"}})");
  ASSERT_EQ(failing.size(), 3U);
  EXPECT_THAT(failing[1].what, HasSubstr("engine keeps failing"));
  EXPECT_THAT(failing[2].what, HasSubstr("no space"));
}

}  // namespace
}  // namespace doctor_test
