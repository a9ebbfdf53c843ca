// The auditor as it is started: in its sandbox, over the real log, through recovery and a full
// disk.
#include "daemon/auditor/auditor_role.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "daemon/audit/log/log_verifier.h"
#include "daemon/auditor/auditor_config.h"
#include "hardening/base/file.h"
#include "hardening/build_kind.h"
#include "hardening/policy.h"
#include "hardening/sandbox.h"
#include "tests/daemon/auditor/auditor_fixture.h"

namespace daemon_auditor {
namespace {

constexpr hardening::Identity kAuditor{64'804, 64'804};
constexpr int kFirstFree = 20;
constexpr int kSetupFailed = 99;

AuditorConfig config_of_test() {
  AuditorConfig config;
  config.host = "test";
  config.boot = std::string(32, 'b');
  config.supervisor = kSupervisor;
  return config;
}

base::Fd memfd_of(const std::string& text) {
  base::Fd fd(::memfd_create("config", MFD_CLOEXEC));
  EXPECT_TRUE(base::write_all(fd, std::as_bytes(std::span(text))).ok());
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
  return fd;
}

// In the child: descriptors as the supervisor places them, the sandbox, the role.
int play_role(int control, int config, int directory) {
  const int from[] = {control, config, directory};
  for (int i = 0; i < 3; ++i) {
    if (::fcntl(from[i], F_DUPFD_CLOEXEC, kFirstFree + i) != kFirstFree + i) return kSetupFailed;
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup3(kFirstFree + i, 3 + i, O_CLOEXEC) != 3 + i) return kSetupFailed;
  }
  auto sandbox = hardening::Sandbox::enter(hardening::auditor_policy(kAuditor, 6, 5));
  if (!sandbox.ok()) {
    base::Logger("test").error(sandbox.error().message);
    return kSetupFailed;
  }
  daemon_supervisor::RoleContext context{base::Fd(3), base::Fd(4), {}, std::move(sandbox).value()};
  context.resources.emplace_back(5);
  return run_auditor_role(std::move(context));
}

class AuditorRole : public testing::Test {
 protected:
  void SetUp() override {
    if (hardening::kSanitizerBuild)
      GTEST_SKIP() << "sanitizer builds run without seccomp and Landlock";
    char name[] = "/tmp/redoubt-auditor-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    give_to_auditor();
  }
  void TearDown() override {
    if (child_ > 0) end(SIGKILL);
    if (directory_.empty()) return;
    if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
    std::error_code error;
    std::filesystem::remove_all(directory_, error);
  }
  void give_to_auditor() const {
    if (::geteuid() != 0) return;
    ASSERT_EQ(::chown(directory_.c_str(), kAuditor.uid, kAuditor.gid), 0);
  }

  void start() {
    auto ends = daemon_ipc::Channel::create_pair().value();
    const base::Fd config = memfd_of(config_of_test().serialize());
    const base::Fd directory =
        base::open_file(directory_, O_RDONLY | O_DIRECTORY | O_CLOEXEC).value();
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) ::_exit(play_role(ends.second.get(), config.get(), directory.get()));
    supervisor_.emplace(std::move(ends.first));
  }
  // The exit status, or the signal's negative.
  int end(int signal = 0) {
    if (signal != 0) ::kill(child_, signal);
    supervisor_.reset();
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  Peer connect(std::uint64_t writer) {
    auto ends = daemon_ipc::Channel::create_pair().value();
    EXPECT_TRUE(supervisor_->send(daemon_ipc::AuditChannel{writer}, &ends.second).ok());
    return Peer(std::move(ends.first));
  }
  daemon_audit::VerifyReport verify() const {
    auto report = daemon_audit::verify_log(
        base::open_file(directory_, O_RDONLY | O_DIRECTORY | O_CLOEXEC).value(), {});
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
    return report.ok() ? std::move(report).value() : daemon_audit::VerifyReport{};
  }

  std::string directory_;
  bool mounted_ = false;
  pid_t child_ = -1;
  std::optional<Peer> supervisor_;
};

// Two bundles and a bit, proofs, publishing, tidying, an end: all of it on the tight list.
TEST_F(AuditorRole, KeepsALogInItsSandbox) {
  start();
  const auto ready = supervisor_->expect<daemon_ipc::Ready>();
  ASSERT_TRUE(ready);
  const auto report = base::Json::parse(ready->report).value();
  EXPECT_NE(report.find("vkey"), nullptr);
  EXPECT_EQ(report.find("recovered")->as_int(), 0);
  Peer gateway = connect(1);
  constexpr std::uint64_t kReports = 600;
  for (std::uint64_t number = 1; number <= kReports; number += 2) {
    const std::string request = "req-" + std::to_string(number);
    gateway.admit(number, request, number == 1);
    gateway.append(number + 1, "request.refused", refused_body("code"));
    ASSERT_EQ(gateway.acknowledged(number + 1), number + 1);
  }
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Cosign{7, "no note"}).ok());
  EXPECT_FALSE(supervisor_->expect<daemon_ipc::Cosigned>()->accepted);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'200));
  ASSERT_TRUE(supervisor_->send(daemon_ipc::Ping{}).ok());
  const auto stats = base::Json::parse(supervisor_->expect<daemon_ipc::Alive>()->stats).value();
  EXPECT_EQ(stats.find("size")->as_int(), stats.find("published")->as_int());
  EXPECT_EQ(end(), 0);
  const auto verified = verify();
  EXPECT_EQ(verified.findings, std::vector<std::string>());
  EXPECT_FALSE(verified.live);
  EXPECT_EQ(verified.open_requests, 0u) << "what was open when the service ended is lost";
  EXPECT_GT(verified.size, kReports + 2);
}

