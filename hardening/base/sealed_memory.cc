#include "hardening/base/sealed_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "hardening/base/checked.h"

namespace base {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;
constexpr std::size_t kBytesMax = std::size_t{1} << 46;
constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// Known to the kernel before the C library: uapi/linux/memfd.h (6.3), asm-generic/mman-common.h
// (6.1).
constexpr unsigned kMemfdNeverExecutable = 8;
constexpr int kMadviseCollapse = 25;

Fd create_memfd(const char* name) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = ::memfd_create(name, kFlags | kMemfdNeverExecutable);
  return Fd(fd < 0 && errno == EINVAL ? ::memfd_create(name, kFlags) : fd);
}

// For reading, private: before Linux 6.7 a shared mapping of memory sealed against writing was
// refused even so. Nothing is ever copied, since nothing is written.
Result<LargePageMapping> map_for_reading(const Fd& memfd, std::size_t bytes) {
  return LargePageMapping::create(memfd, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE);
}

}  // namespace

// An aligned place is found by asking for too much, and asked for once that was given back. A hint
// and no demand: should another thread have taken the place in between, the mapping lies somewhere
// else, and works there, too.
Result<LargePageMapping> LargePageMapping::create(const Fd& memfd, std::size_t bytes,
                                                  int protection, int flags) {
  const std::size_t whole = bytes + kLargePage;
  void* const found =
      ::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) return io_error(errno, fmt::format("address space of {} bytes", whole));
  (void)::munmap(found, whole);
  const auto address = reinterpret_cast<std::uintptr_t>(found);
  void* const hint =
      static_cast<std::byte*>(found) + (kLargePage - address % kLargePage) % kLargePage;
  void* const mapped = ::mmap(hint, bytes, protection, flags, memfd.get(), 0);
  if (mapped == MAP_FAILED) return io_error(errno, fmt::format("map {} bytes", bytes));
  LargePageMapping mapping;
  mapping.bytes_ = {static_cast<std::byte*>(mapped), bytes};
  return mapping;
}

LargePageMapping::LargePageMapping(LargePageMapping&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})) {}

LargePageMapping& LargePageMapping::operator=(LargePageMapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

LargePageMapping::~LargePageMapping() {
  if (!bytes_.empty()) (void)::munmap(bytes_.data(), bytes_.size());
}

Result<SealedMemory> SealedMemory::open(Fd memfd) {
  const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
  if (seals < 0) return invalid_input("not memory that can be sealed");
  if ((seals & kSeals) != kSeals) {
    return denied(fmt::format("memory with seals {:#x}; {:#x} are wanted", seals, kSeals));
  }
  struct stat info {};
  if (::fstat(memfd.get(), &info) != 0) return io_error(errno, "sealed memory");
  const auto bytes = checked_cast<std::size_t>(info.st_size);
  if (!bytes || *bytes == 0 || *bytes > kBytesMax) {
    return invalid_input(
        fmt::format("sealed memory of {} bytes; 1 to {} are possible", info.st_size, kBytesMax));
  }
  LargePageMapping mapping = TRY(map_for_reading(memfd, *bytes));
  return SealedMemory(std::move(memfd), std::move(mapping));
}

Result<UnsealedMemory> UnsealedMemory::create(const char* name, std::size_t bytes) {
  if (bytes == 0 || bytes > kBytesMax) {
    return exhausted(fmt::format("memory of {} bytes; 1 to {} are possible", bytes, kBytesMax));
  }
  // Whole large pages: one that reaches beyond the end cannot be had.
  const std::size_t whole = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  Fd memfd = create_memfd(name);
  if (!memfd.is_open()) return io_error(errno, "memfd_create");
  if (::ftruncate(memfd.get(), static_cast<off_t>(whole)) != 0) {
    return io_error(errno, fmt::format("size a memfd to {} bytes", whole));
  }
  LargePageMapping mapping =
      TRY(LargePageMapping::create(memfd, whole, PROT_READ | PROT_WRITE, MAP_SHARED));
  return UnsealedMemory(std::move(memfd), std::move(mapping));
}

// Where the system gives shared memory no large pages by itself (shmem_enabled, "never" by default)
// it still makes one of small ones when asked to by range: of a single small page, so that there is
// nothing to copy. madvise(2), MADV_COLLAPSE, Linux 6.1.
void UnsealedMemory::back(std::size_t end) {
  for (; backed_bytes_ < end && backed_bytes_ < bytes().size(); backed_bytes_ += kLargePage) {
    std::byte* const page = bytes().data() + backed_bytes_;
    (void)*static_cast<volatile const std::byte*>(page);  // now one small page of it is there
    if (::madvise(page, kLargePage, kMadviseCollapse) != 0) small_page_bytes_ += kLargePage;
  }
}

Result<SealedMemory> UnsealedMemory::seal() && {
  const std::size_t bytes = mapping_.bytes().size();
  mapping_ = LargePageMapping();
  if (::fcntl(memfd_.get(), F_ADD_SEALS, kSeals) != 0) return io_error(errno, "seal memory");
  LargePageMapping mapping = TRY(map_for_reading(memfd_, bytes));
  return SealedMemory(std::move(memfd_), std::move(mapping));
}

}  // namespace base
