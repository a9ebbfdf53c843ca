#include "daemon/supervisor/state_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardening/base/file.h"
#include "tests/daemon/supervisor/temporary_directory.h"

namespace daemon_supervisor {
namespace {

class StateDirectory : public testing::Test {
 protected:
  StateDirectory() { config_.paths.state = directory_.path(); }

  static unsigned mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777u : 0;
  }

  TemporaryDirectory directory_;
  daemon_config::Config config_;
};

TEST_F(StateDirectory, OnlyOneHolderOfTheLock) {
  const StatePaths paths(config_);
  auto first = lock_state(paths);
  ASSERT_TRUE(first.ok());
  auto second = lock_state(paths);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, base::ErrorCode::kUnavailable);
  { const base::Fd released = std::move(first).value(); }
  EXPECT_TRUE(lock_state(paths).ok());
}

TEST_F(StateDirectory, TheAuditLogsDirectoryIsTheAuditorsAndItsGroupTheServices) {
  const StatePaths paths(config_);
  // Without the rights of root the auditor is who we are.
  const bool root = ::geteuid() == 0;
  const auto opened = open_audit_directory(paths, {64'804, 64'804});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(mode_of(paths.audit), 02750u);
  const auto owner = base::owner_of(paths.audit);
  EXPECT_EQ(owner.value().uid, root ? 64'804u : ::geteuid());
  EXPECT_EQ(owner.value().gid, base::owner_of(paths.directory).value().gid);
  EXPECT_TRUE(open_audit_directory(paths, {64'804, 64'804}).ok());  // and again
}

TEST_F(StateDirectory, AFileInPlaceOfTheAuditLogsDirectoryIsRefused) {
  const StatePaths paths(config_);
  ASSERT_TRUE(base::replace_file(paths.audit, "", 0600).ok());
  EXPECT_FALSE(open_audit_directory(paths, {64'804, 64'804}).ok());
}

TEST_F(StateDirectory, TheSiteKeyIsMadeOnceAndStays) {
  const StatePaths paths(config_);
  const auto first = ensure_audit_salt(paths);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first.value().size(), 64u);
  EXPECT_EQ(mode_of(paths.audit_salt), 0600u);
  EXPECT_EQ(ensure_audit_salt(paths).value(), first.value());
  for (const char* bad : {"", "00", "zz", "0123456789ABCDEF"}) {
    ASSERT_TRUE(base::replace_file(paths.audit_salt, bad, 0600).ok());
    EXPECT_EQ(ensure_audit_salt(paths).error().code, base::ErrorCode::kCorrupt) << bad;
  }
}

TEST_F(StateDirectory, NoApiKeysFileMeansNoKeys) {
  const auto keys = read_api_keys(StatePaths(config_));
  ASSERT_TRUE(keys.ok());
  EXPECT_TRUE(keys.value().keys().empty());
}

TEST_F(StateDirectory, ApiKeysSurviveAndAreForNobodyElse) {
  const StatePaths paths(config_);
  daemon_auth::ApiKeys keys;
  ASSERT_TRUE(keys.create("a", 1).ok());
  ASSERT_TRUE(write_api_keys(paths, keys).ok());
  EXPECT_EQ(read_api_keys(paths).value().serialize(), keys.serialize());
  EXPECT_EQ(mode_of(paths.api_keys), 0600u);
}

TEST_F(StateDirectory, DamagedApiKeysAreAnErrorThatNamesTheFile) {
  const StatePaths paths(config_);
  ASSERT_TRUE(base::replace_file(paths.api_keys, "{", 0600).ok());
  const auto keys = read_api_keys(paths);
  ASSERT_FALSE(keys.ok());
  EXPECT_NE(keys.error().message.find(paths.api_keys), std::string::npos);
}

TEST_F(StateDirectory, MakesACertificateOnceAndKeepsIt) {
  const StatePaths paths(config_);
  const auto first = ensure_tls_identity(config_, paths);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto second = ensure_tls_identity(config_, paths);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first.value().certificate_pem, second.value().certificate_pem);
  EXPECT_EQ(mode_of(paths.tls_private_key), 0600u);
  EXPECT_EQ(mode_of(paths.tls_certificate), 0644u);
}

TEST_F(StateDirectory, NeverMakesACertificateInPlaceOfAConfiguredOne) {
  config_.server.tls_certificate = directory_.path() + "/c.pem";
  config_.server.tls_private_key = directory_.path() + "/k.pem";
  const auto identity = ensure_tls_identity(config_, StatePaths(config_));
  ASSERT_FALSE(identity.ok());
  EXPECT_EQ(identity.error().code, base::ErrorCode::kNotFound);
}

TEST_F(StateDirectory, AFileInPlaceOfADirectoryIsAnError) {
  ASSERT_TRUE(base::replace_file(directory_.path() + "/f", "", 0600).ok());
  EXPECT_FALSE(ensure_directory(directory_.path() + "/f", 0700).ok());
  EXPECT_TRUE(ensure_directory(directory_.path() + "/d", 0700).ok());
  EXPECT_TRUE(ensure_directory(directory_.path() + "/d", 0700).ok());
  EXPECT_EQ(mode_of(directory_.path() + "/d"), 0700u);
}

// A service that runs as a user of its own reads what root's command line writes.
TEST_F(StateDirectory, WhatRootWritesBelongsToTheOwnerOfTheDirectory) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kUser = 64'803;
  ASSERT_EQ(::chown(directory_.path().c_str(), kUser, kUser), 0);
  const StatePaths paths(config_);
  ASSERT_TRUE(write_api_keys(paths, {}).ok());
  ASSERT_TRUE(lock_state(paths).ok());
  ASSERT_TRUE(ensure_tls_identity(config_, paths).ok());
  for (const std::string& path : {paths.api_keys, paths.lock, paths.tls_directory,
                                  paths.tls_certificate, paths.tls_private_key}) {
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_uid, kUser) << path;
    EXPECT_EQ(info.st_gid, kUser) << path;
  }
  EXPECT_EQ(mode_of(paths.api_keys), 0600u);
  EXPECT_EQ(mode_of(paths.tls_private_key), 0600u);
}

}  // namespace
}  // namespace daemon_supervisor