TEST_F(AuditorRole, GoesOnAfterItWasKilled) {
  start();
  {
    Peer gateway = connect(1);
    gateway.admit(1, "req-1");
    ASSERT_EQ(gateway.acknowledged(1), 1u);
    EXPECT_EQ(end(SIGKILL), -SIGKILL);
  }
  start();
  const auto ready = supervisor_->expect<daemon_ipc::Ready>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(base::Json::parse(ready->report).value().find("size")->as_int(), 3)
      << "that it was opened, what was reported, that it was opened again";
  Peer same = connect(1);
  EXPECT_EQ(same.expect<daemon_ipc::Appended>()->through, 1u);
  Peer other = connect(2);
  other.append(1, "request.refused", refused_body());
  ASSERT_EQ(other.acknowledged(1), 1u);
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(verify().findings, std::vector<std::string>());
}

TEST_F(AuditorRole, RefusesADamagedLogAndStaysThereToSayWhy) {
  start();
  ASSERT_TRUE(supervisor_->expect<daemon_ipc::Ready>());
  EXPECT_EQ(end(), 0);
  ASSERT_TRUE(base::replace_file(directory_ + "/checkpoint", "nonsense\n", 0644).ok());
  start();
  ASSERT_TRUE(supervisor_->expect<daemon_ipc::Ready>());
  const auto state = supervisor_->expect<daemon_ipc::AuditState>();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->condition, daemon_ipc::AuditCondition::kFailing);
  EXPECT_FALSE(state->text.empty());
  EXPECT_EQ(end(), 0);
}

// Nobody has to do anything but give it room.
class AuditorFullDisk : public AuditorRole {
 protected:
  void SetUp() override {
    AuditorRole::SetUp();
    if (IsSkipped()) return;
    if (::mount("none", directory_.c_str(), "tmpfs", 0, "size=512k,mode=755") != 0)
      GTEST_SKIP() << "needs the right to mount";
    mounted_ = true;
    give_to_auditor();
  }
  void fill() const {
    const base::Fd file = base::open_file(ballast(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600).value();
    const std::string block(4'096, 'x');
    while (base::write_all(file, std::as_bytes(std::span(block))).ok()) {
    }
  }
  void make_room() const { EXPECT_EQ(::unlink(ballast().c_str()), 0); }
  std::string ballast() const { return directory_ + "/ballast"; }
};

TEST_F(AuditorFullDisk, WaitsForRoomWhereItCannotBegin) {
  fill();
  start();
  const auto progress = supervisor_->expect<daemon_ipc::Progress>();
  ASSERT_TRUE(progress);
  EXPECT_NE(progress->what.find("waiting for the disk"), std::string::npos) << progress->what;
  make_room();
  EXPECT_TRUE(supervisor_->expect<daemon_ipc::Ready>());
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(verify().findings, std::vector<std::string>());
}

TEST_F(AuditorFullDisk, SaysWhenItIsFullAndGoesOnWhenThereIsRoom) {
  start();
  Peer gateway = connect(1);
  ASSERT_TRUE(gateway.expect<daemon_ipc::AuditState>());
  fill();
  const std::string body = refused_body(std::string(200, 'c'));
  std::uint64_t number = 0;
  std::optional<daemon_ipc::AuditState> state;
  for (std::uint64_t through = 0; !state && number < 4'000;) {
    gateway.append(++number, "request.refused", body);
    while (!state && through < number) {
      const auto message = gateway.next();
      ASSERT_TRUE(message);
      if (const auto* told = std::get_if<daemon_ipc::AuditState>(&*message)) state = *told;
      if (const auto* more = std::get_if<daemon_ipc::Appended>(&*message)) through = more->through;
    }
  }
  ASSERT_TRUE(state);
  EXPECT_EQ(state->condition, daemon_ipc::AuditCondition::kFailing);
  make_room();
  EXPECT_EQ(gateway.acknowledged(number), number);
  EXPECT_EQ(end(), 0);
  EXPECT_EQ(verify().findings, std::vector<std::string>());
}

}  // namespace
}  // namespace daemon_auditor
