#include "runtime/model/gguf_value.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "hardening/base/check.h"
#include "hardening/base/checked.h"
#include "runtime/model/limits.h"

namespace runtime {
namespace {

using base::ByteReader;
using base::Result;

struct TypeInfo {
  std::string_view name;
  std::size_t bytes;  // of a value of fixed size; 0 for strings and arrays
};

// Indexed by GgufType.
constexpr std::array<TypeInfo, 13> kTypes{{
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"float32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"uint64", 8},
    {"int64", 8},
    {"float64", 8},
}};

const TypeInfo& info_of(GgufType type) {
  return kTypes[static_cast<std::size_t>(type)];
}

Result<GgufType> known_type(std::uint32_t type) {
  if (type >= kTypes.size()) {
    return base::invalid_input(
        fmt::format("value type {} is unknown; 0 to {} are read", type, kTypes.size() - 1));
  }
  return static_cast<GgufType>(type);
}

template <typename T>
T load(std::span<const std::byte> payload) {
  T value;
  CHECK(payload.size() == sizeof value);
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

Result<std::span<const std::byte>> take_string(ByteReader& reader) {
  const auto text = TRY(reader.read_string<std::uint64_t>("string", limits::kStringBytesMax));
  return std::as_bytes(std::span(text));
}

base::Status check_bools(std::span<const std::byte> values) {
  for (const std::byte value : values) {
    if (value > std::byte{1}) {
      return base::invalid_input(
          fmt::format("a bool is {}; only 0 and 1 are", std::to_integer<int>(value)));
    }
  }
  return {};
}

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  return info_of(type).name;
}

Result<GgufValue> GgufValue::parse(ByteReader& reader, std::uint32_t type) {
  GgufValue value;
  value.type_ = TRY(known_type(type));
  if (value.type_ == GgufType::kArray) return parse_array(reader);
  if (value.type_ == GgufType::kString) {
    value.payload_ = TRY(take_string(reader));
    return value;
  }
  value.payload_ = TRY(reader.take(info_of(value.type_).bytes, gguf_type_name(value.type_)));
  if (value.type_ == GgufType::kBool) TRY(check_bools(value.payload_));
  return value;
}

Result<GgufValue> GgufValue::parse_array(ByteReader& reader) {
  GgufValue value;
  value.type_ = GgufType::kArray;
  value.element_type_ = TRY(known_type(TRY(reader.read<std::uint32_t>("array type"))));
  value.count_ = TRY(reader.read<std::uint64_t>("array count"));
  if (value.element_type_ == GgufType::kArray)
    return base::unsupported("arrays of arrays are not read");
  if (value.count_ > limits::kArrayElementsMax) {
    return base::exhausted(fmt::format("an array of {} elements; the limit is {}", value.count_,
                                       limits::kArrayElementsMax));
  }
  const std::size_t count = static_cast<std::size_t>(value.count_);
  if (value.element_type_ != GgufType::kString) {
    // Cannot overflow: the count is limited above, an element has at most 8 bytes.
    value.payload_ = TRY(reader.take(count * info_of(value.element_type_).bytes, "array elements"));
    if (value.element_type_ == GgufType::kBool) TRY(check_bools(value.payload_));
    return value;
  }
  ByteReader walk = reader;
  for (std::size_t i = 0; i < count; ++i) {
    auto text = take_string(walk);
    if (!text.ok()) return std::move(text).context(fmt::format("element {}", i)).error();
  }
  value.payload_ = TRY(reader.take(walk.position() - reader.position(), "array elements"));
  return value;
}

std::optional<std::uint64_t> GgufValue::as_uint() const {
  switch (type_) {
    case GgufType::kUint8:
      return load<std::uint8_t>(payload_);
    case GgufType::kUint16:
      return load<std::uint16_t>(payload_);
    case GgufType::kUint32:
      return load<std::uint32_t>(payload_);
    case GgufType::kUint64:
      return load<std::uint64_t>(payload_);
    default:
      break;
  }
  const auto value = as_int();
  if (!value) return std::nullopt;
  return base::checked_cast<std::uint64_t>(*value);
}

std::optional<std::int64_t> GgufValue::as_int() const {
  switch (type_) {
    case GgufType::kInt8:
      return load<std::int8_t>(payload_);
    case GgufType::kInt16:
      return load<std::int16_t>(payload_);
    case GgufType::kInt32:
      return load<std::int32_t>(payload_);
    case GgufType::kInt64:
      return load<std::int64_t>(payload_);
    case GgufType::kUint8:
    case GgufType::kUint16:
    case GgufType::kUint32:
    case GgufType::kUint64:
      return base::checked_cast<std::int64_t>(*as_uint());
    default:
      return std::nullopt;
  }
}

std::optional<double> GgufValue::as_float() const {
  if (type_ == GgufType::kFloat32) return static_cast<double>(load<float>(payload_));
  if (type_ == GgufType::kFloat64) return load<double>(payload_);
  return std::nullopt;
}

std::optional<bool> GgufValue::as_bool() const {
  if (type_ != GgufType::kBool) return std::nullopt;
  return payload_[0] == std::byte{1};
}

std::optional<std::string_view> GgufValue::as_string() const {
  if (type_ != GgufType::kString) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(payload_.data()), payload_.size());
}

GgufElements GgufValue::elements() const {
  return GgufElements(*this);
}

GgufElements::GgufElements(const GgufValue& array)
    : reader_(array.payload_),
      type_(array.element_type_),
      left_(array.is_array() ? array.count_ : 0) {}

std::optional<GgufValue> GgufElements::next() {
  if (left_ == 0) return std::nullopt;
  --left_;
  // Every element was parsed once already, so this cannot fail.
  return GgufValue::parse(reader_, static_cast<std::uint32_t>(type_)).value();
}

}  // namespace runtime
