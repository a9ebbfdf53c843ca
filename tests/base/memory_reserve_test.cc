#include "hardening/base/memory_reserve.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

namespace base {
namespace {

// Leaves the process so little address space that an allocation fails.
void use_up_memory() {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = 1;
  setrlimit(RLIMIT_AS, &limit);
}

// Uses memory in pieces until `new` could not have had any from the system.
[[noreturn]] void allocate_for_ever() {
  std::vector<char*> pieces;
  pieces.reserve(1u << 20);
  for (;;) {
    auto* piece = new char[1'000];
    piece[0] = 1;
    pieces.push_back(piece);
  }
}

TEST(MemoryReserveDeathTest, IsSpentFirstAndThenTheProcessEnds) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        hold_memory_reserve();
        std::vector<char*> pieces;
        pieces.reserve(100'000);
        use_up_memory();
        // The reserve is a mebibyte: after it was given back, there is room for some of these.
        bool spent = false;
        for (int i = 0; i < 100'000 && !spent; ++i) {
          pieces.push_back(new char[1'000]);
          spent = memory_is_short();
        }
        std::exit(spent ? 7 : 8);
      },
      testing::ExitedWithCode(7), "the reserve is being spent");
  EXPECT_DEATH(
      {
        hold_memory_reserve();
        std::vector<char*> pieces;
        pieces.reserve(100'000);
        use_up_memory();
        allocate_for_ever();
      },
      "out of memory, and the reserve is spent");
}

TEST(MemoryReserve, IsNotShortWhileThereIsMemory) {
  EXPECT_FALSE(memory_is_short());
  hold_memory_reserve();
  EXPECT_FALSE(memory_is_short());
}

}  // namespace
}  // namespace base
