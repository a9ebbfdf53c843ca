#include "daemon/supervisor/sealed_memfd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

TEST(SealedMemfd, HoldsItsText) {
  auto fd = create_sealed_memfd("t", "hello");
  ASSERT_TRUE(fd.ok());
  EXPECT_EQ(base::read_text(fd.value(), 100).value(), "hello");
  ASSERT_TRUE(rewind_memfd(fd.value()).ok());
  EXPECT_EQ(base::read_text(fd.value(), 100).value(), "hello");
}

TEST(SealedMemfd, CannotBeChanged) {
  auto fd = create_sealed_memfd("t", "hello");
  ASSERT_TRUE(fd.ok());
  const int raw = fd.value().get();
  EXPECT_LT(::write(raw, "x", 1), 0);
  EXPECT_LT(::ftruncate(raw, 100), 0);
  EXPECT_LT(::ftruncate(raw, 0), 0);
  EXPECT_EQ(::mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, raw, 0), MAP_FAILED);
  EXPECT_LT(::fcntl(raw, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

}  // namespace
}  // namespace daemon_supervisor
