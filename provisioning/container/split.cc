#include "provisioning/container/split.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <vector>

#include "hardening/base/file.h"
#include "provisioning/container/file_writing.h"
#include "provisioning/container/parts_source.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

// A file that takes its name when it is complete.
class StagedFile {
 public:
  static base::Result<StagedFile> create(std::string path) {
    StagedFile file;
    file.staged_ = staged_name(path);
    file.path_ = std::move(path);
    ::unlink(file.staged_.c_str());
    file.fd_ = TRY(base::open_file(file.staged_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    return file;
  }
  StagedFile(StagedFile&&) = default;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile() {
    if (fd_.is_open()) ::unlink(staged_.c_str());
  }

  const base::Fd& fd() const { return fd_; }
  base::Status commit() {
    if (::fsync(fd_.get()) != 0) return base::io_error(errno, "fsync " + staged_);
    if (std::rename(staged_.c_str(), path_.c_str()) != 0)
      return base::io_error(errno, "rename to " + path_);
    TRY(sync_parent(path_));
    return fd_.close();
  }

 private:
  StagedFile() = default;
  std::string path_;
  std::string staged_;
  base::Fd fd_;
};

using Sink = std::function<base::Status(std::span<const std::byte>)>;

// Passes `bytes` of a source on in pieces; their digest.
base::Result<Sha256Digest> pump(StoredBytes& from, std::uint64_t at, std::uint64_t bytes,
                                const Sink& sink, const FileVerifier::Progress& progress) {
  std::vector<std::byte> buffer(kCopyBytes);
  Sha256 hash;
  for (std::uint64_t done = 0; done < bytes;) {
    const auto piece = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes - done, buffer.size())));
    TRY(from.read_at(at + done, piece));
    hash.update(piece);
    if (sink) TRY(sink(piece));
    done += piece.size();
    if (progress) progress(at + done, from.size());
  }
  return hash.finish();
}

base::Result<PartsIndex> read_index(const base::Fd& directory, const std::string& archive_name) {
  const base::Fd file = TRY(open_regular_beneath(directory, archive_name + ".parts"));
  return parse_parts(TRY(base::read_text(file, kPartsTextMax)));
}

base::Status copy_parts(const base::Fd& directory, const std::string& archive_name,
                        const Sink& sink, const FileVerifier::Progress& progress) {
  const PartsIndex index = TRY(read_index(directory, archive_name));
  base::Fd own(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.is_open()) return base::io_error(errno, "duplicate a descriptor");
  const auto bytes = TRY(open_parts(std::move(own), archive_name));
  for (std::size_t part = 0; part < index.sha256.size(); ++part) {
    const auto digest =
        TRY(pump(*bytes, part * index.part_bytes, index.size_of(part), sink, progress));
    if (digest != index.sha256[part])
      return base::denied(part_name(archive_name, part) + " is damaged: copy it again");
  }
  return {};
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

base::Result<PartsIndex> split_archive(const std::string& path, std::uint64_t part_bytes,
                                       const std::string& directory,
                                       const FileVerifier::Progress& progress) {
  const std::string name = file_name(path);
  if (!name.ends_with(".rdb") || name.size() == 4)
    return base::invalid_input(path + " is not named NAME.rdb");
  const auto archive = TRY(open_stored_file(TRY(base::open_file(path, O_RDONLY | O_NONBLOCK))));
  PartsIndex index{.bytes = archive->size(), .part_bytes = part_bytes, .sha256 = {}};
  const std::size_t count = part_count(index.bytes, part_bytes);
  if (count == 0) {
    return base::invalid_input(
        fmt::format("{} bytes in parts of {}: at most {} parts of at least {} bytes", index.bytes,
                    part_bytes, kPartsMax, kPartBytesMin));
  }
  index.sha256.resize(count);
  for (std::size_t part = 0; part < count; ++part) {
    StagedFile file = TRY(StagedFile::create(directory + "/" + part_name(name, part)));
    const Sink sink = [&](std::span<const std::byte> bytes) {
      return base::write_all(file.fd(), bytes);
    };
    index.sha256[part] =
        TRY(pump(*archive, part * part_bytes, index.size_of(part), sink, progress));
    TRY(file.commit());
  }
  TRY(base::replace_file(directory + "/" + name + ".parts", serialize_parts(index), 0644));
  return index;
}

base::Status join_parts(const std::string& directory, const std::string& path,
                        const FileVerifier::Progress& progress) {
  const base::Fd parts = TRY(base::open_file(directory, O_RDONLY | O_DIRECTORY));
  const auto name = TRY(find_parts(parts).context(directory));
  if (!name) return base::not_found(directory + " holds no NAME.rdb.parts");
  StagedFile file = TRY(StagedFile::create(path));
  TRY(copy_parts(
      parts, *name,
      [&](std::span<const std::byte> bytes) { return base::write_all(file.fd(), bytes); },
      progress));
  return file.commit();
}

base::Status check_parts(const base::Fd& directory, const std::string& archive_name,
                         const FileVerifier::Progress& progress) {
  return copy_parts(directory, archive_name, {}, progress);
}

}  // namespace provisioning
