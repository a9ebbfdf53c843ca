// ModelStore::publish: from what an importer staged to a model that is there.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hardening/base/file.h"
#include "provisioning/file_verifier.h"
#include "provisioning/limits.h"
#include "provisioning/store/about.h"
#include "provisioning/store/model_store.h"
#include "provisioning/store/object_list.h"
#include "provisioning/store/store_files.h"
#include "provisioning/store/verity.h"

namespace provisioning {
namespace {

constexpr std::string_view kChunksSuffix = ".chunks";

// Another process made it, one that parses what came from outside: it may be anything but what it
// should be.
base::Result<base::Fd> open_staged(const std::string& path) {
  return base::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

base::Result<std::string> read_staged(const std::string& path, std::size_t bytes_max) {
  return base::read_text(TRY(open_staged(path)), bytes_max).context(path);
}

bool is_file_of(const std::string& path, std::uint64_t size) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         static_cast<std::uint64_t>(info.st_size) == size;
}

// Moves staged files among the objects.
class ObjectMover {
 public:
  ObjectMover(std::string staging, std::string objects, base::FileOwner owner)
      : staging_(std::move(staging)), objects_(std::move(objects)), owner_(owner) {}

  base::Status move(const StoredObject& object) {
    const std::string chunks = object.sha256 + std::string(kChunksSuffix);
    const bool present =
        is_file_of(objects_ + "/" + object.sha256, object.size) &&
        is_file_of(objects_ + "/" + chunks, PiecedFile::digests_bytes(object.size));
    // What was staged although it was present is to take the place of a damaged copy.
    if (present && !path_exists(staging_ + "/" + object.sha256)) return {};
    // The digests first: an object is never there without them.
    TRY(take(chunks, PiecedFile::digests_bytes(object.size)));
    return take(object.sha256, object.size);
  }

 private:
  base::Status take(const std::string& name, std::uint64_t size) {
    const std::string from = staging_ + "/" + name;
    // It moved before the power was lost.
    if (!path_exists(from) && is_file_of(objects_ + "/" + name, size)) return {};
    const base::Fd file = TRY(open_staged(from));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return base::io_error(errno, from);
    if (!S_ISREG(info.st_mode) || info.st_nlink != 1)
      return base::denied(from + " is not a file of its own");
    if (static_cast<std::uint64_t>(info.st_size) != size) {
      return base::denied(
          fmt::format("{}: {} bytes were staged, {} were announced", from, info.st_size, size));
    }
    if (info.st_uid != owner_.uid && ::fchown(file.get(), owner_.uid, owner_.gid) != 0) {
      return base::io_error(errno, "change the owner of " + from);
    }
    if (::fchmod(file.get(), kObjectMode) != 0) return base::io_error(errno, "chmod " + from);
    TRY(guard_with_verity(file).context(from));
    if (::fsync(file.get()) != 0) return base::io_error(errno, "fsync " + from);
    return rename_path(from, objects_ + "/" + name);
  }

  std::string staging_;
  std::string objects_;
  base::FileOwner owner_;
};

// Copies a text that need not have been staged.
base::Status copy_text(const std::string& from, const std::string& to, std::size_t bytes_max) {
  if (!path_exists(from)) return {};
  return put_store_file(to, TRY(read_staged(from, bytes_max)), kObjectMode);
}

}  // namespace

base::Result<StoredModel> ModelStore::publish(StoredModel model) {
  TRY(require_change());
  if (!is_digest_text(model.id)) return base::invalid_input("not the id of a model");
  const std::string staging = fmt::format("{}/{}", staging_directory(), model.id);
  const std::string list = TRY(read_staged(staging + "/objects", kObjectListBytesMax));
  const auto objects = TRY(parse_object_list(list));

  const base::FileOwner owner = TRY(base::owner_of(path_));
  ObjectMover mover(staging, path_ + "/objects", owner);
  model.bytes = 0;
  for (const StoredObject& object : objects) {
    TRY(mover.move(object));
    model.bytes += object.size;
  }
  TRY(sync_store_directory(path_ + "/objects"));
  if (auto present = read_model(model.id); present.ok()) {
    TRY(remove_tree(staging));
    return present;
  }
  model.verity = std::ranges::all_of(objects, [&](const StoredObject& object) {
    return has_verity(path_ + "/objects/" + object.sha256);
  });
  model.directory = model_directory(model.id);

  const std::string made = staging + ".model";
  TRY(remove_tree(made));
  TRY(make_store_directory(made));
  TRY(copy_text(staging + "/release.dsse", made + "/release.dsse", kReleaseBytesMax));
  TRY(copy_text(staging + "/model.sig", made + "/model.sig", kSignatureBytesMax));
  TRY(put_store_file(made + "/objects", list, kObjectMode));
  const std::string about = serialize_about(model);
  TRY(parse_about(about).context("what the importer says"));
  TRY(put_store_file(made + "/about.json", about, kStoreFileMode));
  TRY(rename_path(made, model.directory));
  TRY(sync_store_directory(path_ + "/models"));
  TRY(remove_tree(staging));
  return model;
}

}  // namespace provisioning
