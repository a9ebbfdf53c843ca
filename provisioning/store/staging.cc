#include "provisioning/store/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/file_verifier.h"
#include "provisioning/trust/release.h"

namespace provisioning {
namespace {

constexpr int kCreate = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
constexpr int kContinue = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
constexpr int kRead = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
constexpr int kDirectory = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;
constexpr int kLook = O_PATH | O_CLOEXEC | O_NOFOLLOW;
constexpr unsigned kFileMode = 0600;  // ours until the store takes it over
constexpr unsigned kDirectoryMode = 0700;

base::Result<base::Fd> open_at(const base::Fd& directory, const std::string& name, int flags,
                               unsigned mode = 0) {
  for (;;) {
    const int fd = ::openat(directory.get(), name.c_str(), flags, mode);
    if (fd >= 0) return base::Fd(fd);
    if (errno == ENOENT) return base::not_found(name + " is not there");
    if (errno != EINTR) return base::io_error(errno, "open " + name + " below the store");
  }
}

// The size of the regular file of that name; nothing when there is none.
std::optional<std::uint64_t> size_of(const base::Fd& directory, const std::string& name) {
  const auto file = open_at(directory, name, kLook);
  if (!file.ok()) return std::nullopt;
  const auto size = base::regular_file_size(file.value());
  return size.ok() ? std::optional(size.value()) : std::nullopt;
}

bool has_object(const base::Fd& directory, const std::string& sha256, std::uint64_t size) {
  return size_of(directory, sha256) == size &&
         size_of(directory, sha256 + ".chunks") == PiecedFile::digests_bytes(size);
}

// Hashes the first `bytes` of a file.
base::Status rehash(const base::Fd& file, std::uint64_t bytes, HashThreads& hash,
                    const Staging::Advance& advance) {
  for (std::uint64_t done = 0; done < bytes;) {
    const auto buffer = hash.buffer();
    const auto wanted = buffer.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), bytes - done)));
    if (TRY(read_some_at(file, done, wanted)) != wanted.size())
      return base::corrupt("a staged or stored file has shrunk");
    hash.submit(wanted.size());
    done += wanted.size();
    advance(wanted.size());
  }
  return {};
}

base::Status sync_file(const base::Fd& file, std::string_view name) {
  if (::fsync(file.get()) != 0) return base::io_error(errno, fmt::format("fsync {}", name));
  return {};
}

}  // namespace

base::Result<Staging> Staging::open(const base::Fd& staging, base::Fd objects,
                                    const std::string& id) {
  if (::mkdirat(staging.get(), id.c_str(), kDirectoryMode) == 0) {
    TRY(sync_file(staging, "the staging directory"));
  } else if (errno != EEXIST) {
    return base::io_error(errno, "make a directory to stage in");
  }
  base::Fd directory = TRY(open_at(staging, id, kDirectory));
  return Staging(std::move(directory), std::move(objects));
}

bool Staging::in_store(const std::string& sha256, std::uint64_t size) const {
  return has_object(objects_, sha256, size);
}

bool Staging::finished(const std::string& sha256, std::uint64_t size) const {
  if (size_of(directory_, sha256) != size) return false;
  // Its digests are the first to move when a store takes it over, which may have been cut short.
  const std::string chunks = sha256 + ".chunks";
  return size_of(directory_, chunks) == PiecedFile::digests_bytes(size) ||
         size_of(objects_, chunks) == PiecedFile::digests_bytes(size);
}

std::uint64_t Staging::resumable(const std::string& sha256, std::uint64_t size) const {
  return std::min(size_of(directory_, sha256 + ".part").value_or(0), size);
}

base::Status Staging::failed(base::Status status) {
  if (!status.ok()) write_failed_ = true;
  return status;
}

base::Status Staging::write(const base::Fd& file, std::span<const std::byte> bytes) {
  return failed(base::write_all(file, bytes)).context("write to the staging directory");
}

base::Status Staging::put(const std::string& name, std::string_view text) {
  auto made = open_at(directory_, name, kCreate, kFileMode);
  if (!made.ok()) return failed(std::move(made).error());
  const base::Fd file = std::move(made).value();
  TRY(write(file, std::as_bytes(std::span(text))));
  return failed(sync_file(file, name));
}

base::Result<base::Fd> Staging::open_object(const std::string& sha256) const {
  return open_at(directory_, sha256, kRead);
}

base::Status Staging::sync() {
  return failed(sync_file(directory_, "the staging directory"));
}

// ---- one file -----------------------------------------------------------------------------------

base::Result<base::Fd> Staging::open_part(const Expected& file) {
  const std::string name = file.sha256 + ".part";
  const bool there = size_of(directory_, name).has_value();
  auto part =
      there ? open_at(directory_, name, kContinue) : open_at(directory_, name, kCreate, kFileMode);
  if (!part.ok()) write_failed_ = true;
  return part;
}

base::Status Staging::check_stored(const Expected& file, HashThreads& hash,
                                   const Advance& advance) const {
  const auto object = open_at(objects_, file.sha256, kRead);
  const base::Status read =
      object.ok() ? rehash(object.value(), file.size, hash, advance) : base::Status(object.error());
  const FileDigests found = hash.finish();  // whatever came of it: the next file begins anew
  if (!read.ok()) return base::corrupt("the store's copy cannot be read: " + read.error().message);
  if (base::to_hex(found.sha256) != file.sha256)
    return base::corrupt("the store's copy is damaged");
  const base::Fd pieces = TRY(open_at(objects_, file.sha256 + ".chunks", kRead));
  std::vector<std::byte> stored(found.chunks.size() * sizeof(Sha256Digest));
  const std::size_t got = TRY(read_some_at(pieces, 0, stored));
  if (got != stored.size() || !std::ranges::equal(stored, std::as_bytes(std::span(found.chunks))))
    return base::corrupt("the digests of the store's copy are damaged");
  return file.check(found);
}

base::Status Staging::take(const Expected& file, HashThreads& hash, const Reader& read,
                           const Advance& advance) {
  const std::uint64_t offset = resumable(file.sha256, file.size);
  resumed_ = resumed_ || offset > 0;
  const base::Fd part = TRY(open_part(file));
  // Longer than it should be, it is not ours to cut: the import is refused, and then begun anew.
  if (TRY(base::regular_file_size(part)) > file.size)
    return base::corrupt("the staged part is longer than the file");
  if (offset > 0) {
    const base::Fd begun = TRY(open_at(directory_, file.sha256 + ".part", kRead));
    TRY(rehash(begun, offset, hash, advance));
  }
  for (std::uint64_t done = offset;;) {
    const auto buffer = hash.buffer();
    const std::size_t got = TRY(read(buffer));
    if (got == 0) break;
    if (got > file.size - done)
      return base::denied(fmt::format("more than the {} bytes stated", file.size));
    hash.submit(got);
    TRY(write(part, buffer.first(got)));
    done += got;
    advance(got);
  }
  const FileDigests digests = hash.finish();
  TRY(file.check(digests));
  return finish(part, file, digests);
}

base::Status Staging::finish(const base::Fd& part, const Expected& file,
                             const FileDigests& digests) {
  const auto chunks = std::as_bytes(std::span(digests.chunks));
  TRY(put(file.sha256 + ".chunks", {reinterpret_cast<const char*>(chunks.data()), chunks.size()}));
  TRY(failed(sync_file(part, file.sha256)));
  if (::renameat(directory_.get(), (file.sha256 + ".part").c_str(), directory_.get(),
                 file.sha256.c_str()) != 0) {
    return failed(base::io_error(errno, "name a staged file"));
  }
  return sync();
}

}  // namespace provisioning
