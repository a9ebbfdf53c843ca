#include "daemon/audit/log/verify_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "hardening/base/file.h"
#include "hardening/base/json.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kQuotedBytesMax = 80;
constexpr std::size_t kUnfinishedMax = 4'096;
constexpr std::size_t kTileDepthMax = 8;  // tile/0/ and the groups of a number below 2^48 / 256

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What a folder somewhere below tile/ may be called: a level, "entries", "x123", "123.p".
bool is_tile_folder(std::string_view name) {
  if (name == "entries") return true;
  if (name.size() == 1) return is_digits(name);
  if (name.size() == 4 && name[0] == 'x') return is_digits(name.substr(1));
  return name.size() == 5 && is_digits(name.substr(0, 3)) && name.substr(3) == ".p";
}

class Walk {
 public:
  Walk(const base::Fd& directory, Findings& findings)
      : directory_(directory), findings_(findings) {}

  Listing run() {
    for_each_name(directory_, "the log", findings_, [&](const std::string& name) {
      at_top(name);
      return !findings_.full();
    });
    std::sort(listing_.partials.begin(), listing_.partials.end());
    std::sort(listing_.journals.begin(), listing_.journals.end());
    std::sort(listing_.witnesses.begin(), listing_.witnesses.end());
    return std::move(listing_);
  }

 private:
  enum class Kind { kFile, kFolder, kOther };

  void at_top(const std::string& name) {
    const Kind kind = look(directory_, name, name);
    if (kind == Kind::kFolder) {
      if (name == "tile") return tiles(directory_, name, name, 0);
      if (name == "journal") return numbers(name, listing_.journals, kListedJournalsMax);
      if (name == "witness") return numbers(name, listing_.witnesses, kListedWitnessesMax);
      if (name == "sealed") return sealed(name);
      return findings_.add(quoted(name), "a folder that does not belong to a log");
    }
    if (kind != Kind::kFile || unfinished(name, name)) return;
    if (name == "key") listing_.key = true;
    if (name != "checkpoint" && name != "log.vkey" && name != "key") stranger(name);
  }

  void tiles(const base::Fd& parent, const std::string& name, const std::string& path,
             std::size_t depth) {
    const auto folder = open_folder(parent, name, path, findings_);
    if (!folder) return;
    for_each_name(*folder, path, findings_, [&](const std::string& child) {
      const std::string child_path = path + "/" + child;
      const Kind kind = look(*folder, child, child_path);
      if (kind == Kind::kFolder) {
        if (depth < kTileDepthMax && is_tile_folder(child)) {
          tiles(*folder, child, child_path, depth + 1);
        } else {
          findings_.add(quoted(child_path), "a folder that does not belong to a log");
        }
      } else if (kind == Kind::kFile && !unfinished(child, child_path)) {
        tile(child_path);
      }
      return !findings_.full();
    });
  }

  void tile(const std::string& path) {
    const auto name = parse_tile_path(path);
    if (!name || name->level >= kTileLevelsMax) return stranger(path);
    if (name->width < kTileWidth) {
      if (listing_.partials.size() >= kListedPartialsMax) {
        return findings_.add(
            path, fmt::format("there are more than {} partial tiles", kListedPartialsMax));
      }
      return listing_.partials.push_back(*name);
    }
    FullTiles& full = name->entries ? listing_.entries : listing_.hashes[name->level];
    ++full.count;
    full.last = std::max(full.last, name->number);
  }

  void numbers(const std::string& name, std::vector<std::uint64_t>& found, std::size_t count_max) {
    const auto folder = open_folder(directory_, name, name, findings_);
    if (!folder) return;
    for_each_name(*folder, name, findings_, [&](const std::string& child) {
      const std::string path = name + "/" + child;
      const Kind kind = look(*folder, child, path);
      if (kind == Kind::kFolder) {
        findings_.add(quoted(path), "a folder that does not belong to a log");
      } else if (kind == Kind::kFile && !unfinished(child, path)) {
        const auto number = parse_twenty_digits(child);
        if (!number) {
          stranger(path);
        } else if (found.size() >= count_max) {
          findings_.add(path, fmt::format("there are more than {} such files", count_max));
        } else {
          found.push_back(*number);
        }
      }
      return !findings_.full();
    });
  }

