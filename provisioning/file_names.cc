#include "provisioning/file_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>

#include "hardening/base/file.h"
#include "hardening/base/utf8.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};
// Unicode's control characters (Cc), line and paragraph separators, and what UAX #9 calls explicit
// formatting.
constexpr std::array<Range, 7> kObeyed{{{0x00, 0x1F},
                                        {0x7F, 0x9F},
                                        {0x061C, 0x061C},
                                        {0x200E, 0x200F},
                                        {0x2028, 0x202E},
                                        {0x2066, 0x2069},
                                        {0xFEFF, 0xFEFF}}};
// Marks and letters that canonical composition (UAX #15) joins to the one before: Latin, Greek and
// Cyrillic accents, Korean vowels and finals, Japanese voicing marks.
constexpr std::array<Range, 3> kJoining{{{0x0300, 0x036F}, {0x1161, 0x11FF}, {0x3099, 0x309A}}};
constexpr std::array<std::string_view, 3> kReservedAtTop{"model.sig", "release.dsse", "lost+found"};

template <std::size_t kCount>
bool holds(const std::array<Range, kCount>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](Range range) { return c >= range.first && c <= range.last; });
}

// The first character in the ranges, or 0x110000, which is none.
template <std::size_t kCount>
char32_t find_in(const std::array<Range, kCount>& ranges, std::string_view text) {
  while (!text.empty()) {
    const base::Utf8Char next = base::decode_utf8(text);
    if (holds(ranges, next.code_point)) return next.code_point;
    text.remove_prefix(next.bytes);
  }
  return 0x110000;
}

std::string folded(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

base::Status check_components(std::string_view name) {
  std::size_t levels = 0;
  for (std::size_t start = 0;;) {
    const std::size_t slash = name.find('/', start);
    const std::string_view component =
        name.substr(start, slash == name.npos ? name.npos : slash - start);
    if (component == ".git") return base::denied("a component is .git");
    if (slash == name.npos) return {};
    if (++levels > kDirectoryDepthMax) {
      return base::exhausted(fmt::format("directories nested deeper than {}", kDirectoryDepthMax));
    }
    start = slash + 1;
  }
}

}  // namespace

base::Status check_shown_text(std::string_view text) {
  if (!base::is_utf8(text)) return base::invalid_input("not UTF-8");
  if (const char32_t c = find_in(kObeyed, text); c != 0x110000) {
    return base::denied(fmt::format("a control character, U+{:04X}", static_cast<unsigned>(c)));
  }
  return {};
}

base::Status check_file_name(std::string_view name) {
  TRY(base::check_relative_path(name));
  TRY(check_shown_text(name));
  if (name.find('\\') != name.npos) return base::denied("a backslash");
  if (const char32_t c = find_in(kJoining, name); c != 0x110000) {
    return base::denied(
        fmt::format("U+{:04X}, of a decomposed letter; names are composed (NFC) here",
                    static_cast<unsigned>(c)));
  }
  if (std::find(kReservedAtTop.begin(), kReservedAtTop.end(), name.substr(0, name.find('/'))) !=
      kReservedAtTop.end()) {
    return base::denied(fmt::format("{} at the top is reserved", name.substr(0, name.find('/'))));
  }
  return check_components(name);
}

base::Status check_distinct_names(std::span<const std::string_view> names) {
  std::unordered_set<std::string> all;
  for (const std::string_view name : names) {
    if (!all.insert(folded(name)).second) {
      return base::denied(
          fmt::format("{} stands twice, or another differs in upper and lower case alone", name));
    }
  }
  for (const std::string& name : all) {
    for (std::size_t slash = name.find('/'); slash != name.npos;
         slash = name.find('/', slash + 1)) {
      if (all.contains(name.substr(0, slash))) {
        return base::denied(fmt::format("{} is a file and a directory", name.substr(0, slash)));
      }
    }
  }
  return {};
}

}  // namespace provisioning
