#include "daemon/supervisor/act_spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace daemon_supervisor {
namespace {

constexpr std::size_t kAsideMax = 100;
constexpr std::string_view kAside = "malformed-";

// The names of a directory, unordered; other files than those of acts count, too, so that nothing
// that is put there makes this endless.
struct Listing {
  std::vector<std::string> acts;
  std::size_t aside = 0;
  std::size_t all = 0;
};

base::Result<Listing> list(const std::string& path) {
  struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (directory == nullptr) return base::io_error(errno, path);
  Listing listing;
  errno = 0;
  for (const dirent* entry = nullptr; (entry = ::readdir(directory.get())) != nullptr;) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (++listing.all > 2 * kActsMax) break;
    if (is_act_file_name(name)) listing.acts.emplace_back(name);
    if (name.starts_with(kAside)) ++listing.aside;
  }
  std::sort(listing.acts.begin(), listing.acts.end());
  return listing;
}

base::Result<std::string> read_act(const std::string& path) {
  // O_NONBLOCK: a FIFO of that name is refused, not waited for.
  const base::Fd file = TRY(base::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  return base::read_text(file, kActBytesMax);
}

}  // namespace

base::Status write_act(const std::string& directory, const ActReport& report,
                       const base::FileOwner* owner) {
  if (::mkdir(directory.c_str(), kActsMode) == 0) {
    if (owner != nullptr && ::chown(directory.c_str(), owner->uid, owner->gid) != 0)
      return base::io_error(errno, "chown " + directory);
  } else if (errno != EEXIST) {
    return base::io_error(errno, "create directory " + directory);
  }
  if (TRY(list(directory)).all >= kActsMax) {
    return base::exhausted(
        fmt::format("{} holds {} acts that have not reached the audit log: start the service first",
                    directory, kActsMax));
  }
  return base::replace_file(directory + "/" + act_file_name(report), report.body().dump(), 0600,
                            owner);
}

std::size_t ActSpool::take(const Report& report) {
  const auto listing = list(directory_);
  if (!listing.ok()) return 0;
  aside_ = listing.value().aside;
  std::size_t count = 0;
  for (const std::string& name : listing.value().acts) {
    const bool known = std::any_of(taken_.begin(), taken_.end(),
                                   [&name](const Taken& taken) { return taken.name == name; });
    if (known) continue;
    if (!take_one(name, report)) break;
    ++count;
  }
  return count;
}

bool ActSpool::take_one(const std::string& name, const Report& report) {
  const auto text = read_act(directory_ + "/" + name);
  if (!text.ok()) return put_aside(name, text.error().message, report);
  const auto act = ActReport::parse(text.value());
  if (!act.ok()) return put_aside(name, act.error().message, report);
  const std::uint64_t record = report(act.value().body());
  if (record == 0) return false;
  taken_.push_back({name, record});
  return true;
}

bool ActSpool::put_aside(const std::string& name, const std::string& why, const Report& report) {
  struct stat info {};
  const bool found = ::lstat((directory_ + "/" + name).c_str(), &info) == 0;
  const auto record = report(base::Json::object({{"command", "unknown"},
                                                 {"uid", found ? info.st_uid : 0u},
                                                 {"phase", "malformed"},
                                                 {"act", 0},
                                                 {"why", fmt::format("{}: {}", name, why)}}));
  if (record == 0) return false;
  const std::string path = directory_ + "/" + name;
  const std::string aside = directory_ + "/" + std::string(kAside) + name;
  if (aside_ >= kAsideMax || ::rename(path.c_str(), aside.c_str()) != 0) ::unlink(path.c_str());
  ++aside_;
  return true;
}

void ActSpool::clear(const Durable& durable) {
  while (!taken_.empty() && durable(taken_.front().record)) {
    ::unlink((directory_ + "/" + taken_.front().name).c_str());
    taken_.pop_front();
  }
}

}  // namespace daemon_supervisor
