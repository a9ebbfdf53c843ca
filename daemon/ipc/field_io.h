// Two visitors with one vocabulary: FieldWriter appends a field, FieldReader bounds and reads it. A
// message is described once (message_fields.h) and both directions follow from that, so they cannot
// drift apart.
//
// A value over its limit is our own bug when writing (it aborts) and a hostile peer when reading
// (it is an Error).
#ifndef DAEMON_IPC_FIELD_IO_H_
#define DAEMON_IPC_FIELD_IO_H_

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/byte_reader.h"
#include "hardening/base/check.h"
#include "hardening/base/result.h"
#include "hardening/base/utf8.h"

namespace daemon_ipc {

class FieldWriter {
 public:
  template <typename T>
  using Ref = const T&;

  template <std::integral T>
  base::Status number(T value, std::string_view, T max = std::numeric_limits<T>::max()) {
    CHECK(value <= max);
    writer_.write(value);
    return {};
  }

  base::Status real(float value, std::string_view) {
    CHECK(!std::isnan(value));
    writer_.write(value);
    return {};
  }

  base::Status flag(bool value, std::string_view) {
    writer_.write(static_cast<std::uint8_t>(value));
    return {};
  }

  template <typename E>
  base::Status choice(E value, std::string_view, E last) {
    CHECK(value <= last);
    writer_.write(static_cast<std::uint8_t>(value));
    return {};
  }

  template <std::unsigned_integral Length>
  base::Status text(const std::string& value, std::string_view what, std::size_t bytes_max) {
    CHECK(base::is_utf8(value));
    return blob<Length>(value, what, bytes_max);
  }

  template <std::unsigned_integral Length>
  base::Status blob(const std::string& value, std::string_view, std::size_t bytes_max) {
    CHECK(value.size() <= bytes_max);
    writer_.write_string<Length>(value);
    return {};
  }

  // Exactly `bytes` of them, without a length.
  base::Status bytes(const std::string& value, std::string_view, std::size_t bytes) {
    CHECK(value.size() == bytes);
    writer_.write_bytes(std::as_bytes(std::span(value)));
    return {};
  }

  base::Status rest(const std::vector<std::byte>& value, std::string_view, std::size_t bytes_max) {
    CHECK(value.size() <= bytes_max);
    writer_.write_bytes(value);
    return {};
  }

  // A count of type Count, then `each(element)` for every element.
  template <std::unsigned_integral Count, typename T, typename Each>
  base::Status list(const std::vector<T>& values, std::string_view, std::size_t count_max,
                    Each each) {
    CHECK(values.size() <= count_max);
    writer_.write(static_cast<Count>(values.size()));
    for (const T& value : values) TRY(each(value));
    return {};
  }

  std::vector<std::byte> release() && { return std::move(writer_).release(); }

 private:
  base::ByteWriter writer_;
};

class FieldReader {
 public:
  template <typename T>
  using Ref = T&;

  explicit FieldReader(base::ByteReader& reader) : reader_(reader) {}

  template <std::integral T>
  base::Status number(T& value, std::string_view what, T max = std::numeric_limits<T>::max()) {
    value = TRY(reader_.read<T>(what));
    if (value <= max) return {};
    return over_limit(what, std::to_string(value), std::to_string(max));
  }

  base::Status real(float& value, std::string_view what) {
    value = TRY(reader_.read<float>(what));
    if (std::isnan(value)) return base::invalid_input(std::string(what) + " is not a number");
    return {};
  }

  base::Status flag(bool& value, std::string_view what) {
    std::uint8_t raw = 0;
    TRY(number(raw, what, std::uint8_t{1}));
    value = raw == 1;
    return {};
  }

  template <typename E>
  base::Status choice(E& value, std::string_view what, E last) {
    std::uint8_t raw = 0;
    TRY(number(raw, what, static_cast<std::uint8_t>(last)));
    value = static_cast<E>(raw);
    return {};
  }

  template <std::unsigned_integral Length>
  base::Status text(std::string& value, std::string_view what, std::size_t bytes_max) {
    TRY(blob<Length>(value, what, bytes_max));
    if (base::is_utf8(value)) return {};
    return base::invalid_input(std::string(what) + " is not valid UTF-8");
  }

  template <std::unsigned_integral Length>
  base::Status blob(std::string& value, std::string_view what, std::size_t bytes_max) {
    value = TRY(reader_.read_string<Length>(what, bytes_max));
    return {};
  }

  base::Status bytes(std::string& value, std::string_view what, std::size_t bytes) {
    const auto raw = TRY(reader_.take(bytes, what));
    value.assign(reinterpret_cast<const char*>(raw.data()), raw.size());
    return {};
  }

  base::Status rest(std::vector<std::byte>& value, std::string_view what, std::size_t bytes_max) {
    if (reader_.remaining() > bytes_max) {
      return over_limit(what, std::to_string(reader_.remaining()) + " bytes",
                        std::to_string(bytes_max));
    }
    const auto raw = TRY(reader_.take(reader_.remaining(), what));
    value.assign(raw.begin(), raw.end());
    return {};
  }

  // Elements are added one at a time as their bytes are found, so a count alone allocates nothing.
  template <std::unsigned_integral Count, typename T, typename Each>
  base::Status list(std::vector<T>& values, std::string_view what, std::size_t count_max,
                    Each each) {
    Count count = 0;
    TRY(number(count, what, static_cast<Count>(count_max)));
    for (Count i = 0; i < count; ++i) TRY(each(values.emplace_back()));
    return {};
  }

 private:
  static base::Error over_limit(std::string_view what, const std::string& value,
                                const std::string& max) {
    return base::invalid_input(std::string(what) + " is " + value + ", at most " + max +
                               " allowed");
  }

  base::ByteReader& reader_;
};

}  // namespace daemon_ipc

#endif  // DAEMON_IPC_FIELD_IO_H_
