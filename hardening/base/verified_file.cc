#include "hardening/base/verified_file.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "hardening/base/check.h"

namespace base {
namespace {

constexpr std::uintptr_t kPageBytes = 4096;

}  // namespace

VerifiedFile::VerifiedFile(PassKey, std::string name, Sha256Digest digest, std::span<std::byte> bytes,
                           std::size_t mapped_bytes)
    : name_(std::move(name)), digest_(digest), bytes_(bytes), mapped_bytes_(mapped_bytes) {
  // From here on nobody writes them, by accident or otherwise.
  if (mapped_bytes_ > 0) CHECK(::mprotect(bytes_.data(), mapped_bytes_, PROT_READ) == 0);
}

VerifiedFile::VerifiedFile(VerifiedFile&& other) noexcept
    : name_(std::move(other.name_)),
      digest_(other.digest_),
      bytes_(std::exchange(other.bytes_, {})),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)) {}

VerifiedFile& VerifiedFile::operator=(VerifiedFile&& other) noexcept {
  if (this != &other) {
    drop();
    name_ = std::move(other.name_);
    digest_ = other.digest_;
    bytes_ = std::exchange(other.bytes_, {});
    mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
  }
  return *this;
}

VerifiedFile::~VerifiedFile() { drop(); }

void VerifiedFile::drop() {
  if (mapped_bytes_ > 0) ::munmap(bytes_.data(), mapped_bytes_);
}

void VerifiedFile::release(std::size_t offset, std::size_t count) {
  CHECK(offset <= bytes_.size() && count <= bytes_.size() - offset);
  const auto start = reinterpret_cast<std::uintptr_t>(bytes_.data()) + offset;
  const auto first = (start + kPageBytes - 1) & ~(kPageBytes - 1);
  const auto last = (start + count) & ~(kPageBytes - 1);
  if (first < last) (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace base
