// Python's operators on the values of a template.
#ifndef RUNTIME_CHAT_TEMPLATE_OPERATORS_H_
#define RUNTIME_CHAT_TEMPLATE_OPERATORS_H_

#include <cstddef>
#include <cstdint>

#include "hardening/base/result.h"
#include "runtime/chat_template/value.h"

namespace runtime::chat_template {

enum class ArithmeticOp : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower
};
enum class CompareOp : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn
};

// Integers are 64 bits: a result outside them is an error.
base::Result<Value> arithmetic(Budget& budget, ArithmeticOp op, const Value& a, const Value& b);
base::Result<Value> negate(const Value& value);
// Numbers alone, in arithmetic.cc.
base::Result<Value> number_arithmetic(ArithmeticOp op, const Value& a, const Value& b);

base::Result<bool> compare(Budget& budget, CompareOp op, const Value& a, const Value& b);
base::Result<bool> equal(Budget& budget, const Value& a, const Value& b);
// a < b, for sorting.
base::Result<bool> less(Budget& budget, const Value& a, const Value& b);
// `item in container`.
base::Result<bool> contains(Budget& budget, const Value& container, const Value& item);
// The index of the entry of that key; dict.entries.size() when there is none.
base::Result<std::size_t> find_key(Budget& budget, const Dict& dict, const Value& key);
// Whether it can be a key: not a list, not a dictionary.
bool is_hashable(const Value& key);

}  // namespace runtime::chat_template

#endif  // RUNTIME_CHAT_TEMPLATE_OPERATORS_H_
