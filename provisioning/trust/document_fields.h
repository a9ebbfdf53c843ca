// Members of our signed documents, each read with its limits. Errors name the member by its path.
#ifndef PROVISIONING_TRUST_DOCUMENT_FIELDS_H_
#define PROVISIONING_TRUST_DOCUMENT_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace provisioning {

// 2^53 - 1: the same number in every JSON library.
inline constexpr std::uint64_t kIntegerMax = 9'007'199'254'740'991;

// An object, whole, with the expected "type" and "format" 1.
base::Result<base::Json> parse_document(std::string_view text, std::string_view type,
                                        const base::JsonLimits& limits);

struct TextLimits {
  std::size_t bytes_min = 0;
  std::size_t bytes_max = 0;
};

base::Result<std::uint64_t> integer_member(const base::Json& object, std::string_view key,
                                           std::uint64_t minimum, std::uint64_t maximum,
                                           std::string_view path);
base::Result<std::int64_t> time_member(const base::Json& object, std::string_view key,
                                       std::string_view path);
base::Result<std::optional<std::int64_t>> optional_time_member(const base::Json& object,
                                                               std::string_view key,
                                                               std::string_view path);
// Printable ASCII, spaces included.
base::Result<std::string> text_member(const base::Json& object, std::string_view key,
                                      TextLimits limits, std::string_view path);
// Letters, digits, ".", "-" and "_".
base::Result<std::string> name_member(const base::Json& object, std::string_view key,
                                      TextLimits limits, std::string_view path);
// Fills `out` from lower-case hex of exactly its size.
base::Status digest_member(const base::Json& object, std::string_view key, std::span<std::byte> out,
                           std::string_view path);
// An array of at most `count_max` strings.
base::Result<std::vector<std::string>> strings_member(const base::Json& object,
                                                      std::string_view key, std::size_t count_max,
                                                      std::string_view path);
// The same, where each must be 64 hex digits and none may stand twice.
base::Result<std::vector<std::string>> ids_member(const base::Json& object, std::string_view key,
                                                  std::size_t count_max, std::string_view path);

bool is_id(std::string_view text);  // 64 lower-case hex digits
// What a name_member is made of; the empty text is not.
bool is_name(std::string_view text, std::size_t bytes_max);
bool is_printable_ascii(std::string_view text);

base::Json string_array(const std::vector<std::string>& texts);

}  // namespace provisioning

#endif  // PROVISIONING_TRUST_DOCUMENT_FIELDS_H_
