// What is left of a log when its process, its disk or its space is gone in the middle.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <new>

#include "daemon/audit/log/audit_log.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"
#include "tests/daemon/audit/log/log_folder.h"

namespace {

using audit_test::HandClock;
using audit_test::LogFolder;
using audit_test::open_log;
using audit_test::read_whole;
using audit_test::refused;
using daemon_audit::Report;
using ::testing::ElementsAre;

base::Status append(daemon_audit::AuditLog& log, std::vector<Report> reports) {
  TRY(log.append(reports));
  return {};
}

TEST(LogRecovery, LosesNothingAcknowledgedWhereverTheJournalIsCut) {
  const LogFolder folder;
  HandClock clock;
  const std::size_t begun = [&] {
    const auto log = open_log(folder, clock);
    return folder.read(folder.only_journal()).size();
  }();
  // A second start says the first record again and its own: what follows is appended.
  std::vector<std::pair<std::size_t, std::uint64_t>> acknowledged;  // bytes, entries
  {
    const auto log = open_log(folder, clock);
    const auto note = [&] {
      acknowledged.emplace_back(folder.read(folder.only_journal()).size(), log->size());
    };
    note();
    ASSERT_TRUE(append(*log, {refused(7, 1)}).ok());
    note();
    ASSERT_TRUE(append(*log, {refused(7, 2), audit_test::admitted(7, 3, "req-a")}).ok());
    note();
  }
  const std::string journal = folder.only_journal();
  const std::string whole = folder.read(journal);
  ASSERT_GT(acknowledged.front().first, begun);
  const LogFolder cut;
  for (std::size_t bytes = acknowledged.front().first; bytes <= whole.size(); ++bytes) {
    std::uint64_t expected = 0;
    for (const auto& [end, entries] : acknowledged) {
      if (end <= bytes) expected = entries;
    }
    cut.become_copy_of(folder);
    cut.write(journal, std::string_view(whole).substr(0, bytes));
    const auto log = open_log(cut, clock);
    ASSERT_NE(log, nullptr) << bytes;
    ASSERT_EQ(log->size(), expected + 1) << bytes;
    ASSERT_EQ(log->through(7), expected == 5 ? 3U : (expected == 3 ? 1U : 0U)) << bytes;
    if (bytes % 16 == 0) read_whole(cut);
  }
}

TEST(LogRecovery, RefusesAJournalWhoseBeginningIsGone) {
  const LogFolder folder;
  HandClock clock;
  open_log(folder, clock);
  const std::string journal = folder.only_journal();
  const std::string whole = folder.read(journal);
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{3}, std::size_t{20}, whole.size() - 1}) {
    folder.write(journal, std::string_view(whole).substr(0, bytes));
    const auto opened = daemon_audit::AuditLog::open(folder.fd(), audit_test::options(), clock);
    ASSERT_FALSE(opened.ok()) << bytes;
    EXPECT_EQ(opened.error().code, base::ErrorCode::kDenied);
  }
}

// Files that were not synced may be lost, or be of any content, when the power fails.
TEST(LogRecovery, WritesAnewWhatWasNotSynced) {
  const LogFolder folder;
  HandClock clock;
  {
    const auto log = open_log(folder, clock);
    std::uint64_t number = 0;
    for (int round = 0; round < 11; ++round) {
      std::vector<Report> batch;
      for (int i = 0; i < 60; ++i) batch.push_back(refused(7, ++number));
      ASSERT_TRUE(log->append(batch).ok());
      if (round % 4 == 3) {
        ASSERT_TRUE(log->publish().ok());
      }
    }
  }
  const LogFolder torn;
  for (const std::string garbage : {"", "garbage", "gone"}) {
    torn.become_copy_of(folder);
    for (const auto& file : torn.files()) {
      if (!file.starts_with("tile/") && file != "checkpoint") continue;
      if (garbage == "gone") {
        ::unlink((torn.path() + "/" + file).c_str());
      } else {
        torn.write(file, garbage);
      }
    }
    const auto log = open_log(torn, clock);
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(log->size(), 662U);
    EXPECT_EQ(read_whole(torn).size(), 662U);
    ASSERT_TRUE(log->close().ok());
    EXPECT_EQ(read_whole(torn).size(), 663U);
    EXPECT_FALSE(torn.files().contains("tile/0/001.p/1"));
  }
}

