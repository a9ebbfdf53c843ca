#include "provisioning/container/parts_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/container/directory_listing.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/parts.h"

namespace provisioning {
namespace {

constexpr std::size_t kEntriesMax = 65'536;  // of a directory that holds parts among other things

class PartsBytes final : public StoredBytes {
 public:
  PartsBytes(base::Fd directory, std::string archive_name, PartsIndex index)
      : directory_(std::move(directory)),
        archive_name_(std::move(archive_name)),
        index_(std::move(index)) {}

  std::uint64_t size() const override { return index_.bytes; }

  base::Status read_at(std::uint64_t offset, std::span<std::byte> out) override {
    while (!out.empty()) {
      if (offset >= index_.bytes)
        return base::denied(fmt::format("it ends at byte {}", index_.bytes));
      TRY(use_part(static_cast<std::size_t>(offset / index_.part_bytes)));
      const std::uint64_t within = offset % index_.part_bytes;
      const auto bytes = static_cast<std::size_t>(
          std::min<std::uint64_t>(out.size(), index_.size_of(part_) - within));
      TRY(file_->read_at(within, out.first(bytes)).context(part_name(archive_name_, part_)));
      offset += bytes;
      out = out.subspan(bytes);
    }
    return {};
  }

  base::Status check_unchanged() override {
    for (std::size_t part = 0; part < index_.sha256.size(); ++part) TRY(use_part(part));
    return {};
  }

 private:
  // One part is open at a time; reading goes from front to back.
  base::Status use_part(std::size_t part) {
    if (file_ != nullptr && part_ == part) return file_->check_unchanged();
    const std::string name = part_name(archive_name_, part);
    auto file = TRY(open_stored_file(TRY(open_regular_beneath(directory_, name))));
    if (file->size() != index_.size_of(part)) {
      return base::denied(fmt::format("{} has {} bytes, {}.parts says {}", base::Json(name).dump(),
                                      file->size(), base::Json(archive_name_).dump(),
                                      index_.size_of(part)));
    }
    file_ = std::move(file);
    part_ = part;
    return {};
  }

  base::Fd directory_;
  std::string archive_name_;
  PartsIndex index_;
  std::unique_ptr<StoredBytes> file_;
  std::size_t part_ = 0;
};

}  // namespace

base::Result<std::optional<std::string>> find_parts(const base::Fd& directory) {
  std::optional<std::string> found;
  for (const std::string& name : TRY(list_names(directory, kEntriesMax))) {
    if (name == kReleaseEntry) return std::optional<std::string>();
    if (!name.ends_with(kPartsSuffix)) continue;
    if (found) return base::invalid_input("the directory holds the parts of several bundles");
    found = name.substr(0, name.size() - std::string_view(".parts").size());
  }
  return found;
}

base::Result<std::unique_ptr<StoredBytes>> open_parts(base::Fd directory,
                                                      const std::string& archive_name) {
  const std::string index_name = archive_name + ".parts";
  const auto file = TRY(open_stored_file(TRY(open_regular_beneath(directory, index_name))));
  if (file->size() > kPartsTextMax) {
    return base::exhausted(fmt::format("{} has {} bytes, limit {}", base::Json(index_name).dump(),
                                       file->size(), kPartsTextMax));
  }
  std::string text(static_cast<std::size_t>(file->size()), '\0');
  TRY(file->read_at(0, std::as_writable_bytes(std::span(text))));
  PartsIndex index = TRY(parse_parts(text).context(base::Json(index_name).dump()));
  auto bytes = std::make_unique<PartsBytes>(std::move(directory), archive_name, std::move(index));
  TRY(bytes->check_unchanged());
  return std::unique_ptr<StoredBytes>(std::move(bytes));
}

}  // namespace provisioning
