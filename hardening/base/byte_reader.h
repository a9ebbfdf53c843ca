// Reads little-endian values from bytes that came from outside; writes them for a peer role.
//
// Every read goes through take(), the one place with a bounds check. A failed read leaves the position
// where it was. Nested lengths become sub-readers, so that a field can never read past its container.
#ifndef HARDENING_BASE_BYTE_READER_H_
#define HARDENING_BASE_BYTE_READER_H_

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/result.h"

static_assert(std::endian::native == std::endian::little, "formats are little-endian and read in place");

namespace base {

// Borrows the bytes: they outlive the reader and every view it returned.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  bool at_end() const { return remaining() == 0; }

  // The next `count` bytes. Fails with kInvalidInput, naming `what`, when fewer remain.
  Result<std::span<const std::byte>> take(std::size_t count, std::string_view what);

  // An unsigned, signed or floating-point value of fixed width, little-endian.
  template <typename T>
    requires(std::integral<T> || std::floating_point<T>)
  Result<T> read(std::string_view what) {
    const auto raw = TRY(take(sizeof(T), what));
    T value;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }

  // A string preceded by its length (of type Length), at most `bytes_max` long. A view into our bytes;
  // no claim is made about its encoding.
  template <std::unsigned_integral Length>
  Result<std::string_view> read_string(std::string_view what, std::size_t bytes_max) {
    const std::size_t start = position_;
    const auto length = TRY(read<Length>(what));
    if (length > bytes_max) {
      position_ = start;
      return too_long(what, length, bytes_max);
    }
    auto raw = take(static_cast<std::size_t>(length), what);
    if (!raw.ok()) {
      position_ = start;
      return std::move(raw).error();
    }
    return std::string_view(reinterpret_cast<const char*>(raw.value().data()), raw.value().size());
  }

  // A reader over the next `count` bytes, which this reader skips.
  Result<ByteReader> sub_reader(std::size_t count, std::string_view what);

  // Fails unless every byte was read: trailing bytes are never ignored.
  Status expect_end(std::string_view what) const;

 private:
  static Error too_long(std::string_view what, std::uint64_t bytes, std::size_t bytes_max);

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

// The inverse: appends the same encodings to a buffer it owns.
class ByteWriter {
 public:
  template <typename T>
    requires(std::integral<T> || std::floating_point<T>)
  void write(T value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof value);
  }

  void write_bytes(std::span<const std::byte> raw) { bytes_.insert(bytes_.end(), raw.begin(), raw.end()); }

  template <std::unsigned_integral Length>
  void write_string(std::string_view text) {
    write(static_cast<Length>(text.size()));
    write_bytes(std::as_bytes(std::span(text)));
  }

  std::span<const std::byte> bytes() const { return bytes_; }
  std::vector<std::byte> release() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace base

#endif  // HARDENING_BASE_BYTE_READER_H_
