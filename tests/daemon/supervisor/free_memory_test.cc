#include "daemon/supervisor/free_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace daemon_supervisor {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1u << 20;

TEST(FreeMemory, ReadsWhatTheKernelSays) {
  const auto bytes =
      parse_available_memory("MemTotal:  100 kB\nMemAvailable:    2048 kB\nX: 1 kB\n");
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes.value(), 2 * kMiB);
  EXPECT_FALSE(parse_available_memory("MemTotal: 100 kB\n").ok());
  EXPECT_FALSE(parse_available_memory("MemAvailable: much\n").ok());
  EXPECT_FALSE(parse_available_memory("MemAvailable: 99999999999999999999 kB\n").ok());
  EXPECT_FALSE(parse_available_memory("MemAvailable:").ok());
  EXPECT_TRUE(read_available_memory().ok());
}

TEST(FreeMemory, ASecondEngineNeedsRoomForItsModelAndMore) {
  const MemoryNeed need{.serving_bytes = 800 * kMiB, .candidate_bytes = 800 * kMiB};
  EXPECT_TRUE(check_memory(need, 964 * kMiB).ok());  // 800 + 100 + 64
  const auto refused = check_memory(need, 963 * kMiB);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("964 MiB"));
  EXPECT_THAT(refused.error().message, HasSubstr("963 MiB are available"));
  EXPECT_THAT(refused.error().message, HasSubstr("--restart"));
}

TEST(FreeMemory, BothModelsStayWithinWhatIsConfigured) {
  const MemoryNeed need{
      .serving_bytes = 800 * kMiB, .candidate_bytes = 800 * kMiB, .memory_bytes_max = 1'599 * kMiB};
  EXPECT_FALSE(check_memory(need, 10'000 * kMiB).ok());
}

TEST(FreeMemory, SizesDoNotWrap) {
  const MemoryNeed need{.serving_bytes = std::numeric_limits<std::uint64_t>::max(),
                        .candidate_bytes = std::numeric_limits<std::uint64_t>::max(),
                        .kv_cache_bytes = std::numeric_limits<std::uint64_t>::max(),
                        .memory_bytes_max = 1};
  EXPECT_FALSE(check_memory(need, 1'000 * kMiB).ok());
}

}  // namespace
}  // namespace daemon_supervisor
