// The whole sandbox, from inside a process that entered it.
#include "hardening/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <thread>

#include "hardening/base/file.h"
#include "hardening/build_kind.h"
#include "hardening/crash_report.h"
#include "hardening/privileges.h"
#include "tests/hardening/attempts.h"
#include "tests/hardening/child_process.h"
#include "tests/hardening/roles.h"

namespace hardening {
namespace {

Policy gateway(int fd_count = 3) {
  return gateway_policy(kNobody, fd_count, 64);
}

Ending in_sandbox(const Policy& policy, Stage stage, const std::function<int()>& action) {
  return in_child([&] {
    auto sandbox = Sandbox::enter(policy);
    if (!sandbox.ok()) return kSetupFailed;
    if (stage == Stage::kLockedDown && !sandbox.value().lock_down().ok()) return kSetupFailed;
    return action();
  });
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizer builds run without seccomp and Landlock";
  }
};

TEST_F(SandboxTest, DeniesEveryAttemptOfEveryRoleAtBothStages) {
  for (const Policy& policy : all_policies()) {
    for (const Stage stage : {Stage::kLoading, Stage::kLockedDown}) {
      for (const Attempt& attempt : attempts()) {
        const Ending ending = in_sandbox(policy, stage, attempt.action);
        EXPECT_NE(ending, exited(0)) << attempt.name << " by the " << policy.facts().role;
        EXPECT_NE(ending, exited(kSetupFailed)) << attempt.name;
      }
    }
    std::printf("count: %s: %zu attempts denied at each of 2 stages\n",
                std::string(policy.facts().role).c_str(), attempts().size());
  }
}

// Where a library may try in passing, an error; everywhere else the end.
TEST_F(SandboxTest, ALockedDownRoleEndsAtAlmostEveryAttempt) {
  const std::set<std::string> errors = {"read a file", "read the shadow file", "create a file",
                                        "list the root", "type into the terminal"};
  for (const Policy& policy : {gateway(), engine_policy(kNobody, 3, -1)}) {
    for (const Attempt& attempt : attempts()) {
      const bool error = errors.contains(attempt.name);
      EXPECT_EQ(in_sandbox(policy, Stage::kLockedDown, attempt.action),
                error ? exited(EACCES) : killed_by(SIGSYS))
          << attempt.name << " by the " << policy.facts().role;
    }
  }
}

TEST_F(SandboxTest, AbortEndsInSigabrtAtBothStages) {
  const auto crash = []() -> int { std::abort(); };
  for (const Policy& policy : all_policies()) {
    for (const Stage stage : {Stage::kLoading, Stage::kLockedDown})
      EXPECT_EQ(in_sandbox(policy, stage, crash), killed_by(SIGABRT)) << policy.facts().role;
  }
}

TEST_F(SandboxTest, ACrashIsReportedAtBothStages) {
  for (const Policy& policy : all_policies()) {
    for (const Stage stage : {Stage::kLoading, Stage::kLockedDown}) {
      EXPECT_EQ(in_child([&] {
                  install_crash_report("test");
                  auto sandbox = Sandbox::enter(policy);
                  if (!sandbox.ok()) return kSetupFailed;
                  if (stage == Stage::kLockedDown && !sandbox.value().lock_down().ok())
                    return kSetupFailed;
                  std::abort();
                }),
                exited(128 + SIGABRT))
          << policy.facts().role;
    }
  }
}

// A wait with a deadline that is stopped goes on by restart_syscall.
TEST_F(SandboxTest, AWaitSurvivesAStop) {
  for (const Policy& policy : {gateway(), engine_policy(kNobody, 3, -1)}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto sandbox = Sandbox::enter(policy);
      if (!sandbox.ok() || !sandbox.value().lock_down().ok()) ::_exit(kSetupFailed);
      std::uint32_t word = 0;
      const timespec while_waiting{0, 300'000'000};
      const long result =
          ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &while_waiting, nullptr, 0);
      ::_exit(result < 0 && errno == ETIMEDOUT ? 0 : 1);
    }
    ::usleep(100'000);
    ::kill(pid, SIGSTOP);
    ::usleep(10'000);
    ::kill(pid, SIGCONT);
    int ending = 0;
    ASSERT_EQ(::waitpid(pid, &ending, 0), pid);
    EXPECT_EQ(ending, 0) << policy.facts().role;
  }
}

TEST_F(SandboxTest, TheRootIsEmpty) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, or a supervisor";
  EXPECT_EQ(in_child([] {
              const int root = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
              if (root < 0 || ::dup2(root, 3) != 3) return kSetupFailed;
              auto sandbox = Sandbox::enter(engine_policy(kNobody, 4, 3));
              if (!sandbox.ok() || sandbox.value().report().root != "empty") return kSetupFailed;
              // Landlock lets us read beneath the old root, which we still hold.
              if (::syscall(SYS_openat, 3, "etc", 0) >= 0) return 1;
              open_how how{};
              how.flags = O_RDONLY | O_CLOEXEC;
              if (::syscall(SYS_openat2, 3, "etc/passwd", &how, sizeof how) < 0) return 2;
              return ::syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &how, sizeof how) >= 0 ? 3
                     : errno == ENOENT                                                      ? 0
                                                                                            : errno;
            }),
            exited(0));
}

