#include "hardening/id_map.h"

#include <fcntl.h>

#include <charconv>
#include <optional>
#include <span>

#include "hardening/base/file.h"

namespace hardening {
namespace {

constexpr std::size_t kMapBytesMax = 16'384;  // the kernel allows 340 lines

// The next number of `text`, which loses it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  const auto start = text.find_first_not_of(" \t\n");
  if (start == text.npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + start, end, number);
  if (error != std::errc()) return std::nullopt;
  text = std::string_view(rest, static_cast<std::size_t>(end - rest));
  return number;
}

}  // namespace

base::Result<IdMap> IdMap::read(const std::string& path) {
  const base::Fd file = TRY(base::open_file(path, O_RDONLY));
  std::string text(kMapBytesMax, '\0');  // files of /proc tell no size
  text.resize(TRY(base::read_full(file, std::as_writable_bytes(std::span(text)))));
  return parse(text).context(path);
}

base::Result<IdMap> IdMap::parse(std::string_view text) {
  IdMap map;
  while (text.find_first_not_of(" \t\n") != text.npos) {
    const auto inside = take_number(text);
    const auto outside = take_number(text);
    const auto count = take_number(text);
    if (!inside || !outside || !count) return base::invalid_input("not a map of ids");
    map.ranges_.push_back({*inside, *count});
  }
  return map;
}

bool IdMap::contains(std::uint32_t id) const {
  for (const Range& range : ranges_) {
    if (id >= range.inside && id - range.inside < range.count) return true;
  }
  return false;
}

std::uint64_t IdMap::count() const {
  std::uint64_t sum = 0;
  for (const Range& range : ranges_) sum += range.count;
  return sum;
}

}  // namespace hardening
