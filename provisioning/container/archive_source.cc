#include "provisioning/container/archive_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hardening/base/check.h"
#include "hardening/base/json.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/tar_profile.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

class ArchiveSource final : public BundleSource {
 public:
  explicit ArchiveSource(std::unique_ptr<StoredBytes> archive) : archive_(std::move(archive)) {}

  base::Result<std::string> read_release() override {
    return read_text(kReleaseEntry, kReleaseBytesMax);
  }

  base::Result<std::string> read_signature() override {
    std::string text = TRY(read_text(kSignatureEntry, kSignatureBytesMax));
    if (text.find_first_not_of(kWhiteSpace) == text.npos) text.clear();
    return text;
  }

  base::Status begin_file(const ReleaseFile& file, std::uint64_t offset) override {
    CHECK(offset <= file.size);
    const auto begin = [&]() -> base::Status {
      const TarMember member = TRY(next_member());
      if (member.name != file.name) {
        return base::denied(
            fmt::format("the archive has {} in its place", base::Json(member.name).dump()));
      }
      if (member.size != file.size) {
        return base::denied(fmt::format("has {} bytes in the archive, {} in the statement",
                                        member.size, file.size));
      }
      at_ += offset;
      return {};
    };
    return begin().context(base::Json(file.name).dump());
  }

  base::Result<std::size_t> read(std::span<std::byte> out) override {
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), data_end_ - at_));
    TRY(archive_->read_at(at_, out.first(bytes)).context("archive"));
    at_ += bytes;
    return bytes;
  }

  base::Status finish() override {
    TRY(end_member());
    std::array<std::byte, kTarEndBytes> end{};
    TRY(archive_->read_at(at_, end).context("the archive's end"));
    if (!all_zero(end))
      return base::denied("the archive goes on behind the last file of the statement");
    if (at_ + kTarEndBytes != archive_->size())
      return base::denied("bytes follow the end of the archive");
    return archive_->check_unchanged().context("archive");
  }

 private:
  // Steps over what is left of the member under way, to the header behind it.
  base::Status end_member() {
    std::array<std::byte, kTarBlockBytes> padding{};
    const auto used = std::span(padding).first(tar_padding(data_bytes_));
    TRY(archive_->read_at(data_end_, used).context("the archive's padding"));
    if (!all_zero(used)) return base::denied("the padding of a member is not zero");
    at_ = data_end_ + used.size();
    return {};
  }

  base::Result<TarMember> next_member() {
    TRY(end_member());
    std::array<std::byte, kTarHeaderBytesMax> header{};
    const auto first = std::span(header).first<kTarBlockBytes>();
    TRY(archive_->read_at(at_, first).context("archive"));
    if (all_zero(first)) return base::denied("the archive ends here");
    const auto whole = std::span(header).first(tar_header_bytes(first));
    TRY(archive_->read_at(at_ + kTarBlockBytes, whole.subspan(kTarBlockBytes)).context("archive"));
    TarMember member = TRY(parse_tar_header(whole));
    at_ += whole.size();
    if (member.size > archive_->size() - at_) {
      return base::denied(fmt::format("the archive ends before the {} bytes of {}", member.size,
                                      base::Json(member.name).dump()));
    }
    data_bytes_ = member.size;
    data_end_ = at_ + member.size;
    return member;
  }

  base::Result<std::string> read_text(std::string_view name, std::size_t bytes_max) {
    const auto read = [&]() -> base::Result<std::string> {
      const TarMember member = TRY(next_member());
      if (member.name != name) {
        return base::denied(
            fmt::format("the archive has {} in its place", base::Json(member.name).dump()));
      }
      if (member.size > bytes_max) {
        return base::exhausted(fmt::format("has {} bytes, limit {}", member.size, bytes_max));
      }
      std::string text(static_cast<std::size_t>(member.size), '\0');
      TRY(archive_->read_at(at_, std::as_writable_bytes(std::span(text))));
      at_ = data_end_;
      return text;
    };
    return read().context(name);
  }

  std::unique_ptr<StoredBytes> archive_;
  std::uint64_t at_ = 0;          // the next byte to read
  std::uint64_t data_end_ = 0;    // of the member under way, without its padding
  std::uint64_t data_bytes_ = 0;  // its size
};

}  // namespace

std::unique_ptr<BundleSource> make_archive_source(std::unique_ptr<StoredBytes> archive) {
  return std::make_unique<ArchiveSource>(std::move(archive));
}

}  // namespace provisioning
