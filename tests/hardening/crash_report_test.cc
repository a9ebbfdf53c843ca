#include "hardening/crash_report.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <regex>  // on text of our own
#include <thread>
#include <vector>

#include "hardening/base/file.h"
#include "hardening/build_kind.h"
#include "tests/hardening/child_process.h"

namespace hardening {
namespace {

class CrashReport : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizers report crashes themselves";
  }

  // Runs `crash` in a child that reports crashes; keeps what it wrote to standard error.
  Ending crash(const std::function<void()>& crash) {
    const base::Fd file(::memfd_create("stderr", MFD_CLOEXEC));
    const Ending ending = in_child([&] {
      if (::dup2(file.get(), STDERR_FILENO) != STDERR_FILENO) return kSetupFailed;
      install_crash_report("gateway");
      crash();
      return 0;
    });
    (void)::lseek(file.get(), 0, SEEK_SET);
    text_ = base::read_text(file, 4096).value();
    return ending;
  }

  std::string text_;
};

bool matches(const std::string& text, const char* pattern) {
  return std::regex_match(text, std::regex(pattern));
}

// How deep is the compiler's not to know.
volatile int g_depth = 1 << 30;  // NOLINT

int overflow(volatile char* above, int depth) {
  volatile char frame[4096];
  frame[0] = *above;
  return depth == 0 ? 0 : overflow(frame, depth - 1) + frame[0];
}

TEST_F(CrashReport, NamesSignalAddressAndInstruction) {
  volatile std::uintptr_t nowhere = 0x10;
  EXPECT_EQ(crash([&] { *reinterpret_cast<volatile int*>(nowhere) = 1; }), exited(128 + SIGSEGV));
  EXPECT_TRUE(
      matches(text_, "<3>gateway: crashed signal=SIGSEGV address=0x10 at=redoubt\\+0x[0-9a-f]+\n"))
      << text_;
}

TEST_F(CrashReport, SaysThatAnAbortWasOne) {
  EXPECT_EQ(crash([] { std::abort(); }), exited(128 + SIGABRT));
  EXPECT_TRUE(matches(text_, "<3>gateway: crashed signal=SIGABRT at=libc.*\\+0x[0-9a-f]+\n"))
      << text_;
}

TEST_F(CrashReport, KnowsTheOtherSignals) {
  for (const int signal : {SIGBUS, SIGILL, SIGFPE}) {
    EXPECT_EQ(crash([&] { ::raise(signal); }), exited(128 + signal));
    EXPECT_NE(text_.find(std::string("signal=SIG") + ::sigabbrev_np(signal)), text_.npos) << text_;
  }
}

TEST_F(CrashReport, HasAStackOfItsOwn) {
  char above = 0;
  EXPECT_EQ(crash([&] { (void)overflow(&above, g_depth); }), exited(128 + SIGSEGV));
  EXPECT_NE(text_.find("signal=SIGSEGV"), text_.npos) << text_;
}

TEST_F(CrashReport, SpeaksOfOtherThreadsToo) {
  EXPECT_EQ(crash([] { std::thread([] { std::abort(); }).join(); }), exited(128 + SIGABRT));
}

TEST_F(CrashReport, IsOneLineWhateverManyThreadsDo) {
  EXPECT_EQ(crash([] {
              std::vector<std::thread> threads;
              for (int i = 0; i < 8; ++i) threads.emplace_back([] { std::abort(); });
              for (auto& thread : threads) thread.join();
            }),
            exited(128 + SIGABRT));
  EXPECT_EQ(std::count(text_.begin(), text_.end(), '\n'), 1) << text_;
}

TEST_F(CrashReport, LeavesOtherEndsAlone) {
  EXPECT_EQ(crash([] { ::_exit(3); }), exited(3));
  EXPECT_EQ(crash([] { ::raise(SIGTERM); }), killed_by(SIGTERM));
  EXPECT_EQ(text_, "");
}

TEST(CrashSignal, IsReadFromTheExitStatus) {
  const auto own = reported_crash(128 + SIGSEGV);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->signal, SIGSEGV);
  EXPECT_FALSE(own->sent);
  const auto sent = reported_crash(192 + SIGABRT);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->signal, SIGABRT);
  EXPECT_TRUE(sent->sent);
  EXPECT_FALSE(reported_crash(128 + SIGKILL));
  EXPECT_FALSE(reported_crash(1));
}

}  // namespace
}  // namespace hardening
