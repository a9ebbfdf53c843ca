#include "bench/limits/memory_limits.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "bench/limits/processor.h"
#include "bench/limits/threaded_rate.h"

namespace bench {
namespace {

constexpr std::size_t kFarBytes = std::size_t{1} << 30;
constexpr std::size_t kCacheBytes = std::size_t{16} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kRounds = 6;
// Some processors read faster with software prefetch, some slower: the better of both is the limit.
constexpr std::size_t kAhead[] = {0, 2048};

// A GiB of written memory on pages of the kind asked for.
class Mapping {
 public:
  explicit Mapping(int advice) {
    void* mapped = ::mmap(nullptr, kFarBytes + kHugePage, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    mapped_ = mapped;
    const auto address = reinterpret_cast<std::uintptr_t>(mapped);
    bytes_ = static_cast<std::byte*>(mapped) + (kHugePage - address % kHugePage) % kHugePage;
    (void)::madvise(bytes_, kFarBytes, advice);
    std::memset(bytes_, 1, kFarBytes);
  }
  ~Mapping() {
    if (mapped_ != nullptr) (void)::munmap(mapped_, kFarBytes + kHugePage);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const std::byte* bytes() const { return bytes_; }  // null: the system refused

 private:
  void* mapped_ = nullptr;
  std::byte* bytes_ = nullptr;
};

// Of this process; 0 where the kernel does not say.
std::uint64_t huge_page_bytes() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "re");
  if (file == nullptr) return 0;
  char line[256];
  unsigned long kib = 0;
  std::uint64_t bytes = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
    if (std::sscanf(line, "AnonHugePages: %lu kB", &kib) == 1) bytes = std::uint64_t{kib} << 10;
  }
  (void)std::fclose(file);
  return bytes;
}

// Every thread reads its own part, `times` times over.
double read_rate(const std::byte* bytes, std::size_t count, std::size_t threads, std::size_t times,
                 std::size_t ahead) {
  const ReadLoop read = widest_read();
  const std::size_t part = count / threads / 4096 * 4096;
  std::atomic<std::uint64_t> all{0};
  return best_rate(threads, kRounds, static_cast<double>(part * threads * times),
                   [&](std::size_t thread) {
                     std::uint64_t sum = 0;
                     for (std::size_t i = 0; i < times; ++i)
                       sum ^= read(bytes + thread * part, part, ahead);
                     all.fetch_xor(sum);
                   });
}

Limit measure_read(std::string_view key, std::string_view what, const std::byte* bytes,
                   std::size_t count, std::size_t threads) {
  const std::size_t times = kFarBytes / count / 4 + 1;
  (void)read_rate(bytes, count, 1, 1, 0);
  Limit limit{std::string(key), std::string(what), LimitUnit::kBytesPerSecond, 0, 0};
  for (const std::size_t ahead : kAhead) {
    limit.one_thread = std::max(limit.one_thread, read_rate(bytes, count, 1, times, ahead));
    limit.all_threads = std::max(limit.all_threads, read_rate(bytes, count, threads, times, ahead));
  }
  return limit;
}

}  // namespace

void measure_memory(MachineLimits& limits) {
  {
    const Mapping small(MADV_NOHUGEPAGE);
    if (small.bytes() != nullptr) {
      limits.limits.push_back(measure_read(kReadSmallPages, "read, 1 GiB, 4 KiB pages",
                                           small.bytes(), kFarBytes, limits.threads));
    }
  }
  const std::uint64_t before = huge_page_bytes();
  const Mapping huge(MADV_HUGEPAGE);
  if (huge.bytes() == nullptr) return;
  const std::uint64_t after = huge_page_bytes();
  limits.huge_page_share =
      after > before ? static_cast<double>(after - before) / static_cast<double>(kFarBytes) : 0;
  limits.limits.push_back(measure_read(kReadHugePages, "read, 1 GiB, 2 MiB pages", huge.bytes(),
                                       kFarBytes, limits.threads));
  limits.limits.push_back(
      measure_read(kReadCache, "read, 16 MiB", huge.bytes(), kCacheBytes, limits.threads));
}

}  // namespace bench
