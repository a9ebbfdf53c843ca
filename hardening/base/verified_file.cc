#include "hardening/base/verified_file.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "hardening/base/check.h"

namespace base {
namespace {

constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;

std::uintptr_t address_of(std::span<const std::byte> bytes) { return reinterpret_cast<std::uintptr_t>(bytes.data()); }

// Calls body(page, first, last) for each large page with a part of [first, last), counted from the page of `base`.
template <typename Body>
void for_each_page(std::uintptr_t base, std::uintptr_t first, std::uintptr_t last, const Body& body) {
  const std::uintptr_t first_page = base / kLargePage;
  for (std::uintptr_t page = first / kLargePage; page * kLargePage < last; ++page) {
    body(page - first_page, std::max(first, page * kLargePage), std::min(last, (page + 1) * kLargePage));
  }
}

}  // namespace

VerifiedFile::VerifiedFile(PassKey, std::string name, Sha256Digest digest, std::span<std::byte> bytes,
                           std::size_t mapped_bytes)
    : name_(std::move(name)), digest_(digest), bytes_(bytes), mapped_bytes_(mapped_bytes) {
  // From here on nobody writes them, by accident or otherwise.
  if (mapped_bytes_ > 0) CHECK(::mprotect(bytes_.data(), mapped_bytes_, PROT_READ) == 0);
  const std::uintptr_t begin = address_of(bytes_);
  for_each_page(begin, begin, begin + bytes_.size(), [this](std::size_t, std::uintptr_t first, std::uintptr_t last) {
    wanted_.push_back(static_cast<std::uint32_t>(last - first));
  });
}

VerifiedFile::VerifiedFile(VerifiedFile&& other) noexcept
    : name_(std::move(other.name_)),
      digest_(other.digest_),
      bytes_(std::exchange(other.bytes_, {})),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      wanted_(std::move(other.wanted_)) {}

VerifiedFile& VerifiedFile::operator=(VerifiedFile&& other) noexcept {
  if (this != &other) {
    drop();
    name_ = std::move(other.name_);
    digest_ = other.digest_;
    bytes_ = std::exchange(other.bytes_, {});
    mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
    wanted_ = std::move(other.wanted_);
  }
  return *this;
}

VerifiedFile::~VerifiedFile() { drop(); }

void VerifiedFile::drop() {
  if (mapped_bytes_ > 0) ::munmap(bytes_.data(), mapped_bytes_);
}

void VerifiedFile::release(std::size_t offset, std::size_t count) {
  CHECK(offset <= bytes_.size() && count <= bytes_.size() - offset);
  const std::uintptr_t begin = address_of(bytes_);
  const std::uintptr_t mapped_end = begin + mapped_bytes_;
  for_each_page(begin, begin + offset, begin + offset + count,
                [&](std::size_t page, std::uintptr_t first, std::uintptr_t last) {
                  CHECK(wanted_[page] >= last - first);  // released twice
                  wanted_[page] -= static_cast<std::uint32_t>(last - first);
                  if (wanted_[page] > 0) return;
                  const std::uintptr_t page_begin = std::max(begin, (begin / kLargePage + page) * kLargePage);
                  const std::uintptr_t page_end = std::min(mapped_end, (begin / kLargePage + page + 1) * kLargePage);
                  (void)::madvise(reinterpret_cast<void*>(page_begin), page_end - page_begin, MADV_DONTNEED);
                });
}

}  // namespace base
