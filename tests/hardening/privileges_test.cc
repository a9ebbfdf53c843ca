#include "hardening/privileges.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "hardening/base/file.h"
#include "tests/hardening/child_process.h"

namespace hardening {
namespace {

// The line of /proc/self/status that begins with `key`, without the key and white space.
std::string status_field(const std::string& key) {
  const base::Fd file = base::open_file("/proc/self/status", O_RDONLY).value();
  std::string text(8192, '\0');
  text.resize(base::read_full(file, std::as_writable_bytes(std::span(text))).value());
  const auto at = text.find("\n" + key + ":");
  if (at == text.npos) return "none";
  const auto start = text.find_first_not_of(" \t", at + key.size() + 2);
  return text.substr(start, text.find('\n', start) - start);
}

constexpr char kNoCapabilities[] = "0000000000000000";

TEST(Privileges, CloseEveryDescriptorButTheFirst) {
  EXPECT_EQ(in_child([] {
              ::dup2(STDERR_FILENO, 7);
              ::dup2(STDERR_FILENO, 200);
              if (!close_descriptors_from(3).ok()) return kSetupFailed;
              for (int fd = 3; fd < 256; ++fd) {
                if (::fcntl(fd, F_GETFD) >= 0) return 1;
              }
              return ::fcntl(2, F_GETFD) >= 0 ? 0 : 2;
            }),
            exited(0));
}

TEST(Privileges, LoweredLimitsStayLow) {
  EXPECT_EQ(in_child([] {
              if (!lower_limit(RLIMIT_NOFILE, 10).ok() || !lower_limit(RLIMIT_NOFILE, 20).ok())
                return kSetupFailed;
              rlimit limit{};
              ::getrlimit(RLIMIT_NOFILE, &limit);
              return limit.rlim_cur == 10 && limit.rlim_max == 10 ? 0 : 1;
            }),
            exited(0));
}

TEST(Privileges, AFileSizeOfZeroEndsAWriter) {
  EXPECT_EQ(in_child([] {
              char name[] = "/tmp/redoubt-privileges-XXXXXX";
              const int fd = ::mkostemp(name, O_CLOEXEC);
              ::unlink(name);
              if (fd < 0 || !lower_limit(RLIMIT_FSIZE, 0).ok()) return kSetupFailed;
              return static_cast<int>(::write(fd, "x", 1));
            }),
            killed_by(SIGXFSZ));
}

TEST(Privileges, CapabilitiesAreAllGone) {
  EXPECT_EQ(in_child([] {
              if (!drop_capabilities().ok()) return kSetupFailed;
              for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) {
                if (status_field(set) != kNoCapabilities) return 1;
              }
              return 0;
            }),
            exited(0));
}

TEST(Privileges, RootAlsoLosesTheBoundingSet) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_child([] {
              if (!drop_capabilities().ok()) return kSetupFailed;
              return status_field("CapBnd") == kNoCapabilities ? 0 : 1;
            }),
            exited(0));
}

TEST(Privileges, TakingAnIdentityLeavesNoWayBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(
      in_child([] {
        if (!take_identity({64'801, 64'802}).ok()) return kSetupFailed;
        if (status_field("Uid") != "64801\t64801\t64801\t64801") return 1;
        if (status_field("Gid") != "64802\t64802\t64802\t64802") return 2;
        if (!status_field("Groups").empty() && status_field("Groups").find_first_not_of(" \n") == 0)
          return 3;
        return ::setuid(0) == 0 ? 4 : 0;
      }),
      exited(0));
}

TEST(Privileges, RootIsNoIdentityForARole) {
  EXPECT_FALSE(take_identity({0, 5}).ok());
  EXPECT_FALSE(take_identity({5, 0}).ok());
}

TEST(Privileges, NamespacesSeparateFromTheNetwork) {
  const Ending ending = in_child([] {
    if (!has_capabilities({CAP_SYS_ADMIN}) && !enter_user_namespace().ok()) return 77;
    std::vector<std::string> entered;
    std::vector<std::string> refused;
    enter_namespaces(entered, refused);
    if (!refused.empty()) return 77;
    if (entered != std::vector<std::string>{"net", "ipc", "uts", "mount"}) return 1;
    // A namespace of its own has one interface, lo.
    const auto routes = base::open_file("/proc/self/net/dev", O_RDONLY);
    if (!routes.ok()) return 1;
    std::string text(8192, '\0');
    text.resize(base::read_full(routes.value(), std::as_writable_bytes(std::span(text))).value());
    return std::count(text.begin(), text.end(), '\n') == 3 && text.find("lo:") != text.npos ? 0 : 2;
  });
  if (ending == exited(77)) GTEST_SKIP() << "this kernel or container allows no namespaces";
  EXPECT_EQ(ending, exited(0));
}

TEST(Privileges, NamespacesThatAreRefusedAreNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give it up";
  EXPECT_EQ(in_child([] {
              if (!drop_capabilities().ok()) return kSetupFailed;
              std::vector<std::string> entered;
              std::vector<std::string> refused;
              enter_namespaces(entered, refused);
              return entered.empty() && refused.size() == 4 &&
                             refused[0] == "net namespace: Operation not permitted"
                         ? 0
                         : 1;
            }),
            exited(0));
}

TEST(Privileges, AWayBackToRootIsNoticed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_child([] {
              if (::setresuid(64'801, 64'801, 0) != 0) return kSetupFailed;
              return verify_no_way_back().ok() ? 1 : 0;
            }),
            exited(0));
}

TEST(Privileges, NotDumpableMeansNotDumpable) {
  EXPECT_EQ(in_child([] {
              if (!set_not_dumpable().ok()) return kSetupFailed;
              return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
            }),
            exited(0));
}

}  // namespace
}  // namespace hardening
