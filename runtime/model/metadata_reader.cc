#include "runtime/model/metadata_reader.h"

#include <fmt/format.h>

#include <cmath>

namespace runtime {

using base::Result;
using base::Status;

std::string MetadataReader::named(std::string_view key) const {
  return fmt::format("metadata \"{}{}\"", prefix_, key);
}

const GgufValue* MetadataReader::value(std::string_view key) {
  std::string whole = prefix_;
  whole += key;
  const GgufValue* found = file_.find(whole);
  asked_.insert(std::move(whole));
  return found;
}

Result<std::size_t> MetadataReader::size(std::string_view key, std::size_t max) {
  const GgufValue* found = value(key);
  if (found == nullptr) return base::invalid_input(named(key) + " is missing");
  if (found->is_array())
    return base::unsupported(named(key) + " differs by layer, which is not read");
  const auto number = found->as_uint();
  if (!number)
    return base::invalid_input(fmt::format("{} is not an integer from 1 to {}", named(key), max));
  if (*number == 0 || *number > max) {
    return base::invalid_input(fmt::format("{} is {}; 1 to {} are read", named(key), *number, max));
  }
  return static_cast<std::size_t>(*number);
}

Result<std::size_t> MetadataReader::size_or(std::string_view key, std::size_t max,
                                            std::size_t absent) {
  return value(key) == nullptr ? Result<std::size_t>(absent) : size(key, max);
}

Result<double> MetadataReader::number(std::string_view key, FloatRange range) {
  const GgufValue* found = value(key);
  if (found == nullptr) return base::invalid_input(named(key) + " is missing");
  const auto number = found->as_float();
  if (!number) {
    return base::invalid_input(fmt::format("{} is of type {}; a float is wanted", named(key),
                                           gguf_type_name(found->type())));
  }
  if (!std::isfinite(*number) || *number < range.min || *number > range.max) {
    return base::invalid_input(
        fmt::format("{} is {}; {} to {} are read", named(key), *number, range.min, range.max));
  }
  return *number;
}

Result<double> MetadataReader::number_or(std::string_view key, FloatRange range, double absent) {
  return value(key) == nullptr ? Result<double>(absent) : number(key, range);
}

Result<std::string_view> MetadataReader::string_or(std::string_view key, std::string_view absent) {
  const GgufValue* found = value(key);
  if (found == nullptr) return absent;
  const auto text = found->as_string();
  if (!text) return base::invalid_input(named(key) + " is not a string");
  return *text;
}

Status MetadataReader::refuse_unasked() const {
  for (const GgufEntry& entry : file_.entries()) {
    if (entry.key.starts_with(prefix_) && !asked_.contains(entry.key)) {
      return base::unsupported(fmt::format(
          "metadata \"{}\" is not known: the model may compute in a way not implemented here",
          entry.key));
    }
  }
  return {};
}

}  // namespace runtime
