#include "daemon/progress/progress_page.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "hardening/base/file.h"

namespace daemon_progress {
namespace {

TEST(ProgressPage, TheReaderSeesWhatTheWriterDoes) {
  const base::Fd fd = create_progress_page().value();
  const auto reader = ProgressReader::map(fd).value();
  auto writer = ProgressWriter::map(fd).value();
  EXPECT_EQ(reader.read().count, 0u);
  EXPECT_FALSE(reader.read().busy);
  writer.begin();
  writer.counter().fetch_add(3);
  EXPECT_EQ(reader.read().count, 3u);
  EXPECT_TRUE(reader.read().busy);
  writer.end();
  EXPECT_FALSE(reader.read().busy);
}

TEST(ProgressPage, TheCounterStaysWhereTheWriterIsMoved) {
  const base::Fd fd = create_progress_page().value();
  auto first = ProgressWriter::map(fd).value();
  auto* const counter = &first.counter();
  auto second = std::move(first);
  EXPECT_EQ(&second.counter(), counter);
  counter->fetch_add(1);
  EXPECT_EQ(ProgressReader::map(fd).value().read().count, 1u);
}

TEST(ProgressPage, CannotBeMadeSmallerOrLargerOrSealedFurther) {
  const base::Fd fd = create_progress_page().value();
  EXPECT_NE(::ftruncate(fd.get(), 0), 0);
  EXPECT_NE(::ftruncate(fd.get(), 2 * kPageBytes), 0);
  EXPECT_NE(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(ProgressPage, ASealedOneAloneIsMapped) {
  const base::Fd plain(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(plain.get(), kPageBytes), 0);
  EXPECT_FALSE(ProgressReader::map(plain).ok());
  const base::Fd small(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(small.get(), 8), 0);
  ASSERT_EQ(::fcntl(small.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_FALSE(ProgressReader::map(small).ok());
  EXPECT_FALSE(ProgressWriter::map(base::open_file("/dev/zero", O_RDWR).value()).ok());
}

}  // namespace
}  // namespace daemon_progress
