#include "provisioning/container/tar_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "hardening/base/check.h"
#include "hardening/base/json.h"

namespace provisioning {
namespace {

// Offsets and widths of the ustar fields: IEEE Std 1003.1-2017, pax, "ustar Interchange Format".
struct Field {
  std::size_t offset;
  std::size_t bytes;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kMtime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kMagic{257, 8};
constexpr Field kDevMajor{329, 8};
constexpr Field kDevMinor{337, 8};
constexpr Field kPrefix{345, 155};

constexpr char kRegular = '0';
constexpr char kPax = 'x';
constexpr std::string_view kPaxName =
    "././@PaxHeader";  // the name of a pax header's own block; tools do not look at it
constexpr std::string_view kMagicAndVersion{"ustar\00000", 8};

using Block = std::span<char, kTarBlockBytes>;

void put_text(Block block, Field field, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

// Zero-padded octal digits and a NUL.
void put_octal(Block block, Field field, std::uint64_t value) {
  put_text(block, field, fmt::format("{:0{}o}", value, field.bytes - 1));
}

// Where the name splits into prefix and name field: 0 when it need not, nothing when it cannot.
std::optional<std::size_t> split_point(std::string_view name) {
  if (name.size() <= kName.bytes) return 0;
  for (std::size_t at = std::min(name.size() - 1, kPrefix.bytes); at > 0; --at) {
    const std::size_t rest = name.size() - at - 1;
    if (name[at] == '/' && rest > 0 && rest <= kName.bytes) return at;
  }
  return std::nullopt;
}

void encode_block(Block block, std::string_view name, std::string_view prefix, std::uint64_t size,
                  char type) {
  std::fill(block.begin(), block.end(), '\0');
  put_text(block, kName, name);
  put_octal(block, kMode, 0444);
  put_octal(block, kUid, 0);
  put_octal(block, kGid, 0);
  put_octal(block, kSize, size);
  put_octal(block, kMtime, 0);
  block[kType.offset] = type;
  put_text(block, kMagic, kMagicAndVersion);
  put_octal(block, kDevMajor, 0);
  put_octal(block, kDevMinor, 0);
  put_text(block, kPrefix, prefix);
  // The sum of all bytes, the field itself taken as spaces; at most 512 * 255, which six digits
  // hold.
  put_text(block, kChecksum, "        ");
  std::uint32_t sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  put_text(block, kChecksum, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
}

// A pax record counts its own length digits.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;  // ' ', '=', '\n'
  std::size_t digits = 1;
  while (fmt::formatted_size("{}", rest + digits) != digits) ++digits;
  return fmt::format("{} {}={}\n", rest + digits, key, value);
}

std::string_view text_field(std::span<const std::byte> block, Field field) {
  const char* const begin = reinterpret_cast<const char*>(block.data()) + field.offset;
  return {begin, ::strnlen(begin, field.bytes)};
}

std::optional<std::uint64_t> parse_number(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// What the records say. Only enough is understood to encode them again: a wrong length, another
// key, another order come out different then.
struct PaxValues {
  std::optional<std::string> path;
  std::optional<std::uint64_t> size;
};

base::Result<PaxValues> parse_pax(std::string_view records) {
  PaxValues values;
  while (!records.empty()) {
    const auto space = records.find(' ');
    const auto equals = records.find('=');
    const auto line = records.find('\n');
    if (space == records.npos || equals == records.npos || line == records.npos || space > equals ||
        equals > line) {
      return base::denied("a pax record is malformed");
    }
    const auto key = records.substr(space + 1, equals - space - 1);
    const auto value = records.substr(equals + 1, line - equals - 1);
    if (key == "path" && !values.path) {
      values.path = std::string(value);
    } else if (key == "size" && !values.size) {
      values.size = parse_number(value, 10);
      if (!values.size) return base::denied("a pax size is not a decimal number");
    } else {
      return base::denied("a pax record is neither \"path\" nor \"size\", or stands there twice");
    }
    records.remove_prefix(line + 1);
  }
  return values;
}

base::Result<TarMember> read_fields(std::span<const std::byte> header) {
  const auto last = header.last(kTarBlockBytes);
  PaxValues pax;
  if (header.size() > kTarBlockBytes) {
    const auto bytes = parse_number(text_field(header, kSize), 8);
    if (!bytes || *bytes > kTarBlockBytes)
      return base::denied("pax records of more than 512 bytes");
    const char* const records = reinterpret_cast<const char*>(header.data()) + kTarBlockBytes;
    pax = TRY(parse_pax({records, static_cast<std::size_t>(*bytes)}));
  }
  TarMember member;
  const std::string prefix(text_field(last, kPrefix));
  const std::string name(text_field(last, kName));
  member.name = pax.path ? *pax.path : (prefix.empty() ? name : prefix + "/" + name);
  const auto size = pax.size ? pax.size : parse_number(text_field(last, kSize), 8);
  if (!size) return base::denied("a size is not octal");
  member.size = *size;
  return member;
}

}  // namespace

std::string encode_tar_header(std::string_view name, std::uint64_t size) {
  CHECK(!name.empty() && name.size() <= kTarNameBytesMax && size <= kTarSizeMax);
  const auto split = split_point(name);
  const bool long_size = size >= kUstarSizeEnd;
  std::string records;
  if (!split) records += pax_record("path", name);
  if (long_size) records += pax_record("size", fmt::format("{}", size));

  std::string header(records.empty() ? kTarBlockBytes : kTarHeaderBytesMax, '\0');
  char* block = header.data();
  if (!records.empty()) {
    encode_block(Block(block, kTarBlockBytes), kPaxName, "", records.size(), kPax);
    std::copy(records.begin(), records.end(), block + kTarBlockBytes);
    block += 2 * kTarBlockBytes;
  }
  std::string_view prefix;
  if (!split) {
    name = name.substr(0, kName.bytes);
  } else if (*split > 0) {
    prefix = name.substr(0, *split);
    name.remove_prefix(*split + 1);
  }
  encode_block(Block(block, kTarBlockBytes), name, prefix, long_size ? 0 : size, kRegular);
  return header;
}

std::size_t tar_header_bytes(std::span<const std::byte, kTarBlockBytes> first_block) {
  return static_cast<char>(first_block[kType.offset]) == kPax ? kTarHeaderBytesMax : kTarBlockBytes;
}

base::Result<TarMember> parse_tar_header(std::span<const std::byte> header) {
  if (header.size() != kTarBlockBytes && header.size() != kTarHeaderBytesMax) {
    return base::invalid_input("a tar header is one block or three");
  }
  TarMember member = TRY(read_fields(header));
  if (member.name.empty() || member.name.size() > kTarNameBytesMax) {
    return base::denied(fmt::format("a tar header's name has {} bytes, limit {}",
                                    member.name.size(), kTarNameBytesMax));
  }
  if (member.size > kTarSizeMax) {
    return base::denied(
        fmt::format("a tar header's size is {}, limit {}", member.size, kTarSizeMax));
  }
  const std::string expected = encode_tar_header(member.name, member.size);
  if (expected.size() != header.size() ||
      std::memcmp(expected.data(), header.data(), header.size()) != 0) {
    return base::denied(fmt::format("the tar header of {} is not in the one form that is allowed",
                                    base::Json(member.name).dump()));
  }
  return member;
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace provisioning