class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &former_);
    rlimit limit = former_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &former_); }

 private:
  rlimit former_{};
};

TEST(LogRecovery, BeginsAnotherJournalAfterAWriteThatFailed) {
  const LogFolder folder;
  HandClock clock;
  auto log = open_log(folder, clock);
  ASSERT_TRUE(append(*log, {refused(7, 1)}).ok());
  const std::size_t bytes = folder.read(folder.only_journal()).size();
  auto proven = refused(7, 2);
  proven.prove = true;
  auto own = audit_test::report(0, 1, "log.resumed",
                                base::Json::object({{"why", "test"}, {"failed_ms", 1}}));
  {
    const FileSizeLimit limit(bytes + 100);
    EXPECT_FALSE(append(*log, {proven, own}).ok());
    EXPECT_FALSE(append(*log, {proven, own, refused(7, 3)}).ok());
    EXPECT_EQ(log->size(), 2U);
    EXPECT_EQ(log->through(7), 1U);
    EXPECT_FALSE(log->publish().ok());
  }
  const auto proofs = log->append(std::vector{proven, own, refused(7, 3)});
  ASSERT_TRUE(proofs.ok());
  ASSERT_EQ(proofs.value().size(), 1U);
  EXPECT_EQ(proofs.value()[0].index, 2U);
  EXPECT_EQ(log->size(), 5U);
  EXPECT_EQ(log->through(7), 3U);
  log.reset();
  log = open_log(folder, clock);
  ASSERT_TRUE(log->close().ok());
  EXPECT_THAT(audit_test::types(read_whole(folder)),
              ElementsAre("log.opened", "auth.failed", "auth.failed", "log.resumed", "auth.failed",
                          "log.opened", "log.closed"));
}

