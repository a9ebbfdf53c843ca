// Bytes that must not leak: a key, a password, an API token in the clear.
//
// Held in memory of its own pages that is locked, left out of core dumps and forked children, and zeroed
// when dropped. A Secret cannot be printed, copied or compared except in constant time.
#ifndef HARDENING_BASE_SECRET_H_
#define HARDENING_BASE_SECRET_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "hardening/base/result.h"

namespace base {

class Secret {
 public:
  // Copies the bytes; the caller wipes its own copy (see wipe()). Fails with kExhausted when memory is refused.
  static Result<Secret> create(std::span<const std::byte> bytes);
  static Result<Secret> create(std::string_view text) { return create(std::as_bytes(std::span(text))); }
  // `count` bytes from getrandom(2).
  static Result<Secret> create_random(std::size_t count);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The bytes in the clear, as long as this lives. The name is long so that uses stand out.
  std::span<const std::byte> expose_bytes() const { return {data_, size_}; }
  std::string_view expose_text() const { return {reinterpret_cast<const char*>(data_), size_}; }

  std::size_t size() const { return size_; }

 private:
  Secret(std::byte* data, std::size_t size, std::size_t mapped_bytes)
      : data_(data), size_(size), mapped_bytes_(mapped_bytes) {}
  static Result<Secret> allocate(std::size_t size);
  void drop();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_bytes_ = 0;
};

// Time depends on the lengths alone. False when they differ.
bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);

// Zeroes memory in a way the compiler may not leave out.
void wipe(std::span<std::byte> bytes);

// Fills the buffer from getrandom(2); that it fails is a bug of the platform, so it aborts.
void fill_random(std::span<std::byte> buffer);

}  // namespace base

#endif  // HARDENING_BASE_SECRET_H_
