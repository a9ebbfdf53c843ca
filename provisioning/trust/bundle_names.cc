#include "provisioning/trust/bundle_names.h"

#include <fmt/format.h>

#include <vector>

namespace provisioning {
namespace {

constexpr std::string_view kMaterialsName = "sbom.cdx.json";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

base::Status check_component(std::string_view component) {
  if (component.empty()) return base::invalid_input("an empty component");
  if (component.size() > kBundleNameComponentBytesMax) {
    return base::invalid_input(fmt::format("a component of {} bytes, limit {}", component.size(),
                                           kBundleNameComponentBytesMax));
  }
  if (component.front() == '.') return base::invalid_input("a component that begins with \".\"");
  for (const char c : component) {
    if (!is_letter_or_digit(c) && std::string_view(".-_+=").find(c) == std::string_view::npos) {
      return base::invalid_input("a character that names may not have");
    }
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

// "a", "a/b" of "a/b/c".
std::vector<std::string> directories_of(const std::string& name) {
  std::vector<std::string> directories;
  for (std::size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
    directories.push_back(name.substr(0, slash));
  }
  return directories;
}

}  // namespace

base::Status check_bundle_name(std::string_view name) {
  if (name.size() > kBundleNameBytesMax) {
    return base::invalid_input(
        fmt::format("a name of {} bytes, limit {}", name.size(), kBundleNameBytesMax));
  }
  std::size_t levels = 0;
  for (std::string_view rest = name;; ++levels) {
    const std::size_t slash = rest.find('/');
    TRY(check_component(rest.substr(0, slash)));
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (++levels > kBundleNameLevelsMax) {
    return base::invalid_input(fmt::format("{} levels, limit {}", levels, kBundleNameLevelsMax));
  }
  if (!name.starts_with("model/") && !name.starts_with("qualify/") && name != kMaterialsName) {
    return base::invalid_input("a name outside model/ and qualify/");
  }
  return {};
}

base::Status BundleNames::add(std::string_view name) {
  std::string folded = lower(name);
  auto directories = directories_of(folded);
  for (const std::string& directory : directories) {
    if (names_.contains(directory)) {
      return base::invalid_input(fmt::format("{} lies below {}, which is a file", name, directory));
    }
  }
  if (directories_.contains(folded))
    return base::invalid_input(fmt::format("{} is a directory of another file", name));
  if (!names_.insert(std::move(folded)).second) {
    return base::invalid_input(
        fmt::format("{} stands twice, upper and lower case taken as equal", name));
  }
  directories_.insert(std::make_move_iterator(directories.begin()),
                      std::make_move_iterator(directories.end()));
  return {};
}

}  // namespace provisioning