  // Only counts: what they are called and contain is for verify_sealed.h.
  void sealed(const std::string& name) {
    const auto folder = open_folder(directory_, name, name, findings_);
    if (!folder) return;
    for_each_name(*folder, name, findings_, [&](const std::string& group) {
      const std::string path = name + "/" + group;
      if (look(*folder, group, path) != Kind::kFolder) return !findings_.full();
      const auto below = open_folder(*folder, group, path, findings_);
      if (!below) return !findings_.full();
      for_each_name(*below, path, findings_, [&](const std::string& child) {
        look(*below, child, path + "/" + child);
        return !findings_.full();
      });
      return !findings_.full();
    });
  }

  bool unfinished(const std::string& name, const std::string& path) {
    if (!name.starts_with(".new-")) return false;
    if (listing_.unfinished.size() < kUnfinishedMax) listing_.unfinished.push_back(path);
    return true;
  }

  void stranger(const std::string& path) {
    findings_.add(quoted(path), "a file that does not belong to a log");
  }

  Kind look(const base::Fd& folder, const std::string& name, const std::string& path) {
    struct stat info {};
    if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      // A running auditor removes what it has replaced.
      if (errno != ENOENT) findings_.add(quoted(path), base::io_error(errno, "stat").message);
      return Kind::kOther;
    }
    if (S_ISDIR(info.st_mode)) return Kind::kFolder;
    ++listing_.files;
    if (S_ISREG(info.st_mode)) {
      listing_.bytes += static_cast<std::uint64_t>(info.st_size);
      return Kind::kFile;
    }
    findings_.add(quoted(path), "neither a file nor a folder");
    return Kind::kOther;
  }

  const base::Fd& directory_;
  Findings& findings_;
  Listing listing_;
};

}  // namespace

std::string quoted(std::string_view bytes) {
  const std::string text(bytes.substr(0, kQuotedBytesMax));
  return base::Json(bytes.size() > kQuotedBytesMax ? text + "…" : text).dump();
}

Listing list_log(const base::Fd& directory, Findings& findings) {
  return Walk(directory, findings).run();
}

std::string twenty_digits(std::uint64_t number) {
  return fmt::format("{:020}", number);
}

std::optional<std::uint64_t> parse_twenty_digits(std::string_view text) {
  if (text.size() != 20 || !is_digits(text) || text[0] != '0') return std::nullopt;
  std::uint64_t number = 0;  // below 10^19: fits
  for (const char digit : text) number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  return number;
}

void for_each_name(const base::Fd& directory, std::string_view where, Findings& findings,
                   const std::function<bool(const std::string& name)>& visit) {
  // A descriptor of its own: the position in a directory belongs to what was opened.
  int own = -1;
  do {
    own = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (own < 0 && errno == EINTR);
  DIR* const stream = own < 0 ? nullptr : ::fdopendir(own);
  if (stream == nullptr) {
    findings.add(where, base::io_error(errno, "list").message);
    if (own >= 0) ::close(own);
    return;
  }
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && !visit(name)) break;
  }
  if (errno != 0) findings.add(where, base::io_error(errno, "list").message);
  ::closedir(stream);
}

std::optional<base::Fd> open_folder(const base::Fd& directory, const std::string& name,
                                    std::string_view where, Findings& findings) {
  auto folder = base::open_beneath(directory, name, O_RDONLY | O_DIRECTORY);
  if (folder.ok()) return std::move(folder).value();
  if (folder.error().code != base::ErrorCode::kNotFound) {
    findings.add(quoted(where), folder.error().message);
  }
  return std::nullopt;
}

LogFiles::Text LogFiles::read(const std::string& path, std::size_t bytes_max) {
  auto file = base::open_beneath(directory_, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.ok() && file.error().code == base::ErrorCode::kNotFound) {
    return {.missing = true, .bytes = std::nullopt};
  }
  if (!file.ok()) {
    findings_.add(path, file.error().message);
    return {};
  }
  auto text = base::read_text(file.value(), bytes_max);
  if (!text.ok()) {
    findings_.add(path, text.error().message);
    return {};
  }
  count(text.value().size());
  return {.missing = false, .bytes = std::move(text).value()};
}

std::optional<std::string> LogFiles::need(const std::string& path, std::size_t bytes_max) {
  Text text = read(path, bytes_max);
  if (text.missing) findings_.add(path, "is missing");
  return std::move(text.bytes);
}

void LogFiles::count(std::uint64_t bytes) {
  bytes_ += bytes;
  if (progress_) progress_(bytes_);
}

}  // namespace daemon_audit
