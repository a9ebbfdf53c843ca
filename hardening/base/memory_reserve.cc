#include "hardening/base/memory_reserve.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace base {
namespace {

// Blocks of a size that comes from the allocator's heap and goes back there: one large block would
// go back to the system, which may not give it again.
constexpr std::size_t kBlockBytes = std::size_t{16} << 10;
constexpr std::size_t kBlocks = 64;

std::array<std::atomic<void*>, kBlocks> reserve;
std::atomic<bool> held = false;  // hold_memory_reserve() was called

// The log allocates.
void say(std::string_view line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

// Touched, so that it is memory and not a promise of it.
bool fill_up() {
  for (auto& place : reserve) {
    if (place.load() != nullptr) continue;
    void* const block = std::malloc(kBlockBytes);
    if (block == nullptr) return false;
    std::memset(block, 0xFF, kBlockBytes);
    void* expected = nullptr;
    if (!place.compare_exchange_strong(expected, block)) std::free(block);
  }
  return true;
}

}  // namespace

// `new` tries again when it returns, and comes back if one block was not enough.
void spend_memory_reserve() {
  for (std::size_t i = kBlocks; i-- > 0;) {
    void* const block = reserve[i].exchange(nullptr);
    if (block == nullptr) continue;
    if (i + 1 == kBlocks) say("<2>ALARM: out of memory: the reserve is being spent\n");
    std::free(block);
    return;
  }
  say("<2>out of memory, and the reserve is spent\n");
  std::abort();
}

void hold_memory_reserve() {
  if (!fill_up()) say("<4>no memory for a reserve\n");
  held = true;
  std::set_new_handler(&spend_memory_reserve);
}

bool memory_is_short() {
  return held && reserve.back().load() == nullptr && !fill_up();
}

}  // namespace base
