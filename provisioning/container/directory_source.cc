#include "provisioning/container/directory_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/check.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/container/directory_listing.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/stored_bytes.h"
#include "provisioning/limits.h"

namespace provisioning {
namespace {

class DirectorySource final : public BundleSource {
 public:
  DirectorySource(base::Fd directory, std::vector<std::string> names)
      : directory_(std::move(directory)), names_(std::move(names)) {}

  base::Result<std::string> read_release() override {
    return read_text(kReleaseEntry, kReleaseBytesMax);
  }

  base::Result<std::string> read_signature() override {
    if (!has_signature_) return std::string();
    std::string text = TRY(read_text(kSignatureEntry, kSignatureBytesMax));
    if (text.find_first_not_of(kWhiteSpace) == text.npos) text.clear();
    return text;
  }

  base::Status begin_file(const ReleaseFile& file, std::uint64_t offset) override {
    CHECK(offset <= file.size);
    TRY(take_name(file.name));
    shown_ = base::Json(file.name).dump();
    file_ = TRY(open_regular_beneath(directory_, file.name));
    size_ = file.size;
    at_ = offset;
    return check_size();
  }

  base::Result<std::size_t> read(std::span<std::byte> out) override {
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - at_));
    if (bytes == 0) return bytes;
    const auto got = TRY(read_some_at(file_, at_, out.first(bytes)).context(shown_));
    at_ += got;
    // Once more when the last byte is out: it may have grown or shrunk meanwhile.
    if (got < bytes || at_ == size_) TRY(check_size());
    if (got < bytes) return base::denied(fmt::format("{} ended early, at byte {}", shown_, at_));
    return bytes;
  }

  base::Status finish() override {
    if (next_ < names_.size()) return unexpected(names_[next_]);
    return {};
  }

  void without_signature() { has_signature_ = false; }

 private:
  static base::Error unexpected(std::string_view name) {
    return base::denied(
        fmt::format("{} is in the directory and not in the statement", base::Json(name).dump()));
  }

  base::Status take_name(const std::string& name) {
    if (next_ == names_.size() || names_[next_] > name) {
      return base::denied(
          fmt::format("{} is in the statement and not in the directory", base::Json(name).dump()));
    }
    if (names_[next_] < name) return unexpected(names_[next_]);
    ++next_;
    return {};
  }

  base::Status check_size() {
    const auto now = TRY(base::regular_file_size(file_).context(shown_));
    if (now == size_) return {};
    return base::denied(fmt::format("{} has {} bytes, the statement says {}", shown_, now, size_));
  }

  base::Result<std::string> read_text(std::string_view name, std::size_t bytes_max) {
    const base::Fd file = TRY(open_regular_beneath(directory_, name));
    const auto size = TRY(base::regular_file_size(file).context(name));
    if (size > bytes_max)
      return base::exhausted(fmt::format("{} has {} bytes, limit {}", name, size, bytes_max));
    std::string text(static_cast<std::size_t>(size), '\0');
    const auto got =
        TRY(read_some_at(file, 0, std::as_writable_bytes(std::span(text))).context(name));
    if (got != size) return base::denied(fmt::format("{} ended early, at byte {}", name, got));
    return text;
  }

  base::Fd directory_;
  std::vector<std::string> names_;  // of the files, sorted
  std::size_t next_ = 0;            // the first name that was not read
  bool has_signature_ = true;
  base::Fd file_;
  std::string shown_;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
};

bool take(std::vector<std::string>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return false;
  names.erase(found);
  return true;
}

}  // namespace

base::Result<std::unique_ptr<BundleSource>> open_directory_source(base::Fd directory) {
  auto names = TRY(list_tree(directory));
  if (!take(names, kReleaseEntry))
    return base::invalid_input("the directory holds no release.dsse");
  const bool has_signature = take(names, kSignatureEntry);
  auto source = std::make_unique<DirectorySource>(std::move(directory), std::move(names));
  if (!has_signature) source->without_signature();
  return std::unique_ptr<BundleSource>(std::move(source));
}

}  // namespace provisioning
