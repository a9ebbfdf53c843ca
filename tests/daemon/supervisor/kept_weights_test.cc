#include "daemon/supervisor/kept_weights.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hardening/base/file.h"

namespace daemon_supervisor {
namespace {

constexpr int kAll = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

base::Fd make_memfd(off_t bytes, int seals) {
  base::Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), bytes), 0);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

TEST(KeptWeights, TakesASealedMemfd) {
  const auto weights = KeptWeights::adopt(make_memfd(12'345, kAll), "key");
  ASSERT_TRUE(weights.ok()) << weights.error().message;
  EXPECT_EQ(weights.value().bytes, 12'345u);
  EXPECT_EQ(weights.value().key, "key");
}

TEST(KeptWeights, TakesOneSealedAgainstFutureWritesWhileItsMakerMapsIt) {
  const int seals = (kAll & ~F_SEAL_WRITE) | F_SEAL_FUTURE_WRITE;
  EXPECT_TRUE(KeptWeights::adopt(make_memfd(1, seals), "").ok());
}

TEST(KeptWeights, RefusesAnySealThatIsMissing) {
  for (const int missing : {F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE})
    EXPECT_FALSE(KeptWeights::adopt(make_memfd(1, kAll & ~missing), "").ok()) << missing;
}

TEST(KeptWeights, RefusesWhatIsEmptyOrNoMemfd) {
  EXPECT_FALSE(KeptWeights::adopt(make_memfd(0, kAll), "").ok());
  EXPECT_FALSE(KeptWeights::adopt(base::open_file("/dev/null", O_RDWR).value(), "").ok());
  EXPECT_FALSE(KeptWeights::adopt(base::open_file("/proc/self/exe", O_RDONLY).value(), "").ok());
  EXPECT_FALSE(
      KeptWeights::adopt(base::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), "").ok());
}

}  // namespace
}  // namespace daemon_supervisor
