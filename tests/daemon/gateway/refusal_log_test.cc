#include "daemon/gateway/refusal_log.h"

#include <gtest/gtest.h>

#include "daemon/gateway/limits.h"
#include "hardening/base/json.h"

namespace daemon_gateway {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

Refusal of_key(const std::string& key) {
  return {.kind = Refusal::Kind::kRequest,
          .client = {"192.0.2.1", 4'000, "TLSv1.3", "TLS_AES_256_GCM_SHA384"},
          .method = "POST",
          .endpoint = "/v1/completions",
          .request = "req-1",
          .key = key,
          .status = 400,
          .code = "invalid_value"};
}

Refusal of_address(const std::string& address) {
  return {.kind = Refusal::Kind::kAuth,
          .client = {address, 4'000},
          .method = "GET",
          .endpoint = "/v1/models",
          .reason = "unknown"};
}

std::int64_t count_of(const AuditReport& report) {
  return base::Json::parse(report.body).value().find("count")->as_int();
}

std::string client_of(const AuditReport& report) {
  return base::Json::parse(report.body).value().find("client")->dump();
}

TEST(RefusalLog, WritesTheFirstOnesOneByOne) {
  RefusalLog log;
  const auto report = log.add(of_key("k"), 0, true);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->type, "request.refused");
  EXPECT_EQ(report->body,
            R"({"client":{"address":"192.0.2.1","port":4000,"tls":"TLSv1.3",)"
            R"("cipher":"TLS_AES_256_GCM_SHA384"},"count":1,"endpoint":"/v1/completions",)"
            R"("method":"POST","request":"req-1","key":"k","status":400,"code":"invalid_value"})");
  for (std::uint32_t i = 1; i < RefusalLog::kBurst; ++i) EXPECT_TRUE(log.add(of_key("k"), 0, true));
  EXPECT_FALSE(log.add(of_key("k"), 0, true));
  EXPECT_FALSE(log.add(of_key("k"), kSecondNs - 1, true));
  EXPECT_TRUE(log.add(of_key("k"), kSecondNs, true)) << "one more a second";
  EXPECT_FALSE(log.add(of_key("k"), kSecondNs, true));
}

TEST(RefusalLog, CountsTheRestPerKeyAndWritesItOnceInTenSeconds) {
  RefusalLog log;
  for (std::uint32_t i = 0; i < RefusalLog::kBurst; ++i) (void)log.add(of_key("k"), 0, true);
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(log.add(of_key("k"), 0, true));
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(log.add(of_key("other"), 0, true));
  EXPECT_TRUE(log.take_due(10 * kSecondNs - 1).empty());
  const auto due = log.take_due(10 * kSecondNs);
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(count_of(due[0]), 1'000);
  EXPECT_EQ(count_of(due[1]), 7);
  EXPECT_EQ(client_of(due[0]), R"({"address":"192.0.2.1"})");
  EXPECT_EQ(due[0].body.find("req-1"), std::string::npos) << "it stands for many";
  EXPECT_TRUE(log.empty());
}

TEST(RefusalLog, LosesNobodyWhoIsCountedTogether) {
  RefusalLog log;
  std::int64_t written = 0;
  const int kMany = 5'000;
  for (int i = 0; i < kMany; ++i) {
    const std::string address = "2001:db8::" + std::to_string(i);
    if (log.add(of_address(address), i, true)) ++written;
  }
  const auto rest = log.take_all();
  EXPECT_LE(rest.size(), kRefusalSourcesMax);
  std::int64_t others = 0;
  for (const auto& report : rest) {
    written += count_of(report);
    if (client_of(report) == R"({"address":"*"})") others = count_of(report);
  }
  EXPECT_EQ(written, kMany);
  EXPECT_GT(others, 4'000);
}

TEST(RefusalLog, KeepsThoseWithoutAKeyFromSilencingThoseWithOne) {
  RefusalLog log;
  for (int i = 0; i < 100; ++i) (void)log.add(of_address("192.0.2.7"), 0, true);
  EXPECT_TRUE(log.add(of_key("k"), 0, true));
}

TEST(RefusalLog, CountsWhileNothingCanBeWritten) {
  RefusalLog log;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(log.add(of_key("k"), 0, false));
  ASSERT_EQ(log.take_due(10 * kSecondNs).size(), 1u);
}

TEST(RefusalLog, TellsWhyAKeyWasNotAccepted) {
  RefusalLog log;
  const auto report = log.add(of_address("192.0.2.7"), 0, true);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->type, "auth.failed");
  EXPECT_EQ(report->body,
            R"({"client":{"address":"192.0.2.7","port":4000},"count":1,"endpoint":"/v1/models",)"
            R"("method":"GET","reason":"unknown"})");
}

}  // namespace
}  // namespace daemon_gateway
