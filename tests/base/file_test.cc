#include "hardening/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "hardening/base/hex.h"
#include "tests/provisioning/scratch_directory.h"

namespace base {
namespace {

TEST(File, NamesThePathAndTheKindOfFailure) {
  const auto missing = open_file("/nonexistent/file", O_RDONLY);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().sys_errno, ENOENT);
  EXPECT_THAT(missing.error().message, testing::HasSubstr("/nonexistent/file"));
}

TEST(File, OpensBeneathADirectoryAndNowhereElse) {
  const ScratchDirectory directory;
  directory.write("a/b", "inside");
  ASSERT_EQ(::symlink("/etc/passwd", (directory / "link").c_str()), 0);
  ASSERT_EQ(::symlink("a", (directory / "dir-link").c_str()), 0);
  const Fd root = directory.open();
  EXPECT_TRUE(open_beneath(root, "a/b", O_RDONLY).ok());
  for (const std::string_view path : {"../x", "/etc/passwd", "a/../a/b", "./a", "a//b", "a/", "", "link", "dir-link/b"}) {
    EXPECT_FALSE(open_beneath(root, path, O_RDONLY).ok()) << path;
  }
}

TEST(File, RefusesToReadMoreThanTheLimit) {
  const ScratchDirectory directory;
  directory.write("file", "12345");
  EXPECT_EQ(read_text_file(directory / "file", 5).value(), "12345");
  EXPECT_EQ(read_text_file(directory / "file", 4).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(read_text_file(directory.path(), 4).error().code, ErrorCode::kInvalidInput);
}

TEST(File, ReplacesWholeAndLeavesNoStagingFile) {
  const ScratchDirectory directory;
  ASSERT_TRUE(replace_file(directory / "file", "old", 0600).ok());
  ASSERT_TRUE(replace_file(directory / "file", "new", 0600).ok());
  EXPECT_EQ(directory.read("file"), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
  EXPECT_FALSE(replace_file(directory / "no/such/directory", "x", 0600).ok());
}

TEST(File, RemovesWhatWasNotFinishedAndNothingElse) {
  const ScratchDirectory directory;
  for (const char* name : {"a", "a.new-123", "b.new-", "c.new-12x", "d.new", "new-1"}) directory.write(name, "x");
  remove_unfinished(directory.path());
  remove_unfinished(directory / "nowhere");
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) left.insert(entry.path().filename().string());
  EXPECT_THAT(left, testing::ElementsAre("a", "b.new-", "c.new-12x", "d.new", "new-1"));
}

TEST(Fd, ClosesOnceAndMovesCleanly) {
  Fd first = open_file("/dev/null", O_RDONLY).value();
  const int number = first.get();
  EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
  Fd second = std::move(first);
  EXPECT_FALSE(first.is_open());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_TRUE(second.close().ok());
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(Hex, RefusesEverythingButLowerCasePairs) {
  EXPECT_EQ(to_hex(from_hex("00ff7a").value()), "00ff7a");
  for (const std::string_view text : {"0", "0g", "FF", " 00", "0x00"}) EXPECT_FALSE(from_hex(text).ok()) << text;
}

}  // namespace
}  // namespace base
