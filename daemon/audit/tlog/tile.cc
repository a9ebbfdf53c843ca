#include "daemon/audit/tlog/tile.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "hardening/base/check.h"

namespace daemon_audit {
namespace {

constexpr std::uint64_t kGroup = 1000;
// Numbers of tiles of 2^48 leaves are below 2^40: 13 digits.
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 40;

// Takes a decimal of one spelling: as many digits as it needs, or exactly `width` of them.
std::optional<std::uint64_t> take_number(std::string_view& text, std::size_t width = 0) {
  std::uint64_t value = 0;
  const std::string_view looked_at = width == 0 ? text : text.substr(0, width);
  const auto parsed = std::from_chars(looked_at.data(), looked_at.data() + looked_at.size(), value);
  const auto digits = static_cast<std::size_t>(parsed.ptr - looked_at.data());
  if (parsed.ec != std::errc() || digits == 0 || (width != 0 && digits != width)) return {};
  if (width == 0 && digits > 1 && text.front() == '0') return {};
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

// "x001/x234/067"
std::optional<std::uint64_t> take_groups(std::string_view& text) {
  std::uint64_t number = 0;
  const bool has_many = text.starts_with('x');
  for (bool first = true;; first = false) {
    const bool more = take(text, "x");
    const auto group = take_number(text, 3);
    if (!group || (first && has_many && *group == 0)) return {};
    number = number * kGroup + *group;
    if (number > kNumberMax) return {};
    if (!more) return number;
    if (!take(text, "/")) return {};
  }
}

}  // namespace

std::string tile_path(const TileName& name) {
  std::string groups = fmt::format("{:03}", name.number % kGroup);
  for (std::uint64_t rest = name.number / kGroup; rest > 0; rest /= kGroup) {
    groups = fmt::format("x{:03}/{}", rest % kGroup, groups);
  }
  std::string path =
      name.entries ? "tile/entries/" + groups : fmt::format("tile/{}/{}", name.level, groups);
  if (name.width != kTileWidth) path += fmt::format(".p/{}", name.width);
  return path;
}

std::optional<TileName> parse_tile_path(std::string_view path) {
  TileName name;
  if (!take(path, "tile/")) return {};
  if (take(path, "entries")) {
    name.entries = true;
  } else {
    const auto level = take_number(path);
    if (!level || *level >= kTileLevelsMax) return {};
    name.level = static_cast<std::uint32_t>(*level);
  }
  if (!take(path, "/")) return {};
  const auto number = take_groups(path);
  if (!number) return {};
  name.number = *number;
  if (take(path, ".p/")) {
    const auto width = take_number(path);
    if (!width || *width == 0 || *width >= kTileWidth) return {};
    name.width = static_cast<std::uint32_t>(*width);
  }
  if (!path.empty()) return {};
  return name;
}

LastTile last_tile(std::uint32_t level, std::uint64_t size) {
  CHECK(level < kTileLevelsMax);
  const std::uint64_t hashes = size >> (8 * level);
  return {.full_tiles = hashes / kTileWidth,
          .partial_width = static_cast<std::uint32_t>(hashes % kTileWidth)};
}

std::string serialize_bundle(std::span<const std::string> entries) {
  std::size_t bytes = 0;
  for (const std::string& entry : entries) bytes += 2 + entry.size();
  std::string bundle;
  bundle.reserve(bytes);
  for (const std::string& entry : entries) {
    CHECK(entry.size() <= kEntryBytesMax);
    bundle += static_cast<char>(entry.size() >> 8);
    bundle += static_cast<char>(entry.size() & 0xFF);
    bundle += entry;
  }
  return bundle;
}

base::Result<std::vector<std::string>> parse_bundle(std::string_view bytes, std::uint32_t count) {
  if (count > kTileWidth) {
    return base::invalid_input(
        fmt::format("entry bundle: {} entries, limit {}", count, kTileWidth));
  }
  std::vector<std::string> entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (bytes.size() < 2) {
      return base::invalid_input(fmt::format("entry bundle: ends before entry {} of {}", i, count));
    }
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
                               static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < length) {
      return base::invalid_input(fmt::format("entry bundle: ends inside entry {} of {}", i, count));
    }
    entries.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  if (!bytes.empty()) {
    return base::invalid_input(
        fmt::format("entry bundle: {} bytes behind its {} entries", bytes.size(), count));
  }
  return entries;
}

std::string serialize_hashes(std::span<const Hash> hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * kHashBytes);
  for (const Hash& hash : hashes) {
    bytes.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
  return bytes;
}

base::Result<std::vector<Hash>> parse_hashes(std::string_view bytes, std::uint32_t count) {
  if (count > kTileWidth || bytes.size() != count * kHashBytes) {
    return base::invalid_input(
        fmt::format("tile: {} bytes for {} hashes of {}", bytes.size(), count, kHashBytes));
  }
  std::vector<Hash> hashes(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::memcpy(hashes[i].data(), bytes.data() + i * kHashBytes, kHashBytes);
  }
  return hashes;
}

}  // namespace daemon_audit
