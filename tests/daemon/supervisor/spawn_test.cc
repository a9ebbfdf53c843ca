#include "daemon/supervisor/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <regex>  // on text of our own

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

std::string wait_for(const Child& child) {
  pollfd wait{child.pidfd.get(), POLLIN, 0};
  (void)::poll(&wait, 1, 5'000);
  return reap(child).how;
}

// Runs a shell command with a pipe as descriptor 1; gives back what it wrote and how it ended.
struct Outcome {
  std::string text;
  std::string ending;
};

Outcome run_shell(const std::string& command, std::vector<std::string> environment = {},
                  hardening::Identity identity = {}) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const base::Fd read_end(ends[0]);
  base::Fd write_end(ends[1]);
  const base::Fd shell = base::open_file("/bin/sh", O_PATH).value();
  const base::Fd null = base::open_file("/dev/null", O_RDWR).value();
  auto child = spawn({shell.get(),
                      {"sh", "-c", command},
                      std::move(environment),
                      {null.get(), write_end.get(), null.get()},
                      identity});
  EXPECT_TRUE(child.ok());
  EXPECT_TRUE(write_end.close().ok());
  Outcome outcome;
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(read_end.get(), bytes, sizeof bytes)) > 0;) {
    outcome.text.append(bytes, static_cast<std::size_t>(got));
  }
  outcome.ending = wait_for(child.value());
  return outcome;
}

std::string run_and_signal(int signal) {
  const base::Fd shell = base::open_file("/bin/sh", O_PATH).value();
  const base::Fd null = base::open_file("/dev/null", O_RDWR).value();
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const base::Fd never(ends[0]), writer(ends[1]);  // nobody writes, and nobody closes it
  auto child =
      spawn({shell.get(), {"sh", "-c", "read x"}, {}, {never.get(), null.get(), null.get()}, {}});
  EXPECT_TRUE(child.ok());
  ::kill(child.value().pid, signal);
  return wait_for(child.value());
}

TEST(Spawn, SaysHowAChildEnded) {
  EXPECT_EQ(run_shell("exit 0").ending, "exited with status 0");
  EXPECT_EQ(run_shell("exit 3").ending, "exited with status 3");
}

// Process 1 of a pid namespace: from outside, only SIGKILL is sure to end it.
TEST(Spawn, SaysWhatKilledAChild) {
  EXPECT_EQ(run_and_signal(SIGKILL), "killed by SIGKILL");
}

// hardening::install_crash_report() ends a role with 128 + signal; one that could not is the same.
TEST(Spawn, ACrashIsACrashWhoeverReportsIt) {
  EXPECT_EQ(run_shell("exit 139").ending, "crashed by SIGSEGV");
  EXPECT_EQ(run_shell("exit 134").ending, "crashed by SIGABRT");
  EXPECT_EQ(run_shell("exit 137").ending, "exited with status 137");  // no report has SIGKILL
}

TEST(Spawn, AChildIsTheFirstOfItsPidNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(run_shell("echo $$; kill -TERM $$; kill -KILL $$; echo alive").text, "1\nalive\n");
}

// With an identity the child gets a user namespace in which only that user exists, and what it
// needs to become it; nothing of that is any good outside.
TEST(Spawn, AChildWithAnIdentityHoldsCapabilitiesInAUserNamespaceOfOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const char* const command =
      "cat /proc/self/uid_map /proc/self/gid_map; grep CapEff /proc/self/status; "
      "chown 1 / 2>/dev/null || echo no chown";
  const std::string text = run_shell(command, {"PATH=/usr/bin:/bin"}, {64'801, 64'802}).text;
  EXPECT_EQ(std::regex_replace(text, std::regex("[ \t]+"), " "),
            " 64801 64801 1\n 64802 64802 1\nCapEff: 00000000002401c0\nno chown\n");
}

// Whether a process can be started whose clone() into a pid namespace fails with `error`.
bool starts_despite(int error) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWPID, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(2);
    const base::Fd null = base::open_file("/dev/null", O_RDWR).value();
    auto child = spawn({null.get(), {"x"}, {}, {null.get(), null.get(), null.get()}, {1, 1}});
    ::_exit(child.ok() ? 0 : 1);
  }
  int ending = 0;
  EXPECT_EQ(::waitpid(pid, &ending, 0), pid);
  EXPECT_TRUE(WIFEXITED(ending) && WEXITSTATUS(ending) < 2);
  return ending == 0;
}

TEST(Spawn, GoesWithoutANamespaceThatIsRefusedButNotForWantOfMemory) {
  for (const int refusal : {EPERM, EINVAL, ENOSPC}) EXPECT_TRUE(starts_despite(refusal)) << refusal;
  for (const int shortage : {EAGAIN, ENOMEM}) EXPECT_FALSE(starts_despite(shortage)) << shortage;
}

TEST(Spawn, GivesOnlyTheDescriptorsItNames) {
  const base::Fd other = base::open_file("/dev/null", O_RDONLY).value();
  ASSERT_EQ(::fcntl(other.get(), F_SETFD, 0), 0);  // would be inherited by a plain exec
  // The shell's own directory listing adds one descriptor of its own.
  EXPECT_EQ(run_shell("for f in /proc/self/fd/*; do echo ${f##*/}; done").text.substr(0, 6),
            "0\n1\n2\n");
  EXPECT_EQ(
      run_shell("test -e /proc/self/fd/" + std::to_string(other.get()) + " && echo open").text, "");
}

TEST(Spawn, GivesOnlyTheEnvironmentItNames) {
  ASSERT_EQ(::setenv("REDOUBT_CANARY", "x", 1), 0);
  EXPECT_EQ(run_shell("echo \"[$REDOUBT_CANARY][$GIVEN]\"", {"GIVEN=yes"}).text, "[][yes]\n");
}

TEST(Spawn, TheChildBlocksNoSignal) {
  sigset_t all;
  ::sigfillset(&all);
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &all, &before);
  // exec: a shell that waits for a child blocks signals of its own accord.
  const Outcome outcome = run_shell("exec grep SigBlk /proc/self/status", {"PATH=/usr/bin:/bin"});
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(outcome.text, "SigBlk:\t0000000000000000\n");
}

TEST(Spawn, TheChildLeadsASession) {
  const std::string text =
      run_shell("exec cut -d' ' -f1,6 /proc/self/stat", {"PATH=/usr/bin:/bin"}).text;
  const auto space = text.find(' ');
  EXPECT_EQ(text.substr(0, space) + "\n", text.substr(space + 1));
}

TEST(Spawn, AMissingExecutableIsAnExitNotAHang) {
  const base::Fd null = base::open_file("/dev/null", O_RDWR).value();
  auto child = spawn({null.get(), {"x"}, {}, {null.get(), null.get(), null.get()}, {}});
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(wait_for(child.value()), "exited with status 127");
}

TEST(Spawn, ARunningChildIsNotReaped) {
  const base::Fd shell = base::open_file("/bin/sh", O_PATH).value();
  const base::Fd null = base::open_file("/dev/null", O_RDWR).value();
  auto child =
      spawn({shell.get(), {"sh", "-c", "read x"}, {}, {null.get(), null.get(), null.get()}, {}});
  ASSERT_TRUE(child.ok());
  ::kill(child.value().pid, SIGSTOP);
  EXPECT_EQ(reap(child.value()).how, "");
  ::kill(child.value().pid, SIGKILL);
  EXPECT_EQ(wait_for(child.value()), "killed by SIGKILL");
}

}  // namespace
}  // namespace daemon_supervisor
