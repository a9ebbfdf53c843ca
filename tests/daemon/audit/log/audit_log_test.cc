#include "daemon/audit/log/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/audit/log/log_reader.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "tests/daemon/audit/log/log_folder.h"

namespace {

using audit_test::HandClock;
using audit_test::LogFolder;
using audit_test::open_log;
using audit_test::read_whole;
using audit_test::refused;
using daemon_audit::Report;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

using Paths = std::vector<std::string>;

// A closed log of so many entries: log.opened, log.closed, and others between.
void write_log(const LogFolder& folder, std::uint64_t size) {
  HandClock clock;
  const auto log = open_log(folder, clock);
  std::vector<Report> batch;
  std::uint64_t number = 0;
  while (log->size() + batch.size() + 1 < size) {
    batch.push_back(refused(7, ++number));
    if (batch.size() == 700) {
      clock.pass(1'000);
      ASSERT_TRUE(log->append(batch).ok());
      batch.clear();
    }
  }
  ASSERT_TRUE(log->append(batch).ok());
  ASSERT_TRUE(log->close().ok());
  ASSERT_EQ(log->size(), size);
}

Paths with_own_files(Paths tiles) {
  for (const auto* own : {"checkpoint", "key", "log.vkey"}) tiles.emplace_back(own);
  return tiles;
}

struct SizeCase {
  std::uint64_t size;
  Paths tiles;
};

// The widths by hand, from C2SP tlog-tiles.
TEST(AuditLog, LeavesExactlyTheFilesThatTheTreeHas) {
  const std::vector<SizeCase> cases = {
      {2, {"tile/0/000.p/2", "tile/entries/000.p/2"}},
      {255, {"tile/0/000.p/255", "tile/entries/000.p/255"}},
      {256, {"tile/0/000", "tile/entries/000", "tile/1/000.p/1"}},
      {257,
       {"tile/0/000", "tile/0/001.p/1", "tile/entries/000", "tile/entries/001.p/1",
        "tile/1/000.p/1"}},
      {513,
       {"tile/0/000", "tile/0/001", "tile/0/002.p/1", "tile/entries/000", "tile/entries/001",
        "tile/entries/002.p/1", "tile/1/000.p/2"}}};
  for (const auto& [size, tiles] : cases) {
    SCOPED_TRACE(size);
    const LogFolder folder;
    write_log(folder, size);
    EXPECT_THAT(folder.files(), UnorderedElementsAreArray(with_own_files(tiles)));
    EXPECT_EQ(read_whole(folder).size(), size);
  }
}

TEST(AuditLog, GrowsBeyondTheSecondLevelOfTiles) {
  const LogFolder folder;
  write_log(folder, 66'000);
  const auto files = folder.files();
  // 257 full tiles and 208 entries; one full tile of them and 1; 1.
  for (const auto* path : {"tile/0/256", "tile/0/257.p/208", "tile/entries/257.p/208", "tile/1/000",
                           "tile/1/001.p/1", "tile/2/000.p/1"}) {
    EXPECT_TRUE(files.contains(path)) << path;
  }
  EXPECT_EQ(files.size(), 3U + 2 * 258 + 2 + 1);
  EXPECT_EQ(read_whole(folder).size(), 66'000U);

  HandClock clock;
  const auto log = open_log(folder, clock);
  EXPECT_EQ(log->size(), 66'001U);
  EXPECT_EQ(log->recovery().records, 0U);
}

TEST(AuditLog, SaysWhoItIsWhenItIsOpenedAndClosed) {
  const LogFolder folder;
  HandClock clock;
  auto with = audit_test::options();
  with.origin = "";
  const auto log = open_log(folder, clock, with);
  ASSERT_TRUE(log->close().ok());
  const auto records = read_whole(folder);
  ASSERT_THAT(audit_test::types(records), ElementsAre("log.opened", "log.closed"));
  EXPECT_EQ(records[0].body.find("vkey")->as_string(), log->key().text());
  EXPECT_EQ(records[0].body.find("size")->as_int(), 0);
  EXPECT_EQ(records[1].body.find("size")->as_int(), 1);
  EXPECT_EQ(records[0].host, log->key().name());
  EXPECT_TRUE(log->key().name().starts_with("redoubt/"));
  EXPECT_EQ(log->key().name().size(), std::string("redoubt/").size() + 32);
}

TEST(AuditLog, TakesEachNumberOfAWriterOnce) {
  const LogFolder folder;
  HandClock clock;
  auto log = open_log(folder, clock);
  ASSERT_TRUE(log->append(std::vector{refused(7, 1), refused(7, 2), refused(7, 2)}).ok());
  ASSERT_TRUE(log->append(std::vector{refused(7, 2), refused(7, 3), refused(8, 1)}).ok());
  EXPECT_EQ(log->size(), 5U);
  EXPECT_EQ(log->through(7), 3U);
  log.reset();  // not closed: as if the process had died
  log = open_log(folder, clock);
  EXPECT_EQ(log->through(7), 3U);
  EXPECT_EQ(log->through(8), 1U);
  EXPECT_THAT(log->writers(), ::testing::UnorderedElementsAre(7, 8));
  EXPECT_EQ(log->recovery().records, 4U);  // the first one was published
  ASSERT_TRUE(log->append(std::vector{refused(7, 3), refused(8, 2)}).ok());
  ASSERT_TRUE(log->close().ok());
  EXPECT_THAT(audit_test::types(read_whole(folder)),
              ElementsAre("log.opened", "auth.failed", "auth.failed", "auth.failed", "auth.failed",
                          "log.opened", "auth.failed", "log.closed"));
}

TEST(AuditLog, ProvesEachRecordOfALargeBatch) {
  const LogFolder folder;
  HandClock clock;
  const auto log = open_log(folder, clock);
  std::vector<Report> batch;
  for (std::uint64_t number = 1; number <= 600; ++number) {
    batch.push_back(refused(7, number));
    batch.back().prove = true;
  }
  const auto proofs = log->append(batch);
  ASSERT_TRUE(proofs.ok());
  ASSERT_EQ(proofs.value().size(), 600U);
  for (std::size_t i = 0; i < 600; ++i) {
    const auto& proven = proofs.value()[i];
    EXPECT_EQ(proven.number, i + 1);
    EXPECT_EQ(proven.index, i + 1);  // behind log.opened
    const auto proof = daemon_audit::TlogProof::parse(proven.proof);
    ASSERT_TRUE(proof.ok());
    EXPECT_TRUE(daemon_audit::check_proof(proof.value(), proven.record, log->key()).ok());
  }
}

TEST(AuditLog, AppendsNothingOfABatchInWhichOneCannotBeARecord) {
  const LogFolder folder;
  HandClock clock;
  const auto log = open_log(folder, clock);
  auto bad = refused(7, 2);
  bad.body.set("n", base::Json(std::int64_t{1} << 60));
  const auto appended = log->append(std::vector{refused(7, 1), bad});
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().code, base::ErrorCode::kInvalidInput);
  EXPECT_EQ(log->size(), 1U);
  EXPECT_EQ(log->through(7), 0U);
  EXPECT_TRUE(log->append(std::vector{refused(7, 1)}).ok());
  read_whole(folder);
}

TEST(AuditLog, EndsTheRequestsOfAWriterThatIsGone) {
  const LogFolder folder;
  HandClock clock;
  auto log = open_log(folder, clock);
  ASSERT_TRUE(log->append(std::vector{audit_test::admitted(7, 1, "req-a"),
                                      audit_test::admitted(7, 2, "req-b"),
                                      audit_test::admitted(8, 1, "req-c"),
                                      audit_test::finished(7, 3, "req-a", 1)})
                  .ok());
  log.reset();
  log = open_log(folder, clock);
  ASSERT_TRUE(log->forget_writer(7).ok());
  EXPECT_THAT(log->writers(), ElementsAre(8));
  ASSERT_TRUE(log->forget_writer(7).ok());
  ASSERT_TRUE(log->close().ok());
  const auto records = read_whole(folder);
  EXPECT_THAT(
      audit_test::types(records),
      ElementsAre("log.opened", "request.admitted", "request.admitted", "request.admitted",
                  "request.finished", "log.opened", "request.lost", "request.lost", "log.closed"));
  EXPECT_EQ(records[6].body.find("request")->as_string(), "req-b");
  EXPECT_EQ(records[6].body.find("admitted")->as_int(), 2);
  EXPECT_EQ(records[7].body.find("request")->as_string(), "req-c");
}

TEST(AuditLog, SaysThatTheClockWasMovedBeforeTimeGoesBack) {
  const LogFolder folder;
  HandClock clock;
  auto log = open_log(folder, clock);
  clock.pass(5'000'000);
  clock.wall_us -= 400'000;  // waited for
  ASSERT_TRUE(log->append(std::vector{refused(7, 1)}).ok());
  clock.wall_us -= 60'000'000;
  ASSERT_TRUE(log->append(std::vector{refused(7, 2)}).ok());
  clock.pass(1'000'000);
  log.reset();
  clock.monotonic_us = 1'000;  // another boot, and the wall clock a day behind
  clock.wall_us -= std::int64_t{86'400} * 1'000'000;
  auto with = audit_test::options();
  with.boot = "ffeeddccbbaa99887766554433221100";
  log = open_log(folder, clock, with);
  ASSERT_TRUE(log->close().ok());
  const auto records = read_whole(folder);
  ASSERT_THAT(audit_test::types(records),
              ElementsAre("log.opened", "auth.failed", "clock.stepped", "auth.failed",
                          "clock.stepped", "log.opened", "log.closed"));
  EXPECT_EQ(records[2].body.find("step_us")->as_int(), -60'000'000);
  EXPECT_LE(records[1].time_us, records[2].time_us);
  EXPECT_LT(records[3].time_us, records[2].time_us);
  EXPECT_LT(records[5].time_us, records[4].time_us);
}

TEST(AuditLog, IsReadWhileItIsWritten) {
  const LogFolder folder;
  HandClock clock;
  const auto log = open_log(folder, clock);
  std::uint64_t number = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<Report> batch;
    for (int i = 0; i < 37; ++i) batch.push_back(refused(7, ++number));
    ASSERT_TRUE(log->append(batch).ok());
    if (round % 3 == 0) {
      ASSERT_TRUE(log->publish().ok());
    }
    if (round % 2 == 0) log->tidy();
    EXPECT_EQ(read_whole(folder).size(), log->size());
  }
}

TEST(AuditLog, KeepsSealedTexts) {
  const LogFolder folder;
  HandClock clock;
  auto log = open_log(folder, clock);
  auto one = refused(7, 1);
  one.sealed = "redoubt-sealed-1\n and what nobody here can read";
  ASSERT_TRUE(log->append(std::vector{one}).ok());
  log.reset();
  std::string found;
  for (const auto& file : folder.files()) {
    if (file.starts_with("sealed/")) found = file;
  }
  ASSERT_EQ(found.size(), std::string("sealed/ab/").size() + 64);
  folder.write(found, "torn");  // it was never synced; the journal has it
  log = open_log(folder, clock);
  EXPECT_EQ(folder.read(found), one.sealed);
}

TEST(AuditLog, IsNotOpenedWhenItEndsBeforeItsCheckpoint) {
  const LogFolder folder;
  HandClock clock;
  {
    const auto log = open_log(folder, clock);
    ASSERT_TRUE(log->append(std::vector{refused(7, 1)}).ok());
    ASSERT_TRUE(log->close().ok());
  }
  const LogFolder other;
  other.become_copy_of(folder);
  {
    const auto log = open_log(other, clock);
    ASSERT_TRUE(log->append(std::vector{refused(7, 1)}).ok());
    ASSERT_TRUE(log->close().ok());
  }
  folder.write("checkpoint", other.read("checkpoint"));
  const auto opened = daemon_audit::AuditLog::open(folder.fd(), audit_test::options(), clock);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, base::ErrorCode::kDenied);
}

TEST(AuditLog, IsNotOpenedWithATileThatSaysSomethingElse) {
  const LogFolder folder;
  write_log(folder, 300);
  for (const auto* path : {"tile/0/000", "tile/entries/001.p/44"}) {
    SCOPED_TRACE(path);
    const std::string good = folder.read(path);
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    folder.write(path, bad);
    HandClock clock;
    const auto opened = daemon_audit::AuditLog::open(folder.fd(), audit_test::options(), clock);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, base::ErrorCode::kDenied) << opened.error().message;
    folder.write(path, good);
  }
}

TEST(AuditLog, IsNotBegunOverTheRemainsOfAnother) {
  const LogFolder folder;
  write_log(folder, 3);
  ASSERT_EQ(::unlink((folder.path() + "/key").c_str()), 0);
  HandClock clock;
  const auto opened = daemon_audit::AuditLog::open(folder.fd(), audit_test::options(), clock);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, base::ErrorCode::kDenied);
}

}  // namespace
