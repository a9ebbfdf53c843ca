#include "daemon/importer/medium_path.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "provisioning/store/store_files.h"

namespace daemon_importer {
namespace {

constexpr std::string_view kArchiveSuffix = ".rdb";
constexpr std::string_view kPartsIndexSuffix = ".rdb.parts";

// Its type without following a link; 0 when it cannot be looked at.
mode_t type_of(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & S_IFMT : 0;
}

// A stranger's name, for people: no byte of it can do anything to a terminal.
std::string shown(std::string_view name) {
  std::string text;
  for (const char c : name) text += c >= ' ' && c <= '~' ? c : '?';
  return text;
}

base::Result<std::vector<std::string>> names_in(const std::string& directory) {
  auto names = TRY(provisioning::list_names(directory, kMediumEntriesMax));
  std::sort(names.begin(), names.end());
  return names;
}

bool holds_bundle(const std::string& directory, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const bool wanted =
        name == "release.dsse" || name == "model.sig" || name.ends_with(kPartsIndexSuffix);
    return wanted && type_of(directory + "/" + name) != S_IFDIR;
  });
}

}  // namespace

base::Result<std::string> find_bundle(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return base::not_found(shown(path) + " does not exist");
    return base::io_error(errno, shown(path));
  }
  if (!S_ISDIR(info.st_mode)) return path;
  // A directory of a bundle may hold more than a medium's first level: it is told by two names.
  for (const char* name : {"/release.dsse", "/model.sig"}) {
    if (type_of(path + name) != 0) return path;
  }
  const auto names = TRY(names_in(path).context("looking for a bundle"));
  if (holds_bundle(path, names)) return path;
  std::vector<std::string> found;
  for (const std::string& name : names) {
    const std::string entry = path + "/" + name;
    const mode_t type = type_of(entry);
    if (type == S_IFREG && name.ends_with(kArchiveSuffix)) found.push_back(name);
    if (type != S_IFDIR) continue;
    const auto below = names_in(entry);
    // One that cannot be listed is no bundle: media have directories of their own (lost+found).
    if (below.ok() && holds_bundle(entry, below.value())) found.push_back(name);
  }
  if (found.size() == 1) return path + "/" + found.front();
  if (found.empty()) return base::invalid_input(shown(path) + " holds no bundle");
  std::string list;
  for (const std::string& name : found) list += (list.empty() ? "" : ", ") + shown(name);
  return base::invalid_input(
      fmt::format("{} holds {} bundles: {}; name one", shown(path), found.size(), list));
}

}  // namespace daemon_importer
