// A metadata value of a GGUF file: a view of checked bytes, decoded when asked.
//
// An array is never made into a vector here: its elements are walked where they lie, so a hostile
// count costs nothing (every element was found to be inside the file when the value was parsed).
#ifndef RUNTIME_MODEL_GGUF_VALUE_H_
#define RUNTIME_MODEL_GGUF_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hardening/base/byte_reader.h"
#include "hardening/base/result.h"

namespace runtime {

// The numbers are those of the file format.
enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// "uint8", …, "float64".
std::string_view gguf_type_name(GgufType type);

class GgufElements;

// Borrows the file's bytes.
class GgufValue {
 public:
  // Reads a value of `type` (as the file numbers it) and steps over it. Refuses unknown types,
  // nested arrays, counts and lengths above limits.h or beyond the end, and booleans other than 0
  // and 1.
  static base::Result<GgufValue> parse(base::ByteReader& reader, std::uint32_t type);

  GgufType type() const { return type_; }
  bool is_array() const { return type_ == GgufType::kArray; }

  // The value, when it is of such a type and fits; nothing otherwise. Any integer type will do for
  // an integer.
  std::optional<std::uint64_t> as_uint() const;
  std::optional<std::int64_t> as_int() const;
  std::optional<double> as_float() const;  // float32 or float64; may be infinite or NaN
  std::optional<bool> as_bool() const;
  std::optional<std::string_view> as_string() const;

  // Of an array: what it holds, and how many. An empty array has an element type, too.
  GgufType element_type() const { return element_type_; }
  std::uint64_t count() const { return count_; }
  // Walks an array from its first element; an empty walk for anything else.
  GgufElements elements() const;

 private:
  friend class GgufElements;
  static base::Result<GgufValue> parse_array(base::ByteReader& reader);

  GgufType type_ = GgufType::kUint8;
  GgufType element_type_ = GgufType::kUint8;
  std::uint64_t count_ = 0;
  std::span<const std::byte> payload_;  // without a string's length, an array's type and count
};

// One pass over an array:  for (auto walk = value.elements(); auto element = walk.next();) …
class GgufElements {
 public:
  std::optional<GgufValue> next();

 private:
  friend class GgufValue;
  explicit GgufElements(const GgufValue& array);

  base::ByteReader reader_;
  GgufType type_;
  std::uint64_t left_;
};

}  // namespace runtime

#endif  // RUNTIME_MODEL_GGUF_VALUE_H_
