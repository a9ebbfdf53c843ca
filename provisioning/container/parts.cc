#include "provisioning/container/parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/hex.h"
#include "hardening/base/json.h"
#include "provisioning/json_fields.h"

namespace provisioning {
namespace {

using base::Json;

base::Result<std::uint64_t> count_member(const Json& object, std::string_view key) {
  const Json* const value = object.find(key);
  if (value == nullptr || !value->is_int() || value->as_int() < 0) {
    return base::invalid_input(fmt::format("{} is not an integer from 0", key));
  }
  return static_cast<std::uint64_t>(value->as_int());
}

base::Result<Sha256Digest> parse_digest(const Json& value) {
  Sha256Digest digest{};
  if (!value.is_string() || value.as_string().size() != 2 * digest.size()) {
    return base::invalid_input("sha256 is not a list of 64 hex digits each");
  }
  const auto bytes = TRY(base::from_hex(value.as_string()));
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace

std::uint64_t PartsIndex::size_of(std::size_t part) const {
  return part + 1 < sha256.size() ? part_bytes : bytes - part_bytes * (sha256.size() - 1);
}

std::size_t part_count(std::uint64_t bytes, std::uint64_t part_bytes) {
  if (bytes == 0 || part_bytes < kPartBytesMin) return 0;
  const std::uint64_t count = (bytes - 1) / part_bytes + 1;
  return count > kPartsMax ? 0 : static_cast<std::size_t>(count);
}

std::string part_name(std::string_view archive_name, std::size_t part) {
  return fmt::format("{}.{:03}", archive_name, part + 1);
}

base::Result<PartsIndex> parse_parts(std::string_view text) {
  const Json json = TRY(
      Json::parse(text, {.bytes_max = kPartsTextMax, .depth_max = 4, .values_max = 2 * kPartsMax}));
  if (!json.is_object()) return base::invalid_input("not an object");
  TRY(only_members(json, {"type", "format", "bytes", "part_bytes", "sha256"}, "parts"));
  TRY(expect_string(json, "type", "redoubt-parts", "parts"));
  if (TRY(count_member(json, "format")) != 1) return base::unsupported("format is not 1");
  PartsIndex index;
  index.bytes = TRY(count_member(json, "bytes"));
  index.part_bytes = TRY(count_member(json, "part_bytes"));
  const auto& digests = TRY(array_member(json, "sha256", "parts"))->as_array();
  const std::size_t count = part_count(index.bytes, index.part_bytes);
  if (count == 0 || digests.size() != count) {
    return base::invalid_input(fmt::format(
        "{} digests do not go with {} bytes in parts of {} (at most {} parts of at least {})",
        digests.size(), index.bytes, index.part_bytes, kPartsMax, kPartBytesMin));
  }
  for (const Json& digest : digests) index.sha256.push_back(TRY(parse_digest(digest)));
  return index;
}

std::string serialize_parts(const PartsIndex& index) {
  Json digests = Json::array();
  for (const auto& digest : index.sha256) digests.push_back(base::to_hex(digest));
  return Json::object({{"type", "redoubt-parts"},
                       {"format", 1},
                       {"bytes", index.bytes},
                       {"part_bytes", index.part_bytes},
                       {"sha256", std::move(digests)}})
             .dump() +
         "\n";
}

}  // namespace provisioning