TEST_F(SandboxTest, OrdinaryWorkGoesOn) {
  const auto work = [] {
    for (std::size_t bytes = 1; bytes < (64u << 20); bytes *= 4) {
      std::string block(bytes, 'x');
      block.resize(bytes * 2);
      if (block.back() != '\0') return 1;
    }
    pollfd nothing{-1, 0, 0};
    return ::poll(&nothing, 1, 0) == 0 && ::write(2, "", 0) == 0 ? 0 : 2;
  };
  for (const Policy& policy : {engine_policy(kNobody, 3, -1), gpu_engine_policy(kNobody, 3, -1)}) {
    EXPECT_EQ(in_sandbox(policy, Stage::kLockedDown, work), exited(0)) << policy.facts().role;
  }
}

TEST_F(SandboxTest, ThreadsStartWhileLoadingAndAreBoundByTheTightList) {
  const auto start_then_lock_down = [](const Policy& policy, bool misbehave) {
    return in_child([&] {
      auto sandbox = Sandbox::enter(policy);
      if (!sandbox.ok()) return kSetupFailed;
      std::atomic<int> step{0};
      std::thread other([&] {
        step = 1;
        while (step != 2) continue;
        if (misbehave) ::socket(AF_INET, SOCK_STREAM, 0);  // NOLINT
        step = 3;
      });
      while (step != 1) continue;
      if (!sandbox.value().lock_down().ok()) return kSetupFailed;
      step = 2;
      other.join();
      return step == 3 ? 0 : 1;
    });
  };
  for (const Policy& policy : {gateway(), engine_policy(kNobody, 3, -1)}) {
    EXPECT_EQ(start_then_lock_down(policy, false), exited(0)) << policy.facts().role;
    EXPECT_EQ(start_then_lock_down(policy, true), killed_by(SIGSYS)) << policy.facts().role;
  }
}

TEST_F(SandboxTest, NoThreadStartsAfterLockDown) {
  EXPECT_EQ(in_sandbox(engine_policy(kNobody, 3, -1), Stage::kLockedDown,
                       [] {
                         std::thread([] {}).join();
                         return 0;
                       }),
            killed_by(SIGSYS));
}

// The listening socket was made outside; a network namespace of one's own does not take it away.
TEST_F(SandboxTest, AHandedOverListenerStillServes) {
  const base::Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), bytes), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &bytes), 0);
  const base::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), bytes), 0);
  ASSERT_EQ(::send(client.get(), "ping", 4, 0), 4);
  EXPECT_EQ(in_child([&] {
              if (::dup2(listener.get(), 3) != 3) return kSetupFailed;
              auto sandbox = Sandbox::enter(gateway(4));
              if (!sandbox.ok() || !sandbox.value().lock_down().ok()) return kSetupFailed;
              const int connection = ::accept4(3, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
              char text[4];
              if (connection < 0 || ::read(connection, text, 4) != 4) return 1;
              return ::write(connection, "pong", 4) == 4 ? 0 : 2;
            }),
            exited(0));
  char text[5] = {};
  EXPECT_EQ(::recv(client.get(), text, 4, 0), 4);
  EXPECT_STREQ(text, "pong");
}

TEST_F(SandboxTest, TheEngineReadsItsModelWhileLoadingAndNoMoreAfterwards) {
  char name[] = "/tmp/redoubt-sandbox-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const std::string directory = name;
  ASSERT_EQ(::chmod(name, 0755), 0);
  ASSERT_TRUE(base::replace_file(directory + "/weights", "w", 0644).ok());
  EXPECT_EQ(in_child([&] {
              const base::Fd fd = base::open_file(directory, O_RDONLY | O_DIRECTORY).value();
              if (::dup2(fd.get(), 3) != 3) return kSetupFailed;
              auto sandbox = Sandbox::enter(engine_policy(kNobody, 4, 3));
              if (!sandbox.ok()) return kSetupFailed;
              const base::Fd model(3);
              if (!base::open_beneath(model, "weights", O_RDONLY).ok()) return 1;
              if (base::open_beneath(model, "weights", O_WRONLY).ok()) return 2;
              if (base::open_file("/etc/passwd", O_RDONLY).ok()) return 3;
              if (!sandbox.value().lock_down().ok()) return 4;
              return base::open_beneath(model, "weights", O_RDONLY).ok() ? 5 : 0;
            }),
            exited(0));
  ::unlink((directory + "/weights").c_str());
  ::rmdir(name);
}

