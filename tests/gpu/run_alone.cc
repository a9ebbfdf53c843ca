#include "tests/gpu/run_alone.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace gpu_test {
namespace {

constexpr char kWord[] = "REDOUBT_GPU_CHILD";
constexpr int kTenthsMax = 1200;

}  // namespace

int run_alone(const std::string& name, const std::string& word) {
  char path[4096] = {};
  if (::readlink("/proc/self/exe", path, sizeof path - 1) <= 0) return -1;
  const std::string filter = "--gtest_filter=" + name;
  const pid_t child = ::fork();
  if (child < 0) return -1;
  if (child == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)::setenv(kWord, word.c_str(), 1);
    ::execl(path, path, filter.c_str(), static_cast<char*>(nullptr));
    ::_exit(126);
  }
  int status = 0;
  for (int tenths = 0; tenths < kTenthsMax; ++tenths) {
    if (::waitpid(child, &status, WNOHANG) == child) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    (void)::usleep(100'000);
  }
  (void)::kill(child, SIGKILL);
  (void)::waitpid(child, &status, 0);
  return -2;
}

const char* child_word() {
  return std::getenv(kWord);
}

void leave() {
  std::fflush(nullptr);
  ::_exit(testing::Test::HasFailure() ? 1 : 0);
}

}  // namespace gpu_test
