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

TEST_F(KeyFilesTest, KeysOfEverySuiteAreReadBackWithAndWithoutPassword) {
  const std::string password_file = directory_.path() + "/password";
  ASSERT_TRUE(base::replace_file(password_file, "correct horse\n", 0600).ok());
  const base::Secret password = read_password_file(password_file).value();
  for (const char* suite : {"ecdsa-p384-sha384", "ed25519"}) {
    const auto key = provisioning::SigningKey::generate(suite).value();
    const auto public_key = key.verify_key().value();
    const std::string prefix = prefix_ + suite;
    ASSERT_TRUE(
        write_key_pair(prefix, key.serialize_pem(&password).value(), public_key.pem()).ok());
    EXPECT_EQ(
        read_signing_key(prefix + ".key.pem", password_file).value().verify_key().value().id(),
        public_key.id());
    EXPECT_EQ(read_signing_key(prefix + ".key.pem", "").error().code, base::ErrorCode::kDenied);
    EXPECT_EQ(read_verify_keys({prefix + ".pub.pem"}).value().front().id(), public_key.id());
  }
}

TEST_F(KeyFilesTest, AFailureNamesTheFile) {
  ASSERT_TRUE(write());
  EXPECT_NE(read_signing_key(prefix_ + ".key.pem", "").error().message.find("release.key.pem"),
            std::string::npos);
  EXPECT_NE(read_verify_keys({prefix_ + ".pub.pem"}).error().message.find("release.pub.pem"),
            std::string::npos);
}

TEST_F(KeyFilesTest, AUriIsNotTakenForAFile) {
  const auto key = read_signing_key("pkcs11:token=a?pin-value=1234", "");
  EXPECT_NE(key.error().message.find("PKCS#11 URI"), std::string::npos);
}

}  // namespace
}  // namespace daemon_cli
