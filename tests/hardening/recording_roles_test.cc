// The auditor and an importer, played by probes: what they are for works under their policies, from
// the first call to the last.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "hardening/base/file.h"
#include "hardening/build_kind.h"
#include "hardening/landlock.h"
#include "hardening/sandbox.h"
#include "tests/hardening/child_process.h"
#include "tests/hardening/roles.h"

namespace hardening {
namespace {

class RecordingRoles : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitizerBuild) GTEST_SKIP() << "sanitizer builds run without seccomp and Landlock";
    char name[] = "/tmp/redoubt-sandbox-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    ASSERT_EQ(::chmod(name, 0777), 0);  // whoever the role becomes
    ASSERT_TRUE(base::replace_file(directory_ + "/input", "bundle", 0644).ok());
  }
  void TearDown() override {
    if (directory_.empty()) return;
    for (const char* entry : {"input", "tile", "staged"}) ::unlink(path(entry).c_str());
    for (const char* entry : {"000", ""}) ::rmdir(path(entry).c_str());
  }
  std::string path(const char* entry) const { return directory_ + "/" + entry; }

  // Descriptors: 3 the directory, 4 the input.
  Ending in_role(const Policy& policy, const std::function<int()>& action) const {
    return in_child([&] {
      const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      const int input = ::open(path("input").c_str(), O_RDONLY | O_CLOEXEC);
      if (::dup2(directory, 10) != 10 || ::dup2(input, 4) != 4 || ::dup2(10, 3) != 3)
        return kSetupFailed;
      auto sandbox = Sandbox::enter(policy);
      return sandbox.ok() && sandbox.value().lock_down().ok() ? action() : kSetupFailed;
    });
  }

  std::string directory_;
};

constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

int record(const char* name) {
  const int fd = ::openat(3, name, kNew, 0600);
  return fd >= 0 && ::write(fd, "text", 4) == 4 && ::fsync(fd) == 0 && ::close(fd) == 0 ? 0 : errno;
}

int read_back(const char* name) {
  return ::openat(3, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

TEST_F(RecordingRoles, TheAuditorWritesItsLog) {
  const auto work = [] {
    if (::mkdirat(3, "000", 0700) != 0) return 1;
    const int fd = ::openat(3, "new", kNew, 0600);
    const int reserved = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4'096);
    if (reserved != 0 && errno != EOPNOTSUPP) return 2;
    if (::write(fd, "text", 4) != 4 || ::fsync(fd) != 0) return 3;
    if (::renameat(3, "new", 3, "tile") != 0) return errno;
    const int directory = ::openat(3, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    char text[4];
    return ::fsync(directory) == 0 && ::read(read_back("tile"), text, 4) == 4 ? 0 : 4;
  };
  EXPECT_EQ(in_role(auditor_policy(kNobody, 5, 3), work), exited(0));
  EXPECT_EQ(base::read_text_file(path("tile"), 64).value(), "text");
}

TEST_F(RecordingRoles, TheAuditorRemovesWhatTheLogSaysElsewhere) {
  const auto work = [] {
    if (::mkdirat(3, "000", 0700) != 0 || record("000/1") != 0) return 1;
    if (::unlinkat(3, "000/1", 0) != 0) return errno;
    return ::unlinkat(3, "000", AT_REMOVEDIR) == 0 ? 0 : errno;
  };
  EXPECT_EQ(in_role(auditor_policy(kNobody, 5, 3), work), exited(0));
}

TEST_F(RecordingRoles, TheAuditorCannotChangeWhatItWrote) {
  ASSERT_EQ(in_role(auditor_policy(kNobody, 5, 3), [] { return record("tile"); }), exited(0));
  for (const auto& attempt : std::vector<std::function<int()>>{
           [] { return ::openat(3, "tile", O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW); },
           [] { return ::openat(3, "tile", O_WRONLY | O_CLOEXEC | O_NOFOLLOW); },
           [] { return ::openat(3, "tile", O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW); },
           [] { return ::openat(3, "tile", O_RDWR | O_CLOEXEC | O_NOFOLLOW); },
           [] { return ::fallocate(4, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1); },
           [] { return ::ftruncate(4, 0); }, [] { return ::linkat(3, "tile", 3, "other", 0); }}) {
    EXPECT_EQ(in_role(auditor_policy(kNobody, 5, 3), attempt), killed_by(SIGSYS));
  }
}

TEST_F(RecordingRoles, AnImporterRemovesNothing) {
  EXPECT_EQ(in_role(importer_policy(kNobody, 5, 3), [] { return ::unlinkat(3, "input", 0); }),
            killed_by(SIGSYS));
}

TEST_F(RecordingRoles, AnImporterStagesWhatItReads) {
  const auto work = [] {
    char text[7] = {};
    if (::pread(4, text, 6, 0) != 6 || std::strcmp(text, "bundle") != 0) return 1;
    return record("staged");
  };
  EXPECT_EQ(in_role(importer_policy(kNobody, 5, 3), work), exited(0));
}

TEST_F(RecordingRoles, AnImporterReadsNothingElse) {
  const auto open = [] { return ::openat(3, "input", O_RDONLY | O_CLOEXEC | O_NOFOLLOW); };
  EXPECT_EQ(in_role(importer_policy(kNobody, 5, 3), open), killed_by(SIGSYS));
}

TEST_F(RecordingRoles, AnImporterReadsWhatTheStoreHasAndChangesNothingThere) {
  const auto attempt = [&](int flags) {
    return in_role(importer_policy(kNobody, 5, -1, -1, 3), [flags] {
      return ::openat(3, "input", flags | O_CLOEXEC | O_NOFOLLOW, 0600) >= 0 ? 0 : errno;
    });
  };
  EXPECT_EQ(attempt(O_RDONLY | O_NONBLOCK), exited(0));
  if (landlock_abi() == 0) return;
  EXPECT_EQ(attempt(O_WRONLY | O_APPEND), exited(EACCES));
}

TEST_F(RecordingRoles, NoneWritesElsewhere) {
  for (const Policy& policy : {auditor_policy(kNobody, 5, 3), importer_policy(kNobody, 5, 3)}) {
    for (const char* elsewhere : {"/tmp/redoubt-elsewhere", "../redoubt-elsewhere"}) {
      const auto write = [&] { return ::openat(3, elsewhere, kNew, 0600) >= 0 ? 0 : errno; };
      EXPECT_NE(in_role(policy, write), exited(0)) << policy.facts().role << " " << elsewhere;
    }
  }
}

}  // namespace
}  // namespace hardening
