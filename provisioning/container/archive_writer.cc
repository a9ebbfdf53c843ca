#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "hardening/base/file.h"
#include "provisioning/container/bundle_writer.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/file_writing.h"
#include "provisioning/container/tar_profile.h"

namespace provisioning {
namespace {

class ArchiveWriter final : public BundleWriter {
 public:
  ArchiveWriter(std::string path, const BundleRoom& room)
      : path_(std::move(path)), room_(room), staged_(staged_name(path_)) {}
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  ~ArchiveWriter() override {
    if (file_.is_open()) ::unlink(staged_.c_str());
  }

  // The rooms are holes until commit().
  base::Status start() {
    ::unlink(staged_.c_str());  // of a run that was cut short
    file_ = TRY(base::open_file(staged_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    release_at_ = TRY(leave_room(kReleaseEntry, room_.release_bytes));
    signature_at_ = TRY(leave_room(kSignatureEntry, room_.signature_bytes));
    return {};
  }

  base::Status begin_file(std::string_view name, std::uint64_t size) override {
    TRY(append(encode_tar_header(name, size)));
    file_bytes_ = size;
    return {};
  }

  base::Status write(std::span<const std::byte> bytes) override {
    TRY(write_at(file_, at_, bytes).context(staged_));
    at_ += bytes.size();
    return {};
  }

  base::Status end_file() override { return append(std::string(tar_padding(file_bytes_), '\0')); }

  base::Status commit(std::string_view release, std::string_view signature) override {
    TRY(append(std::string(kTarEndBytes, '\0')));
    TRY(write_padded(file_, release_at_, room_.release_bytes, release).context(kReleaseEntry));
    TRY(write_padded(file_, signature_at_, room_.signature_bytes, signature)
            .context(kSignatureEntry));
    if (::fsync(file_.get()) != 0) return base::io_error(errno, "fsync " + staged_);
    if (std::rename(staged_.c_str(), path_.c_str()) != 0)
      return base::io_error(errno, "rename to " + path_);
    TRY(sync_parent(path_));
    return file_.close();
  }

 private:
  base::Status append(std::string_view text) { return write(std::as_bytes(std::span(text))); }

  base::Result<std::uint64_t> leave_room(std::string_view name, std::size_t bytes) {
    TRY(append(encode_tar_header(name, bytes)));
    const std::uint64_t begin = at_;
    at_ += bytes + tar_padding(bytes);
    return begin;
  }

  std::string path_;
  BundleRoom room_;
  std::string staged_;
  base::Fd file_;
  std::uint64_t at_ = 0;
  std::uint64_t release_at_ = 0;
  std::uint64_t signature_at_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<BundleWriter>> create_archive(std::string path,
                                                           const BundleRoom& room) {
  auto writer = std::make_unique<ArchiveWriter>(std::move(path), room);
  TRY(writer->start());
  return std::unique_ptr<BundleWriter>(std::move(writer));
}

}  // namespace provisioning