TEST_F(SandboxTest, ReportsWhatItReached) {
  EXPECT_EQ(
      in_child([] {
        auto sandbox = Sandbox::enter(gateway());
        if (!sandbox.ok()) return kSetupFailed;
        const SandboxReport& report = sandbox.value().report();
        if (report.locked_down || !report.no_new_privs || !report.capabilities_empty ||
            report.dumpable)
          return 1;
        const auto first = report.seccomp_allowed;
        if (first == 0 || !sandbox.value().lock_down().ok()) return 2;
        return report.locked_down && report.seccomp_allowed < first && report.role == "gateway" ? 0
                                                                                                : 3;
      }),
      exited(0));
}

// Every thread in seccomp mode 2, seen from outside.
TEST_F(SandboxTest, TheKernelAgrees) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const base::Fd ours(ends[0]);
  base::Fd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::dup2(theirs.get(), 3) != 3) ::_exit(kSetupFailed);
    auto sandbox = Sandbox::enter(gateway(4));
    if (!sandbox.ok() || !sandbox.value().lock_down().ok()) ::_exit(kSetupFailed);
    char c = 'r';
    (void)!::write(3, &c, 1);
    (void)!::read(3, &c, 1);
    ::_exit(0);
  }
  (void)theirs.close();
  char c = 0;
  ASSERT_EQ(::read(ours.get(), &c, 1), 1);
  const base::Fd file =
      base::open_file("/proc/" + std::to_string(pid) + "/status", O_RDONLY).value();
  std::string status(8192, '\0');
  status.resize(base::read_full(file, std::as_writable_bytes(std::span(status))).value());
  EXPECT_NE(status.find("Seccomp:\t2\n"), status.npos);
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), status.npos);
  EXPECT_NE(status.find("CapEff:\t0000000000000000\n"), status.npos);
  ASSERT_EQ(::write(ours.get(), &c, 1), 1);
  int ending = 0;
  ASSERT_EQ(::waitpid(pid, &ending, 0), pid);
  EXPECT_EQ(ending, 0);
}

TEST_F(SandboxTest, MemoryFilesGrowUntilLockDownAndNoMoreAfterwards) {
  EXPECT_EQ(in_child([] {
              const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
              if (::dup2(null, 2) != 2) return kSetupFailed;  // a test's log may be a file
              auto sandbox = Sandbox::enter(engine_policy(kNobody, 3, -1));
              const int fd = ::memfd_create("weights", MFD_CLOEXEC | MFD_ALLOW_SEALING);
              if (!sandbox.ok() || ::ftruncate(fd, 8192) != 0) return kSetupFailed;
              void* pages = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
              if (pages == MAP_FAILED || !sandbox.value().lock_down().ok()) return kSetupFailed;
              std::memset(pages, 1, 8192);  // what is mapped stays
              return 0;
            }),
            exited(0));
  // The limit that lock_down() sets holds for memory files too, whatever the seccomp list says.
  EXPECT_EQ(in_child([] {
              const int fd = ::memfd_create("weights", MFD_CLOEXEC);
              if (!lower_limit(RLIMIT_FSIZE, 0).ok()) return kSetupFailed;
              return ::ftruncate(fd, 8192) == 0 ? 1 : errno;
            }),
            killed_by(SIGXFSZ));
}

TEST(Sandbox, ASanitizerBuildSaysWhatItLeavesOut) {
  const Policy policy = gateway().loosened(Loosening::for_sanitizers());
  EXPECT_EQ(policy.loosened_texts().size(), kSanitizerBuild ? 5u : 0u);
  if (!kSanitizerBuild) return;
  EXPECT_EQ(in_child([&] {
              auto sandbox = Sandbox::enter(policy);
              if (!sandbox.ok() || !sandbox.value().lock_down().ok()) return kSetupFailed;
              const SandboxReport& report = sandbox.value().report();
              return !report.locked_down && report.loosened.size() == 5 ? 0 : 1;
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
