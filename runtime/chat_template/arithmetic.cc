// Arithmetic of numbers. Integers stay integers except under "/", division rounds down, and nothing
// wraps.
#include <cmath>
#include <limits>

#include "hardening/base/checked.h"
#include "runtime/chat_template/iteration.h"
#include "runtime/chat_template/numbers.h"
#include "runtime/chat_template/operators.h"

#include <fmt/format.h>

namespace runtime::chat_template {
namespace {

base::Error division_by_zero() {
  return base::invalid_input("division by zero");
}

base::Result<Value> checked(std::optional<std::int64_t> value) {
  if (!value) return integer_overflow();
  return Value::integer(*value);
}

base::Result<Value> real_power(double a, double b) {
  if (a == 0 && b < 0) return division_by_zero();
  const double power = std::pow(a, b);
  if (std::isnan(power) && !std::isnan(a) && !std::isnan(b)) {
    return base::unsupported("complex numbers");
  }
  if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) {
    return base::invalid_input("a float out of range");
  }
  return Value::real(power);
}

base::Result<Value> integer_power(std::int64_t a, std::int64_t b) {
  if (b < 0) return real_power(static_cast<double>(a), static_cast<double>(b));
  std::optional<std::int64_t> power = 1;
  std::optional<std::int64_t> square = a;
  for (; b > 0; b >>= 1) {
    if (!square) return integer_overflow();
    if ((b & 1) != 0) power = base::checked_mul(*power, *square);
    if (!power) return integer_overflow();
    square = base::checked_mul(*square, *square);
  }
  return Value::integer(*power);
}

base::Result<Value> integers(ArithmeticOp op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case ArithmeticOp::kAdd:
      return checked(base::checked_add(a, b));
    case ArithmeticOp::kSubtract:
      return checked(base::checked_sub(a, b));
    case ArithmeticOp::kMultiply:
      return checked(base::checked_mul(a, b));
    case ArithmeticOp::kPower:
      return integer_power(a, b);
    default:
      break;
  }
  if (b == 0) return division_by_zero();
  if (op == ArithmeticOp::kDivide) {
    return Value::real(static_cast<double>(a) / static_cast<double>(b));
  }
  if (b == -1) {  // the one divisor whose quotient can overflow
    return op == ArithmeticOp::kModulo ? Value::integer(std::int64_t{0})
                                       : checked(base::checked_sub(std::int64_t{0}, a));
  }
  const bool down = a % b != 0 && (a % b < 0) != (b < 0);
  if (op == ArithmeticOp::kModulo) return Value::integer(a % b + (down ? b : 0));
  return Value::integer(a / b - (down ? 1 : 0));
}

// Python's float modulo: the sign of the divisor, exact as fmod is.
double floor_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_quotient(double a, double b) {
  const double quotient = (a - floor_modulo(a, b)) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1.0 : floor;
}

base::Result<Value> reals(ArithmeticOp op, double a, double b) {
  switch (op) {
    case ArithmeticOp::kAdd:
      return Value::real(a + b);
    case ArithmeticOp::kSubtract:
      return Value::real(a - b);
    case ArithmeticOp::kMultiply:
      return Value::real(a * b);
    case ArithmeticOp::kPower:
      return real_power(a, b);
    default:
      break;
  }
  if (b == 0) return division_by_zero();
  if (op == ArithmeticOp::kDivide) return Value::real(a / b);
  if (op == ArithmeticOp::kModulo) return Value::real(floor_modulo(a, b));
  return Value::real(floor_quotient(a, b));
}

}  // namespace

base::Result<Value> number_arithmetic(ArithmeticOp op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return integers(op, a.integral(), b.integral());
  return reals(op, a.number(), b.number());
}

base::Result<Value> negate(const Value& value) {
  if (const Undefined* undefined = value.as_undefined()) return undefined_error(*undefined);
  if (value.is_integral()) return checked(base::checked_sub(std::int64_t{0}, value.integral()));
  if (const double* real = value.real()) return Value::real(-*real);
  return base::invalid_input(fmt::format("{} has no negative", value.type_name()));
}

}  // namespace runtime::chat_template
