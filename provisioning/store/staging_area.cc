// ModelStore's side of staging: what an importer finds, and what becomes of it.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "provisioning/store/about.h"
#include "provisioning/store/model_store.h"
#include "provisioning/store/store_files.h"

namespace provisioning {
namespace {

constexpr std::size_t kStagingsMax = 10'000;
constexpr std::size_t kStagedNamesMax = 200'000;
constexpr std::string_view kChunksSuffix = ".chunks";
constexpr std::string_view kPartSuffix = ".part";

// What another import can go on with: finished files, their digests, the part.
bool is_worth_keeping(const std::string& directory, std::string_view name) {
  if (name.ends_with(kPartSuffix))
    return is_digest_text(name.substr(0, name.size() - kPartSuffix.size()));
  if (!name.ends_with(kChunksSuffix)) return is_digest_text(name);
  const std::string_view object = name.substr(0, name.size() - kChunksSuffix.size());
  return is_digest_text(object) && path_exists(fmt::format("{}/{}", directory, object));
}

base::Status tidy(const std::string& directory) {
  for (const std::string& name : TRY(list_names(directory, kStagedNamesMax))) {
    if (!is_worth_keeping(directory, name)) TRY(remove_tree(directory + "/" + name));
  }
  return {};
}

base::Status give(const std::string& path, const base::FileOwner& owner) {
  if (::lchown(path.c_str(), owner.uid, owner.gid) != 0)
    return base::io_error(errno, "change the owner of " + path);
  return {};
}

// Only root can, and only root needs to. Whoever owns a directory can put links there: lchown()
// follows none, and hard links to what is not theirs the kernel refuses them
// (fs.protected_hardlinks).
base::Status give_all(const std::string& staging, const base::FileOwner& owner) {
  if (::geteuid() != 0) return {};
  for (const std::string& id : TRY(list_names(staging, kStagingsMax))) {
    const std::string directory = staging + "/" + id;
    if (!is_digest_text(id)) continue;
    for (const std::string& name : TRY(list_names(directory, kStagedNamesMax)))
      TRY(give(directory + "/" + name, owner));
    TRY(give(directory, owner));
  }
  return give(staging, owner);
}

}  // namespace

base::Result<base::Fd> ModelStore::open_staging(const base::FileOwner& importer) {
  TRY(require_change());
  for (const std::string& id : TRY(list_names(staging_directory(), kStagingsMax))) {
    const std::string directory = staging_directory() + "/" + id;
    TRY(is_digest_text(id) ? tidy(directory) : remove_tree(directory));
  }
  TRY(give_all(staging_directory(), importer));
  return base::open_file(staging_directory(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

base::Status ModelStore::close_staging() {
  TRY(require_change());
  return give_all(staging_directory(), TRY(base::owner_of(path_)));
}

base::Status ModelStore::discard_staging(std::string_view id) {
  TRY(require_change());
  if (!is_digest_text(id)) return base::invalid_input("not the id of a model");
  return remove_tree(fmt::format("{}/{}", staging_directory(), id));
}

}  // namespace provisioning