// The failed write was of a batch that filled bundles.
TEST(LogRecovery, BeginsAnotherJournalInTheMiddleOfABundle) {
  const LogFolder folder;
  HandClock clock;
  auto log = open_log(folder, clock);
  std::uint64_t number = 0;
  const auto some = [&](std::uint64_t count) {
    std::vector<Report> batch;
    for (std::uint64_t i = 0; i < count; ++i) batch.push_back(refused(7, ++number));
    return batch;
  };
  ASSERT_TRUE(append(*log, some(300)).ok());
  const std::size_t bytes = folder.read(folder.only_journal()).size();
  const auto batch = some(700);
  {
    const FileSizeLimit limit(bytes + 100'000);
    EXPECT_FALSE(append(*log, batch).ok());
  }
  EXPECT_EQ(log->size(), 301U);
  ASSERT_TRUE(append(*log, batch).ok());
  EXPECT_EQ(log->size(), 1'001U);
  while (log->tidy()) continue;  // the file with the torn end goes
  EXPECT_EQ(read_whole(folder).size(), 1'001U);
  log.reset();
  log = open_log(folder, clock);
  EXPECT_EQ(log->size(), 1'002U);
  EXPECT_EQ(read_whole(folder).size(), 1'002U);
}

TEST(LogRecovery, HasSpaceForWhatIsToBeSaidOfItselfWhenTheDiskIsFull) {
  const LogFolder mount;
  if (::mount("none", mount.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    GTEST_SKIP() << "no file system can be mounted here";
  }
  struct Unmount {
    const std::string& path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{mount.path()};
  HandClock clock;
  auto log = open_log(mount, clock);
  ASSERT_NE(log, nullptr);
  const int filler = ::open((mount.path() + "/filler").c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string block(4'096, 'x');
  while (::write(filler, block.data(), block.size()) > 0) continue;

  std::uint64_t number = 0;
  base::Status last;
  while (last.ok() && number < 10'000) last = append(*log, {refused(7, ++number)});
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, base::ErrorCode::kExhausted);
  EXPECT_EQ(log->through(7), number - 1);
  const auto about = audit_test::report(3, 1, "log.capacity",
                                        base::Json::object({{"percent", 100}, {"free_bytes", 0}}));
  EXPECT_TRUE(append(*log, {about}).ok());
  EXPECT_FALSE(append(*log, {refused(7, number)}).ok());

  ASSERT_EQ(::ftruncate(filler, 0), 0);
  ::close(filler);
  ::unlink((mount.path() + "/filler").c_str());
  EXPECT_TRUE(append(*log, {refused(7, number)}).ok());
  while (log->tidy()) continue;
  ASSERT_TRUE(log->close().ok());
  EXPECT_EQ(read_whole(mount).size(), number + 3);
}

// The child's life: everything a log does, and how far it was acknowledged.
void live(const LogFolder& folder, volatile std::uint64_t* acknowledged) {
  HandClock clock;
  auto log = daemon_audit::AuditLog::open(folder.fd(), audit_test::options(), clock);
  if (!log.ok()) return;
  std::uint64_t number = log.value()->through(7);
  for (int round = 0; round < 4; ++round) {
    std::vector<Report> batch;
    for (int i = 0; i < 90; ++i) batch.push_back(refused(7, ++number));
    ++number;
    batch.push_back(audit_test::admitted(7, number, "req-" + std::to_string(number)));
    batch.back().sealed = "sealed text " + std::to_string(number);
    const auto digest = base::to_hex(provisioning::sha256(batch.back().sealed));
    batch.back().body.set(
        "sealed", base::Json::object(
                      {{"digest", digest}, {"bytes", std::uint64_t{batch.back().sealed.size()}}}));
    if (!append(*log.value(), batch).ok()) return;
    *acknowledged = number;
    if (!log.value()->publish().ok()) return;
    log.value()->tidy();
  }
  (void)log.value()->close();
}

// Lets the child go on to the n-th stop at a system call, then kills it; false: it ended before.
bool kill_at(const LogFolder& folder, volatile std::uint64_t* acknowledged, int stop) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(9);
    ::raise(SIGSTOP);
    live(folder, acknowledged);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (int at = 0; WIFSTOPPED(status); ++at) {
    if (at == stop) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return true;
    }
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "cannot trace";
  return false;
}

TEST(LogRecovery, LosesNothingAcknowledgedWhereverItsProcessIsKilled) {
  void* shared = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* acknowledged = new (shared) std::uint64_t(0);
  HandClock clock;
  const LogFolder empty;
  const LogFolder folder;
  int killed = 0;
  // Every stop is one of the suite's; here a few, spread over the whole life.
  for (int stop = 1;; stop += 7) {
    folder.become_copy_of(empty);
    *acknowledged = 0;
    if (!kill_at(folder, acknowledged, stop)) break;
    ++killed;
    const auto log = open_log(folder, clock);
    ASSERT_NE(log, nullptr) << "killed at " << stop;
    const auto records = read_whole(folder);
    std::uint64_t reports = 0;
    for (const auto& record : records) {
      reports += record.role == daemon_audit::Reporter::kGateway ? 1U : 0U;
    }
    ASSERT_GE(reports, *acknowledged) << "killed at " << stop;
    // A log that came to its end has no writers any more, once its journal is gone.
    const bool closed = std::ranges::count(audit_test::types(records), "log.closed") > 0;
    ASSERT_TRUE(log->through(7) == reports || (closed && log->through(7) == 0))
        << "killed at " << stop;
  }
  EXPECT_GT(killed, 50);
  ::munmap(shared, sizeof(std::uint64_t));
}

}  // namespace
