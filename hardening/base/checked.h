// Arithmetic on sizes that came from outside: the answer, or nothing when it would not fit.
#ifndef HARDENING_BASE_CHECKED_H_
#define HARDENING_BASE_CHECKED_H_

#include <concepts>
#include <limits>
#include <optional>
#include <utility>

namespace base {

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) {
  T sum{};
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_sub(T a, T b) {
  T difference{};
  if (__builtin_sub_overflow(a, b, &difference)) return std::nullopt;
  return difference;
}

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) {
  T product{};
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// Rounds up to a multiple of `alignment`, a power of two greater than zero.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_align_up(T value, T alignment) {
  const auto padded = checked_add(value, static_cast<T>(alignment - 1));
  if (!padded) return std::nullopt;
  return static_cast<T>(*padded & ~static_cast<T>(alignment - 1));
}

// The same value in another integer type, or nothing when it does not fit.
template <std::integral To, std::integral From>
[[nodiscard]] constexpr std::optional<To> checked_cast(From value) {
  if (!std::in_range<To>(value)) return std::nullopt;
  return static_cast<To>(value);
}

}  // namespace base

#endif  // HARDENING_BASE_CHECKED_H_
