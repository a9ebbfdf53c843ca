#include "provisioning/store/object_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "provisioning/limits.h"
#include "provisioning/store/about.h"

namespace provisioning {
namespace {

constexpr std::size_t kDigestDigits = 64;

base::Result<StoredObject> parse_line(std::string_view line) {
  StoredObject object;
  const std::string_view digest = line.substr(0, kDigestDigits);
  if (!is_digest_text(digest) || line.size() < kDigestDigits + 2 || line[kDigestDigits] != ' ') {
    return base::invalid_input("not \"SHA256 SIZE\"");
  }
  object.sha256 = digest;
  const std::string_view size = line.substr(kDigestDigits + 1);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), object.size);
  if (error != std::errc() || end != size.data() + size.size() ||
      (size.size() > 1 && size[0] == '0')) {
    return base::invalid_input("the size is not a number");
  }
  if (object.size > kFileBytesMax) {
    return base::exhausted(fmt::format("{} bytes, limit {}", object.size, kFileBytesMax));
  }
  return object;
}

}  // namespace

std::string serialize_object_list(std::vector<StoredObject> objects) {
  std::sort(objects.begin(), objects.end());
  objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  std::string text;
  for (const StoredObject& object : objects)
    text += fmt::format("{} {}\n", object.sha256, object.size);
  return text;
}

base::Result<std::vector<StoredObject>> parse_object_list(std::string_view text) {
  if (text.size() > kObjectListBytesMax) {
    return base::exhausted(
        fmt::format("objects: {} bytes, limit {}", text.size(), kObjectListBytesMax));
  }
  std::vector<StoredObject> objects;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string where = fmt::format("objects: line {}", objects.size() + 1);
    if (end == std::string_view::npos) return base::invalid_input(where + ": does not end");
    if (objects.size() == kObjectsMax)
      return base::exhausted(fmt::format("objects: more than {}", kObjectsMax));
    StoredObject object = TRY(parse_line(text.substr(0, end)).context(where));
    if (!objects.empty() && object.sha256 <= objects.back().sha256)
      return base::invalid_input(where + ": not in order");
    objects.push_back(std::move(object));
    text.remove_prefix(end + 1);
  }
  return objects;
}

}  // namespace provisioning
