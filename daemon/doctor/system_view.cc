#include "daemon/doctor/system_view.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "hardening/base/fd.h"
#include "hardening/base/file.h"

namespace daemon_doctor {
namespace {

constexpr std::size_t kReadBytesMax = 65'536;
constexpr std::size_t kNamesMax = 4'096;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

std::optional<std::string> SystemView::read(const std::string& path) const {
  // Files of /proc and /sys have no size: read as far as it goes.
  const auto fd = base::open_file(root_ + path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.ok()) return std::nullopt;
  std::string text(kReadBytesMax, '\0');
  const auto got = base::read_full(fd.value(), std::as_writable_bytes(std::span(text)));
  if (!got.ok()) return std::nullopt;
  text.resize(got.value());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\0'))
    text.pop_back();
  return text;
}

std::vector<std::string> SystemView::list(const std::string& directory) const {
  const std::unique_ptr<DIR, CloseDirectory> open(::opendir((root_ + directory).c_str()));
  std::vector<std::string> names;
  if (open == nullptr) return names;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && names.size() < kNamesMax) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool SystemView::exists(const std::string& path) const {
  return owner(path).has_value();
}

std::optional<std::string> SystemView::link_name(const std::string& path) const {
  std::string target(4'096, '\0');
  const ssize_t size = ::readlink((root_ + path).c_str(), target.data(), target.size());
  if (size <= 0) return std::nullopt;
  target.resize(static_cast<std::size_t>(size));
  return target.substr(target.rfind('/') + 1);
}

std::optional<SystemView::Owner> SystemView::owner(const std::string& path) const {
  struct stat info {};
  if (::stat((root_ + path).c_str(), &info) != 0) return std::nullopt;
  return Owner{info.st_mode & 07777U, info.st_uid, info.st_gid};
}

}  // namespace daemon_doctor
