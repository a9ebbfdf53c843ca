// The verifier beside a writer that goes on: what changes while it reads is no finding.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "daemon/audit/log/audit_log.h"
#include "daemon/audit/log/log_verifier.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_audit {
namespace {

using base::Json;

base::Fd open_directory(const std::string& path) {
  auto opened = base::open_file(path, O_RDONLY | O_DIRECTORY);
  EXPECT_TRUE(opened.ok());
  return std::move(opened).value();
}

// One request with a sealed text, and its end.
bool serve(AuditLog& log, std::uint64_t& number) {
  const std::string id = "req-" + std::to_string(number);
  const std::string sealed = "redoubt-sealed-1\n" + id;
  const Json text = Json::object({{"digest", base::to_hex(provisioning::sha256(sealed))},
                                  {"bytes", static_cast<std::uint64_t>(sealed.size())}});
  Report admitted{.writer = 9,
                  .number = ++number,
                  .reporter = Reporter::kGateway,
                  .type = "request.admitted",
                  .body = Json::object({{"request", id}, {"sealed", text}}),
                  .prove = false,
                  .sealed = sealed};
  const std::uint64_t index = log.size();
  if (!log.append(std::span(&admitted, 1)).ok()) return false;
  Report finished{.writer = 9,
                  .number = ++number,
                  .reporter = Reporter::kGateway,
                  .type = "request.finished",
                  .body = Json::object({{"request", id}, {"admitted", index}}),
                  .prove = false,
                  .sealed = {}};
  return log.append(std::span(&finished, 1)).ok();
}

TEST(LogVerifier, FindsNothingWhileTheAuditorGoesOn) {
  const TemporaryDirectory directory;
  const base::SystemClock clock;
  const AuditLogOptions options{
      .origin = "redoubt/test", .host = "test", .boot = std::string(32, 'a'), .witnesses = {}};
  std::atomic<bool> stop = false;
  std::atomic<bool> opened = false;
  std::atomic<bool> well = true;
  std::thread auditor([&] {
    std::uint64_t number = 0;
    // Begun and closed again and again, too.
    for (int life = 0; !stop; ++life) {
      auto log = AuditLog::open(open_directory(directory.path()), options, clock);
      if (!log.ok()) {
        well = false;
        ADD_FAILURE() << log.error().message;
        break;
      }
      opened = true;
      for (int i = 0; i < 120 && !stop; ++i) {
        well = well && serve(*log.value(), number);
        if (i % 3 == 0) log.value()->tidy();
        if (i % 5 == 0) well = well && log.value()->publish().ok();
      }
      well = well && log.value()->close().ok();
    }
  });
  while (!opened && well) std::this_thread::yield();
  for (int i = 0; i < 40 && well; ++i) {
    const auto report = verify_log(open_directory(directory.path()), {});
    ASSERT_TRUE(report.ok());
    EXPECT_THAT(report.value().findings, ::testing::IsEmpty());
    if (!report.value().findings.empty()) break;
  }
  stop = true;
  auditor.join();
  EXPECT_TRUE(well);
  const auto report = verify_log(open_directory(directory.path()), {});
  EXPECT_THAT(report.value().findings, ::testing::IsEmpty());
  EXPECT_FALSE(report.value().live);
}

}  // namespace
}  // namespace daemon_audit
