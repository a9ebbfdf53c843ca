// What is sealed stays as it is, for its maker, for who takes it over, and for who was handed it.
#include "hardening/base/sealed_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace base {
namespace {

using testing::HasSubstr;

constexpr std::size_t kMiB = std::size_t{1} << 20;

Fd make_memfd(std::size_t bytes, int seals) {
  Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

SealedMemory seal_text(const char* text) {
  auto memory = UnsealedMemory::create("test", 3 * kMiB).value();
  std::memcpy(memory.bytes().data() + 2 * kMiB, text, std::strlen(text) + 1);
  return std::move(memory).seal().value();
}

const char* text_of(const SealedMemory& memory) {
  return reinterpret_cast<const char*>(memory.bytes().data() + 2 * kMiB);
}

TEST(SealedMemory, HasWhatWasWrittenBeforeItWasSealed) {
  SealedMemory first = seal_text("weights");
  EXPECT_STREQ(text_of(first), "weights");
  const SealedMemory second = SealedMemory::open(first.take_descriptor()).value();
  EXPECT_STREQ(text_of(second), "weights");
  EXPECT_STREQ(text_of(first), "weights");
  EXPECT_EQ(second.bytes().size(), first.bytes().size());
  EXPECT_GE(second.bytes().size(), 3 * kMiB);
}

TEST(SealedMemory, CannotBeChangedByWhoHoldsTheDescriptor) {
  SealedMemory memory = seal_text("weights");
  const Fd fd = memory.take_descriptor();
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
  EXPECT_EQ(::ftruncate(fd.get(), 0), -1);
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(64 * kMiB)), -1);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
  // A private mapping may be written, for its owner's eyes alone.
  auto* const copy =
      static_cast<char*>(::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd.get(), 0));
  ASSERT_NE(copy, MAP_FAILED);
  copy[0] = 'x';
  EXPECT_EQ(memory.bytes()[0], std::byte{0});
  ::munmap(copy, kMiB);
}

TEST(SealedMemory, RefusesWhatSomebodyCouldStillChange) {
  constexpr int kAll = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  for (const int missing : {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL}) {
    const auto opened = SealedMemory::open(make_memfd(4096, kAll & ~missing));
    ASSERT_FALSE(opened.ok()) << missing;
    EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
    EXPECT_THAT(opened.error().message, HasSubstr("seals"));
  }
  EXPECT_TRUE(SealedMemory::open(make_memfd(4096, kAll)).ok());
  EXPECT_TRUE(SealedMemory::open(make_memfd(5000, kAll)).ok());
  EXPECT_EQ(SealedMemory::open(make_memfd(0, kAll)).error().code, ErrorCode::kInvalidInput);
}

TEST(SealedMemory, RefusesWhatCannotBeSealed) {
  EXPECT_FALSE(SealedMemory::open(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))).ok());
  EXPECT_FALSE(SealedMemory::open(Fd()).ok());
}

TEST(UnsealedMemory, IsZerosInWholeLargePages) {
  auto memory = UnsealedMemory::create("test", 2 * kMiB + 1).value();
  EXPECT_EQ(memory.bytes().size(), 4 * kMiB);
  memory.back(kMiB);
  for (std::size_t i = 0; i < memory.bytes().size(); i += 4096)
    ASSERT_EQ(memory.bytes()[i], std::byte{0});
}

TEST(UnsealedMemory, KeepsWhatWasWrittenBeforeItIsBacked) {
  auto memory = UnsealedMemory::create("test", 6 * kMiB).value();
  for (const std::size_t at : {std::size_t{0}, 2 * kMiB - 1, 2 * kMiB, 5 * kMiB})
    memory.bytes()[at] = std::byte{7};
  memory.back(3 * kMiB);
  memory.back(100 * kMiB);
  EXPECT_LE(memory.small_page_bytes(), memory.bytes().size());
  const SealedMemory sealed = std::move(memory).seal().value();
  for (const std::size_t at : {std::size_t{0}, 2 * kMiB - 1, 2 * kMiB, 5 * kMiB})
    EXPECT_EQ(sealed.bytes()[at], std::byte{7});
}

TEST(UnsealedMemory, RefusesSizesThatAreNone) {
  EXPECT_EQ(UnsealedMemory::create("test", 0).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(UnsealedMemory::create("test", SIZE_MAX).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace base
