#include "daemon/auditor/waiting_reports.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "daemon/auditor/limits.h"

namespace daemon_auditor {
namespace {

using daemon_audit::Report;
using daemon_audit::Reporter;

Report report_of(std::uint64_t writer, std::uint64_t number, std::size_t sealed_bytes = 0) {
  Report report;
  report.writer = writer;
  report.number = number;
  report.reporter = Reporter::kGateway;
  report.sealed.assign(sealed_bytes, 's');
  return report;
}

TEST(WaitingReports, KeepTheirOrderOverBatches) {
  WaitingReports waiting;
  for (std::uint64_t i = 1; i <= kBatchReportsMax + 5; ++i) waiting.add(report_of(1, i), 10);
  EXPECT_EQ(waiting.batch().size(), kBatchReportsMax);
  EXPECT_EQ(waiting.batch().front().number, 1u);
  waiting.remove_batch();
  ASSERT_EQ(waiting.batch().size(), 5u);
  EXPECT_EQ(waiting.batch().front().number, kBatchReportsMax + 1);
  waiting.remove_batch();
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(waiting.bytes(), 0u);
}

TEST(WaitingReports, GiveNoMoreSealedTextInOneBatchThanOneTextMayHave) {
  WaitingReports waiting;
  const std::size_t half = daemon_audit::kSealedBytesMax / 2;
  for (std::uint64_t i = 1; i <= 3; ++i) waiting.add(report_of(1, i, half), 10);
  EXPECT_EQ(waiting.sealed_bytes(), 3 * half);
  EXPECT_EQ(waiting.batch().size(), 2u);
  waiting.remove_batch();
  EXPECT_EQ(waiting.batch().size(), 1u);
  EXPECT_EQ(waiting.sealed_bytes(), half);
}

TEST(WaitingReports, DropOneWritersAlone) {
  WaitingReports waiting;
  waiting.add(report_of(1, 1, 100), 10);
  waiting.add(report_of(2, 1, 7), 20);
  waiting.add(report_of(1, 2), 30);
  waiting.drop(1);
  EXPECT_FALSE(waiting.holds(1));
  EXPECT_TRUE(waiting.holds(2));
  EXPECT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting.sealed_bytes(), 7u);
  EXPECT_EQ(waiting.bytes(), 20 + kReportOverheadBytes);
}

TEST(WaitingReports, CountTheSupervisorsApart) {
  WaitingReports waiting;
  Report report = report_of(9, 1);
  report.reporter = Reporter::kSupervisor;
  waiting.add(std::move(report), 40);
  EXPECT_EQ(waiting.bytes(), 0u);
  EXPECT_EQ(waiting.supervisor_bytes(), 40 + kReportOverheadBytes);
}

}  // namespace
}  // namespace daemon_auditor
