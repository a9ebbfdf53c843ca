// What systemd is told when it cannot be told at once.
#include "daemon/supervisor/notifier.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

class NotifierTest : public testing::Test {
 protected:
  NotifierTest() { ::setenv("NOTIFY_SOCKET", path().c_str(), 1); }
  ~NotifierTest() override { ::unsetenv("NOTIFY_SOCKET"); }

  std::string path() const { return directory_.path() + "/notify"; }

  // Somebody at the address; of another type than SOCK_DGRAM nobody can be told there.
  base::Fd listen(int type) const {
    ::unlink(path().c_str());
    base::Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size() + 1);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(socket.get(), 1), 0);
    }
    return socket;
  }

  static std::string heard(const base::Fd& socket) {
    char bytes[256];
    const ssize_t got = ::recv(socket.get(), bytes, sizeof bytes, 0);
    return got < 0 ? "" : std::string(bytes, static_cast<std::size_t>(got));
  }

  TemporaryDirectory directory_;
};

// So that not even a socket can be had.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(NotifierTest, AStateOutlastsWantOfASocket) {
  const base::Fd systemd = listen(SOCK_DGRAM);
  std::optional<NoDescriptors> none(std::in_place);
  Notifier notifier;
  notifier.ready();
  notifier.status("late");
  EXPECT_FALSE(notifier.forget("weights"));
  none.reset();
  EXPECT_EQ(heard(systemd), "");
  notifier.flush();
  EXPECT_EQ(heard(systemd), "READY=1");
  notifier.status("late");
  EXPECT_EQ(heard(systemd), "STATUS=late");
}

TEST_F(NotifierTest, WhateverFailsIsTriedAgain) {
  const base::Fd not_yet = listen(SOCK_STREAM);
  const base::Fd kept = base::open_file("/dev/null", O_RDWR).value();
  Notifier notifier;
  notifier.ready();
  notifier.reloading(7'000);
  notifier.stopping(5);
  EXPECT_FALSE(notifier.keep(kept, "weights"));
  const base::Fd systemd = listen(SOCK_DGRAM);
  notifier.flush();
  EXPECT_EQ(heard(systemd), "READY=1");
  EXPECT_EQ(heard(systemd), "RELOADING=1\nMONOTONIC_USEC=7000");
  EXPECT_EQ(heard(systemd), "STOPPING=1\nEXTEND_TIMEOUT_USEC=5000");
  EXPECT_TRUE(notifier.keep(kept, "weights"));
}

TEST_F(NotifierTest, NobodyThereIsNobodyToTell) {
  Notifier notifier;
  notifier.ready();
  EXPECT_TRUE(notifier.forget("weights"));
  const base::Fd systemd = listen(SOCK_DGRAM);
  notifier.flush();
  EXPECT_EQ(heard(systemd), "");
}

}  // namespace
}  // namespace daemon_supervisor
