// systemd's side is played in a child process: it places descriptors from 3 on and sets the
// variables of sd_listen_fds(3), which say whose they are.
#include "daemon/supervisor/handed_over.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

base::Fd make_socket() {
  return base::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

base::Fd make_weights() {
  base::Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), 4'096), 0);
  EXPECT_EQ(
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
  return fd;
}

base::Fd make_other() {
  return base::open_file("/dev/null", O_RDWR).value();
}

struct Given {
  std::string name;
  base::Fd fd;
};

// Whether `check` holds for what a process finds that was handed `given`.
bool found(std::vector<Given> given, const std::function<bool(const HandedOver&)>& check) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string names;
    std::vector<int> high;
    for (const Given& g : given) {
      names += (names.empty() ? "" : ":") + g.name;
      high.push_back(::fcntl(g.fd.get(), F_DUPFD, 100));
    }
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(given.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    ::dup2(base::open_file("/dev/null", O_WRONLY).value().get(), STDERR_FILENO);
    const base::Logger log("test");
    const auto handed_over = take_handed_over(log);
    ::_exit(handed_over.ok() && check(handed_over.value()) ? 0 : 1);
  }
  int ending = 0;
  ::waitpid(pid, &ending, 0);
  return WIFEXITED(ending) && WEXITSTATUS(ending) == 0;
}

std::vector<Given> list(Given first) {
  std::vector<Given> given;
  given.push_back(std::move(first));
  return given;
}

TEST(HandedOver, WithoutSystemdThereIsNothing) {
  const base::Logger log("test");
  const auto handed_over = take_handed_over(log);
  ASSERT_TRUE(handed_over.ok());
  EXPECT_TRUE(handed_over.value().sockets.empty());
  EXPECT_FALSE(handed_over.value().weights.has_value());
}

TEST(HandedOver, ASocketIsASocketWhateverItsName) {
  auto given = list({"redoubt.socket", make_socket()});
  given.push_back({"lan", make_socket()});
  EXPECT_TRUE(found(std::move(given), [](const HandedOver& h) {
    return h.sockets.size() == 2 && h.sockets[0].get() == 3 && h.useless.empty();
  }));
}

TEST(HandedOver, WeightsAreTakenBackBesideTheSockets) {
  auto given = list({"redoubt.socket", make_socket()});
  given.push_back({kWeightsName, make_weights()});
  EXPECT_TRUE(found(std::move(given), [](const HandedOver& h) {
    return h.sockets.size() == 1 && h.weights && h.weights->bytes == 4'096 && h.useless.empty();
  }));
}

TEST(HandedOver, OnlyGoodWeightsAreWeights) {
  EXPECT_TRUE(found(list({kWeightsName, make_other()}), [](const HandedOver& h) {
    return !h.weights && h.sockets.empty() && h.useless == std::vector<std::string>{kWeightsName} &&
           ::fcntl(3, F_GETFD) < 0;
  }));
}

TEST(HandedOver, AnUnknownDescriptorIsClosedAndNamed) {
  EXPECT_TRUE(found(list({"of-another-version", make_other()}), [](const HandedOver& h) {
    return h.useless == std::vector<std::string>{"of-another-version"} && ::fcntl(3, F_GETFD) < 0;
  }));
}

}  // namespace
}  // namespace daemon_supervisor
