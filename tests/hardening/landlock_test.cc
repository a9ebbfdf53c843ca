#include "hardening/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <string>

#include "hardening/base/file.h"
#include "hardening/build_kind.h"
#include "hardening/privileges.h"
#include "tests/hardening/child_process.h"

namespace hardening {
namespace {

class Landlock : public testing::Test {
 protected:
  void SetUp() override {
    if (landlock_abi() == 0) GTEST_SKIP() << "this kernel offers no Landlock";
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizers read /proc";
    char name[] = "/tmp/redoubt-landlock-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    ASSERT_TRUE(base::replace_file(directory_ + "/inside", "text", 0644).ok());
  }
  void TearDown() override {
    ::unlink((directory_ + "/inside").c_str());
    if (!directory_.empty()) ::rmdir(directory_.c_str());
  }

  int restrict_to_directory() const {
    const int fd = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool ok =
        set_no_new_privs().ok() && restrict_with_landlock(landlock_abi(), {.readable = fd}).ok();
    return ok ? fd : -1;
  }

  std::string directory_;
};

int open_errno(const std::string& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
}

TEST_F(Landlock, LetsFilesBeReadBeneathTheDirectory) {
  EXPECT_EQ(in_child([&] {
              const int fd = restrict_to_directory();
              if (fd < 0) return kSetupFailed;
              return ::openat(fd, "inside", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno;
            }),
            exited(0));
}

TEST_F(Landlock, ForbidsWritingThereAndReadingElsewhere) {
  const auto in_directory = [&](const std::string& path, int flags) {
    return in_child(
        [&] { return restrict_to_directory() < 0 ? kSetupFailed : open_errno(path, flags); });
  };
  EXPECT_EQ(in_directory(directory_ + "/inside", O_WRONLY), exited(EACCES));
  EXPECT_EQ(in_directory(directory_ + "/new", O_WRONLY | O_CREAT), exited(EACCES));
  EXPECT_EQ(in_directory("/etc/passwd", O_RDONLY), exited(EACCES));
  EXPECT_EQ(in_directory(directory_ + "/../../etc/passwd", O_RDONLY), exited(EACCES));
}

TEST_F(Landlock, WithoutADirectoryForbidsEverything) {
  const auto nothing = [&](const std::string& path) {
    return in_child([&] {
      if (!set_no_new_privs().ok() || !restrict_with_landlock(landlock_abi(), {}).ok())
        return kSetupFailed;
      return open_errno(path, O_RDONLY);
    });
  };
  EXPECT_EQ(nothing(directory_ + "/inside"), exited(EACCES));
  EXPECT_EQ(nothing("/proc/self/status"), exited(EACCES));
  EXPECT_EQ(nothing("/"), exited(EACCES));
}

TEST_F(Landlock, LetsFilesBeRecordedBeneathTheWritableDirectory) {
  const auto record = [&](const std::function<int(int)>& action) {
    return in_child([&] {
      const int fd = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (!set_no_new_privs().ok() ||
          !restrict_with_landlock(landlock_abi(), {.writable = fd}).ok())
        return kSetupFailed;
      return action(fd);
    });
  };
  const auto create = [](int fd, const char* name) {
    return ::openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
  };
  EXPECT_EQ(record([&](int fd) {
              const int created = create(fd, "new");
              return created != 0 ? created : ::renameat(fd, "new", fd, "inside") == 0 ? 0 : errno;
            }),
            exited(0));
  EXPECT_EQ(record([&](int) { return create(AT_FDCWD, "/tmp/redoubt-elsewhere"); }),
            exited(EACCES));
  EXPECT_EQ(record([&](int fd) { return ::symlinkat("/etc", fd, "link") == 0 ? 0 : errno; }),
            exited(EACCES));
}

TEST_F(Landlock, FromAbi6KeepsSignalsInside) {
  if (landlock_abi() < 6) GTEST_SKIP() << "ABI " << landlock_abi();
  const pid_t parent = ::getpid();
  EXPECT_EQ(in_child([&] {
              if (restrict_to_directory() < 0) return kSetupFailed;
              return ::kill(parent, 0) == 0 ? 0 : errno;
            }),
            exited(EPERM));
}

// A role reports the level it reached, and every level up to it has to work.
TEST_F(Landlock, EveryLevelUpToTheKernelsCanBeAskedFor) {
  for (int abi = 1; abi <= landlock_abi(); ++abi) {
    EXPECT_EQ(in_child([&] {
                if (!set_no_new_privs().ok() || !restrict_with_landlock(abi, {}).ok())
                  return kSetupFailed;
                return open_errno("/etc/passwd", O_RDONLY);
              }),
              exited(EACCES))
        << abi;
  }
}

}  // namespace
}  // namespace hardening
