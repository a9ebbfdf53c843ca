// Memory that outlives its process: a memfd that is filled once and then sealed, so that nobody can
// change it any more, its maker included. Its pages are what every process that maps it computes
// with; there is no other copy.
#ifndef HARDENING_BASE_SEALED_MEMORY_H_
#define HARDENING_BASE_SEALED_MEMORY_H_

#include <cstddef>
#include <span>
#include <utility>

#include "hardening/base/fd.h"
#include "hardening/base/result.h"

namespace base {

// A mapping that ends with its owner; begins at a multiple of 2 MiB unless threads get in each
// other's way.
class LargePageMapping {
 public:
  LargePageMapping() = default;
  // kIo when the system refuses. `flags`: MAP_SHARED or MAP_PRIVATE, and MAP_POPULATE.
  static Result<LargePageMapping> create(const Fd& memfd, std::size_t bytes, int protection,
                                         int flags);
  LargePageMapping(LargePageMapping&& other) noexcept;
  LargePageMapping& operator=(LargePageMapping&& other) noexcept;
  LargePageMapping(const LargePageMapping&) = delete;
  LargePageMapping& operator=(const LargePageMapping&) = delete;
  ~LargePageMapping();

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

// Sealed against writing, growing and shrinking, and mapped for reading.
class SealedMemory {
 public:
  // Takes over memory that another process sealed. kDenied unless every seal is there;
  // kInvalidInput when it is no memfd, or empty.
  static Result<SealedMemory> open(Fd memfd);

  std::span<const std::byte> bytes() const { return mapping_.bytes(); }
  // The descriptor, to be handed on, once; the mapping stays.
  Fd take_descriptor() { return std::move(memfd_); }

 private:
  friend class UnsealedMemory;
  SealedMemory(Fd memfd, LargePageMapping mapping)
      : memfd_(std::move(memfd)), mapping_(std::move(mapping)) {}

  Fd memfd_;
  LargePageMapping mapping_;
};

// The same before: all zeros, writable, ours alone.
class UnsealedMemory {
 public:
  // Room for at least `bytes`. `name` is for people who look at the process. Nothing is taken of
  // the system's memory until it is written or backed.
  static Result<UnsealedMemory> create(const char* name, std::size_t bytes);

  std::span<std::byte> bytes() { return mapping_.bytes(); }

  // Backs the bytes before `end` with pages of 2 MiB, where the system has them; what is behind,
  // and what the system refuses, comes in small pages when it is written. Costs a pass of zeroing.
  void back(std::size_t end);
  // Bytes that `back` was refused large pages for.
  std::size_t small_page_bytes() const { return small_page_bytes_; }

  // kIo when the system refuses. The bytes have other addresses afterwards.
  Result<SealedMemory> seal() &&;

 private:
  UnsealedMemory(Fd memfd, LargePageMapping mapping)
      : memfd_(std::move(memfd)), mapping_(std::move(mapping)) {}

  Fd memfd_;
  LargePageMapping mapping_;
  std::size_t backed_bytes_ = 0;
  std::size_t small_page_bytes_ = 0;
};

}  // namespace base

#endif  // HARDENING_BASE_SEALED_MEMORY_H_
