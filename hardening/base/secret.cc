#include "hardening/base/secret.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "hardening/base/check.h"
#include "hardening/base/checked.h"

namespace base {
namespace {

constexpr std::size_t kPageBytes = 4096;

}  // namespace

Result<Secret> Secret::allocate(std::size_t size) {
  const auto mapped = checked_align_up(size == 0 ? 1 : size, kPageBytes);
  if (!mapped) return exhausted("secret memory");
  void* pages = ::mmap(nullptr, *mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return exhausted("secret memory");
  // Locking can be refused by RLIMIT_MEMLOCK; the service units raise it, a developer's shell may not.
  (void)::mlock(pages, *mapped);
  (void)::madvise(pages, *mapped, MADV_DONTDUMP);
  (void)::madvise(pages, *mapped, MADV_WIPEONFORK);
  return Secret(static_cast<std::byte*>(pages), size, *mapped);
}

Result<Secret> Secret::create(std::span<const std::byte> bytes) {
  Secret secret = TRY(allocate(bytes.size()));
  if (!bytes.empty()) std::memcpy(secret.data_, bytes.data(), bytes.size());
  return secret;
}

Result<Secret> Secret::create_random(std::size_t count) {
  Secret secret = TRY(allocate(count));
  fill_random({secret.data_, count});
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    drop();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
  }
  return *this;
}

Secret::~Secret() { drop(); }

void Secret::drop() {
  if (data_ == nullptr) return;
  wipe({data_, mapped_bytes_});
  ::munmap(data_, mapped_bytes_);
}

bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  volatile unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = difference | std::to_integer<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

void wipe(std::span<std::byte> bytes) {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

void fill_random(std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    const ssize_t got = ::getrandom(buffer.data(), buffer.size(), 0);
    CHECK(got > 0 || errno == EINTR);
    if (got > 0) buffer = buffer.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace base
