// The TPM anchor against a TPM 2.0 emulator (swtpm), started for each test; skipped where it is not
// installed.
#include "provisioning/trust/tpm_anchor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "provisioning/trust/trust_store.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace {

using namespace provisioning;
using namespace trust_test;

class Swtpm {
 public:
  explicit Swtpm(const ScratchDirectory& scratch) : socket_(scratch / "tpm.sock") {
    const std::string state = "dir=" + scratch.path();
    const std::string server = "type=unixio,path=" + socket_;
    const std::string control = "type=unixio,path=" + socket_ + ".ctrl";
    const char* arguments[] = {"swtpm",
                               "socket",
                               "--tpm2",
                               "--tpmstate",
                               state.c_str(),
                               "--server",
                               server.c_str(),
                               "--ctrl",
                               control.c_str(),
                               "--flags",
                               "not-need-init,startup-clear",
                               nullptr};
    posix_spawn_file_actions_t quiet;  // it reports every connection that ends
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (::posix_spawnp(&pid_, "swtpm", &quiet, nullptr, const_cast<char**>(arguments), ::environ) !=
        0)
      pid_ = -1;
    ::posix_spawn_file_actions_destroy(&quiet);
    for (int i = 0; running() && i < 200 && !std::filesystem::exists(socket_ + ".ctrl"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  ~Swtpm() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  bool running() const { return pid_ > 0; }
  AnchorSettings settings() const { return {0x01800200, "swtpm:path=" + socket_}; }

 private:
  std::string socket_;
  pid_t pid_ = -1;
};

class TpmAnchors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!tpm_.running()) GTEST_SKIP() << "swtpm is not installed";
    if (auto counter = create_tpm_counter(settings_); !counter.ok()) {
      if (counter.error().code == base::ErrorCode::kUnsupported)
        GTEST_SKIP() << counter.error().message;
      FAIL() << counter.error().message;
    }
  }

  std::uint64_t counter() { return make_tpm_anchor(settings_)->read().value().value(); }
  std::string store_path() const { return scratch_ / "trust"; }

  ScratchDirectory scratch_;
  Swtpm tpm_{scratch_};
  AnchorSettings settings_ = tpm_.settings();
};

TEST_F(TpmAnchors, CountUpAndStayThere) {
  const std::uint64_t before = counter();
  const auto anchor = make_tpm_anchor(settings_);
  EXPECT_EQ(anchor->describe(), "tpm2 nv 0x01800200");
  ASSERT_EQ(outcome(anchor->advance()), "ok");
  ASSERT_EQ(outcome(anchor->advance()), "ok");
  EXPECT_EQ(counter(), before + 2);
  EXPECT_EQ(create_tpm_counter(settings_).value(),
            before + 2);  // there already: nothing is begun anew
}

TEST_F(TpmAnchors, SayThatThereIsNoCounter) {
  settings_.nv_index = 0x01800201;
  EXPECT_NE(outcome(make_tpm_anchor(settings_)->read()).find("no NV index 0x01800201"),
            std::string::npos);
}

// Checklist 36 and 40 with the disk in the attacker's hands: every older floors.json is known for
// what it is.
TEST_F(TpmAnchors, KnowAnOldFileFromTheNewest) {
  ASSERT_EQ(outcome(TrustStore::anchor_to(store_path(), settings_)), "ok");
  TrustStore store = TrustStore::open(store_path()).value();
  EXPECT_EQ(store.anchor(), "tpm2 nv 0x01800200");
  ASSERT_EQ(outcome(store.raise_time(100)), "ok");
  const std::string old = scratch_.read("trust/floors.json");
  ASSERT_EQ(outcome(store.raise_time(200)), "ok");
  EXPECT_EQ(store.floors().generation, counter());
  const std::string newest = scratch_.read("trust/floors.json");
  EXPECT_EQ(outcome(TrustStore::open(store_path())), "ok");

  scratch_.write("trust/floors.json", old);
  const std::string said = outcome(TrustStore::open(store_path()));
  EXPECT_NE(said.find("denied: trust: floors.json is older than the TPM's counter says"), said.npos)
      << said;
  EXPECT_NE(outcome(store.raise_time(300)).find("older than the TPM's counter"), std::string::npos);
  std::filesystem::remove(scratch_ / "trust/floors.json");
  EXPECT_NE(outcome(TrustStore::open(store_path())).find("older than the TPM's counter"),
            std::string::npos);

  scratch_.write("trust/floors.json", newest);
  EXPECT_EQ(outcome(TrustStore::open(store_path())), "ok");
}

// Power lost after the file and before the counter: the file is one ahead, and the counter is
// brought up.
TEST_F(TpmAnchors, CatchUpAfterAPowerLoss) {
  ASSERT_EQ(outcome(TrustStore::anchor_to(store_path(), settings_)), "ok");
  TrustStore store = TrustStore::open(store_path()).value();
  Floors ahead = store.floors();
  ahead.generation += 1;
  ahead.time = 500;
  scratch_.write("trust/floors.json", ahead.serialize());
  store = TrustStore::open(store_path()).value();
  EXPECT_EQ(store.floors().time, 500);
  EXPECT_EQ(counter(), ahead.generation);
  ASSERT_EQ(outcome(store.raise_time(600)), "ok");
  EXPECT_EQ(counter(), ahead.generation + 1);
}

TEST_F(TpmAnchors, RefuseAFileOfAnotherMachine) {
  ASSERT_EQ(outcome(TrustStore::anchor_to(store_path(), settings_)), "ok");
  Floors ahead = TrustStore::open(store_path()).value().floors();
  ahead.generation += 2;
  scratch_.write("trust/floors.json", ahead.serialize());
  EXPECT_NE(outcome(TrustStore::open(store_path())).find("ahead of the TPM's counter"),
            std::string::npos);
  // The operator's way out keeps the floors.
  ASSERT_EQ(outcome(TrustStore::anchor_to(store_path(), settings_)), "ok");
  EXPECT_EQ(TrustStore::open(store_path()).value().floors().generation, counter());
}

TEST_F(TpmAnchors, DoNotGoOnWithoutTheirTpm) {
  ASSERT_EQ(outcome(TrustStore::anchor_to(store_path(), settings_)), "ok");
  scratch_.write("trust/anchor.json",
                 AnchorSettings{0x01800200, "swtpm:path=" + (scratch_ / "none.sock")}.serialize());
  EXPECT_TRUE(outcome(TrustStore::open(store_path())).starts_with("device: trust: reach the TPM"))
      << outcome(TrustStore::open(store_path()));
}

}  // namespace
