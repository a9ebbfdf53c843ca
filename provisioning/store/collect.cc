// ModelStore::collect_garbage.
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <set>

#include "hardening/base/file.h"
#include "provisioning/store/about.h"
#include "provisioning/store/model_store.h"
#include "provisioning/store/object_list.h"
#include "provisioning/store/store_files.h"

namespace provisioning {
namespace {

constexpr std::size_t kNamesMax = 4'000'000;
constexpr std::time_t kStagingKeptSeconds = 24 * 60 * 60;
constexpr std::string_view kChunksSuffix = ".chunks";

base::Result<struct stat> facts_of(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return base::io_error(errno, path);
  return info;
}

// An object's name, of it or of its digests; empty when it is neither.
std::string object_of(std::string_view name) {
  if (name.ends_with(kChunksSuffix)) name.remove_suffix(kChunksSuffix.size());
  return is_digest_text(name) ? std::string(name) : std::string();
}

// Of a model, not of an import under way: what is left of a removal or a publication goes at once.
base::Result<bool> is_stale(const std::string& directory, const std::string& name) {
  if (!is_digest_text(name)) return true;
  const struct stat info = TRY(facts_of(directory + "/" + name));
  return std::time(nullptr) - info.st_mtime > kStagingKeptSeconds;
}

}  // namespace

base::Result<ModelStore::Collected> ModelStore::collect_garbage() {
  TRY(require_change());
  std::set<std::string> named;
  // A model whose list cannot be read ends this: nothing that it may need is deleted.
  for (const StoredModel& model : TRY(list())) {
    const std::string path = model.directory + "/" + std::string(kObjectListName);
    const std::string text = TRY(base::read_text_file(path, kObjectListBytesMax));
    for (const StoredObject& object : TRY(parse_object_list(text).context(path)))
      named.insert(object.sha256);
    base::remove_unfinished(model.directory);
  }
  Collected collected;
  const std::string objects = path_ + "/objects";
  for (const std::string& name : TRY(list_names(objects, kNamesMax))) {
    if (named.contains(object_of(name))) continue;
    const std::string path = objects + "/" + name;
    if (!name.ends_with(kChunksSuffix)) ++collected.objects;
    collected.bytes += static_cast<std::uint64_t>(TRY(facts_of(path)).st_size);
    TRY(remove_tree(path));
  }
  for (const std::string& name : TRY(list_names(staging_directory(), kNamesMax))) {
    if (TRY(is_stale(staging_directory(), name)))
      TRY(remove_tree(staging_directory() + "/" + name));
  }
  TRY(sync_store_directory(objects));
  return collected;
}

}  // namespace provisioning
