#include "daemon/cli/key_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_cli {
namespace {

class KeyFilesTest : public testing::Test {
 protected:
  bool write() const {
    const base::Secret secret = base::Secret::create(std::string_view("secret")).value();
    return write_key_pair(prefix_, secret, "public").ok();
  }
  std::string text_of(const std::string& suffix) const {
    const auto text = base::read_text_file(prefix_ + suffix, 100);
    return text.ok() ? text.value() : "none";
  }

  TemporaryDirectory directory_;
  const std::string prefix_ = directory_.path() + "/release";
};

TEST_F(KeyFilesTest, APairIsWrittenOnce) {
  EXPECT_TRUE(write());
  EXPECT_EQ(text_of(".key.pem"), "secret");
  EXPECT_EQ(text_of(".pub.pem"), "public");
  EXPECT_FALSE(write());
  EXPECT_EQ(text_of(".key.pem"), "secret");
  EXPECT_EQ(text_of(".pub.pem"), "public");
}

TEST_F(KeyFilesTest, AnotherPairsPublicKeyStaysAndNoHalfIsLeft) {
  ASSERT_TRUE(base::replace_file(prefix_ + ".pub.pem", "older", 0644).ok());
  EXPECT_FALSE(write());
  EXPECT_EQ(text_of(".key.pem"), "none");
  EXPECT_EQ(text_of(".pub.pem"), "older");
}

TEST_F(KeyFilesTest, AFailedWriteDoesNotStandInTheWayOfTheNext) {
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit three_bytes{3, limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &three_bytes);
  EXPECT_FALSE(write());
  EXPECT_EQ(text_of(".key.pem"), "none");
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::signal(SIGXFSZ, before);
  EXPECT_TRUE(write());
}

}  // namespace
}  // namespace daemon_cli
