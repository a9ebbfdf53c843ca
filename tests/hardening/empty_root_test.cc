#include "hardening/empty_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "hardening/privileges.h"
#include "tests/hardening/child_process.h"

namespace hardening {
namespace {

constexpr int kNotPermitted = 77;

// How many entries the root has; negative: it cannot be read.
int entries_of_root() {
  DIR* root = ::opendir("/");
  if (root == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = ::readdir(root)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") ++count;
  }
  ::closedir(root);
  return count;
}

bool enter_mount_namespace() {
  if (!has_capabilities({CAP_SYS_ADMIN}) && !enter_user_namespace().ok()) return false;
  std::vector<std::string> entered;
  std::vector<std::string> refused;
  enter_namespaces(entered, refused);
  return std::find(entered.begin(), entered.end(), "mount") != entered.end();
}

// 0 when nothing can be reached by a path, and what was open still can.
int check(int directory) {
  if (entries_of_root() > 0) return 1;  // that of a process that ended cannot even be read
  if (::access("/etc/passwd", F_OK) == 0 || ::access("../../etc/passwd", F_OK) == 0) return 2;
  if (::open("/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0) return 3;
  return ::openat(directory, "passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 4;
}

TEST(EmptyRoot, HasNothingInItAndLeavesDescriptorsAlone) {
  const Ending ending = in_child([] {
    const int directory = ::open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!enter_mount_namespace()) return kNotPermitted;
    if (!pivot_to_empty_root().ok()) return kSetupFailed;
    return check(directory);
  });
  if (ending == exited(kNotPermitted)) GTEST_SKIP() << "this kernel or container allows no mounts";
  EXPECT_EQ(ending, exited(0));
  EXPECT_GT(entries_of_root(), 0);  // ours is still there
}

TEST(EmptyRoot, CanBeHadByChrootWhereNobodyMayMount) {
  if (!has_capabilities({CAP_SYS_CHROOT})) GTEST_SKIP() << "needs CAP_SYS_CHROOT";
  EXPECT_EQ(in_child([] {
              const int directory = ::open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
              if (!chroot_to_empty_directory().ok()) return kSetupFailed;
              return check(directory);
            }),
            exited(0));
}

TEST(EmptyRoot, IsAnErrorWithoutPrivileges) {
  EXPECT_EQ(in_child([] {
              if (!drop_capabilities().ok()) return kSetupFailed;
              return pivot_to_empty_root().ok() || chroot_to_empty_directory().ok() ? 1 : 0;
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
