// The whole sandbox, from inside a process that entered it.
#include "hardening/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "hardening/base/file.h"
#include "hardening/build_kind.h"
#include "tests/hardening/child_process.h"

namespace hardening {
namespace {

constexpr Identity kNobody{64'801, 64'801};

enum class Stage { kFirst, kLockedDown };

Policy gateway(int fd_count = 3) {
  return gateway_policy(kNobody, fd_count, 64);
}
Policy engine() {
  return engine_policy(kNobody, 3, -1);
}

Ending in_sandbox(const Policy& policy, Stage stage, const std::function<int()>& action) {
  return in_child([&] {
    auto sandbox = Sandbox::enter(policy);
    if (!sandbox.ok()) return kSetupFailed;
    if (stage == Stage::kLockedDown && !sandbox.value().lock_down().ok()) return kSetupFailed;
    return action();
  });
}

int error_of(long result) {
  return result >= 0 ? 0 : errno;
}

struct Attempt {
  const char* name;
  int (*action)();
  Ending locked_down;
};

// What somebody who has taken over a role would try next.
const Attempt kAttempts[] = {
    {"read a file", [] { return error_of(::open("/etc/passwd", O_RDONLY | O_CLOEXEC)); },
     exited(EACCES)},
    {"create a file",
     [] { return error_of(::open("/tmp/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); },
     exited(EACCES)},
    {"list the root", [] { return error_of(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); },
     exited(EACCES)},
    {"open a TCP socket", [] { return error_of(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); },
     killed_by(SIGSYS)},
    {"open a UDP socket", [] { return error_of(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)); },
     killed_by(SIGSYS)},
    {"open a UNIX socket",
     [] { return error_of(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }, killed_by(SIGSYS)},
    {"connect", [] { return error_of(::connect(2, nullptr, 0)); }, killed_by(SIGSYS)},
    {"execute", [] { return error_of(::execl("/bin/true", "true", nullptr)); }, killed_by(SIGSYS)},
    {"run a shell", [] { return std::system("true"); }, killed_by(SIGSYS)},  // NOLINT
    {"fork", [] { return error_of(::fork()); }, killed_by(SIGSYS)},
    {"trace the parent", [] { return error_of(::ptrace(PTRACE_ATTACH, ::getppid(), 0, 0)); },
     killed_by(SIGSYS)},
    {"mount", [] { return error_of(::mount("none", "/", "tmpfs", 0, "")); }, killed_by(SIGSYS)},
    {"unshare", [] { return error_of(::unshare(CLONE_NEWUSER)); }, killed_by(SIGSYS)},
    {"signal init", [] { return error_of(::kill(1, SIGTERM)); }, killed_by(SIGSYS)},
    {"signal another thread", [] { return error_of(::syscall(SYS_tgkill, 1, 1, SIGTERM)); },
     killed_by(SIGSYS)},
    {"map executable memory",
     [] {
       void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return page == MAP_FAILED ? errno : 0;
     },
     killed_by(SIGSYS)},
    {"make memory executable",
     [] {
       void* page =
           ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return error_of(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
     },
     killed_by(SIGSYS)},
    {"io_uring", [] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); },
     killed_by(SIGSYS)},
    {"bpf", [] { return error_of(::syscall(SYS_bpf, 0, nullptr, 0)); }, killed_by(SIGSYS)},
    {"keyctl", [] { return error_of(::syscall(SYS_keyctl, 0, 0, 0, 0, 0)); }, killed_by(SIGSYS)},
    {"userfaultfd", [] { return error_of(::syscall(SYS_userfaultfd, 0)); }, killed_by(SIGSYS)},
    {"perf_event_open", [] { return error_of(::syscall(SYS_perf_event_open, 0, 0, 0, 0, 0)); },
     killed_by(SIGSYS)},
    {"memfd_create", [] { return error_of(::memfd_create("x", MFD_CLOEXEC)); }, killed_by(SIGSYS)},
    {"become root", [] { return error_of(::setuid(0)); }, killed_by(SIGSYS)},
    {"loosen the sandbox", [] { return error_of(::syscall(SYS_seccomp, 0, 0, nullptr)); },
     killed_by(SIGSYS)},
    {"32-bit syscalls",
     [] {
       long result = 20;  // getpid by the i386 table
       __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
       return 0;
     },
     killed_by(SIGSYS)},
};

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizer builds run without seccomp and Landlock";
  }
};

TEST_F(SandboxTest, DeniesEveryAttemptInALockedDownGateway) {
  for (const Attempt& attempt : kAttempts) {
    EXPECT_EQ(in_sandbox(gateway(), Stage::kLockedDown, attempt.action), attempt.locked_down)
        << attempt.name;
  }
}

TEST_F(SandboxTest, DeniesEveryAttemptInALockedDownEngine) {
  for (const Attempt& attempt : kAttempts) {
    EXPECT_EQ(in_sandbox(engine(), Stage::kLockedDown, attempt.action), attempt.locked_down)
        << attempt.name;
  }
}

TEST_F(SandboxTest, DeniesEveryAttemptWhileARoleStillLoads) {
  for (const Attempt& attempt : kAttempts) {
    const bool still_allowed = std::strcmp(attempt.name, "loosen the sandbox") == 0;
    for (const Policy& policy : {gateway(), engine()}) {
      const Ending ending = in_sandbox(policy, Stage::kFirst, attempt.action);
      if (still_allowed) continue;
      EXPECT_FALSE(ending == exited(0)) << attempt.name << " by the " << policy.role;
      EXPECT_NE(ending, exited(kSetupFailed)) << attempt.name;
    }
  }
}

TEST_F(SandboxTest, AbortEndsInSigabrtAtBothStages) {
  const auto crash = []() -> int { std::abort(); };
  for (const Policy& policy : {gateway(), engine()}) {
    for (const Stage stage : {Stage::kFirst, Stage::kLockedDown}) {
      EXPECT_EQ(in_sandbox(policy, stage, crash), killed_by(SIGABRT)) << policy.role;
    }
  }
}

TEST_F(SandboxTest, OrdinaryWorkGoesOn) {
  const auto work = [] {
    for (std::size_t bytes = 1; bytes < (64u << 20); bytes *= 4) {
      std::string block(bytes, 'x');
      block.resize(bytes * 2);
      if (block.back() != '\0') return 1;
    }
    const timespec moment{0, 1'000};
    ::nanosleep(&moment, nullptr);
    pollfd nothing{-1, 0, 0};
    return ::poll(&nothing, 1, 0) == 0 && ::write(2, "", 0) == 0 ? 0 : 2;
  };
  for (const Policy& policy : {gateway(), engine()}) {
    EXPECT_EQ(in_sandbox(policy, Stage::kLockedDown, work), exited(0)) << policy.role;
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
        while (step != 2) std::this_thread::yield();
        if (misbehave) ::socket(AF_INET, SOCK_STREAM, 0);  // NOLINT
        step = 3;
      });
      while (step != 1) std::this_thread::yield();
      if (!sandbox.value().lock_down().ok()) return kSetupFailed;
      step = 2;
      other.join();
      return step == 3 ? 0 : 1;
    });
  };
  for (const Policy& policy : {gateway(), engine()}) {
    EXPECT_EQ(start_then_lock_down(policy, false), exited(0)) << policy.role;
    EXPECT_EQ(start_then_lock_down(policy, true), killed_by(SIGSYS)) << policy.role;
  }
}

TEST_F(SandboxTest, NoThreadStartsAfterLockDown) {
  EXPECT_EQ(in_sandbox(engine(), Stage::kLockedDown,
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
              const int connection = ::accept4(3, nullptr, nullptr, SOCK_CLOEXEC);
              char text[4];
              if (connection < 0 || ::recv(connection, text, 4, 0) != 4) return 1;
              return ::send(connection, "pong", 4, MSG_NOSIGNAL) == 4 ? 0 : 2;
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

TEST(Sandbox, ASanitizerBuildSaysWhatItLeavesOut) {
  if (!kSanitizerBuild) GTEST_SKIP() << "not a sanitizer build";
  EXPECT_EQ(in_child([] {
              auto sandbox = Sandbox::enter(gateway());
              if (!sandbox.ok() || !sandbox.value().lock_down().ok()) return kSetupFailed;
              const SandboxReport& report = sandbox.value().report();
              return !report.locked_down && report.skipped.size() >= 3 ? 0 : 1;
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
