#include "provisioning/container/archive_listing.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "hardening/base/json.h"

namespace provisioning {
namespace {

struct FreeArchive {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};
using ArchiveReader = std::unique_ptr<archive, FreeArchive>;

// What libarchive's callbacks share.
struct Feed {
  StoredBytes& bytes;
  std::uint64_t at = 0;
  std::vector<std::byte> buffer = std::vector<std::byte>(64u << 10);
  std::optional<base::Error> error = std::nullopt;
};

la_ssize_t feed_read(archive*, void* context, const void** out) {
  Feed& feed = *static_cast<Feed*>(context);
  const auto count = static_cast<std::size_t>(
      std::min<std::uint64_t>(feed.buffer.size(), feed.bytes.size() - feed.at));
  if (auto read = feed.bytes.read_at(feed.at, std::span(feed.buffer).first(count)); !read.ok()) {
    feed.error = std::move(read).error();
    return ARCHIVE_FATAL;
  }
  feed.at += count;
  *out = feed.buffer.data();
  return static_cast<la_ssize_t>(count);
}

la_int64_t feed_skip(archive*, void* context, la_int64_t request) {
  Feed& feed = *static_cast<Feed*>(context);
  const auto wanted = static_cast<std::uint64_t>(std::max<la_int64_t>(request, 0));
  const std::uint64_t skipped = std::min(wanted, feed.bytes.size() - feed.at);
  feed.at += skipped;
  return static_cast<la_int64_t>(skipped);
}

base::Error refused(archive* reader, Feed& feed) {
  if (feed.error) return *std::move(feed.error);
  const char* const text = ::archive_error_string(reader);
  return base::denied(fmt::format("libarchive refuses the archive: {}",
                                  base::Json(text == nullptr ? "?" : text).dump()));
}

}  // namespace

base::Result<std::vector<TarMember>> list_archive(StoredBytes& archive, std::size_t members_max) {
  const ArchiveReader reader(::archive_read_new());
  if (reader == nullptr) return base::exhausted("no memory for libarchive");
  Feed feed{archive};
  if (::archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      ::archive_read_set_read_callback(reader.get(), feed_read) != ARCHIVE_OK ||
      ::archive_read_set_skip_callback(reader.get(), feed_skip) != ARCHIVE_OK ||
      ::archive_read_set_callback_data(reader.get(), &feed) != ARCHIVE_OK ||
      ::archive_read_open1(reader.get()) != ARCHIVE_OK) {
    return refused(reader.get(), feed);
  }
  std::vector<TarMember> members;
  for (;;) {
    archive_entry* entry = nullptr;
    const int answer = ::archive_read_next_header(reader.get(), &entry);
    if (answer == ARCHIVE_EOF) return members;
    if (answer != ARCHIVE_OK) return refused(reader.get(), feed);
    const char* const name = ::archive_entry_pathname(entry);
    if (name == nullptr || ::archive_entry_filetype(entry) != AE_IFREG ||
        ::archive_entry_hardlink(entry) != nullptr) {
      return base::denied("libarchive sees a member that is no regular file");
    }
    if (members.size() >= members_max)
      return base::exhausted(fmt::format("more than {} members", members_max));
    members.push_back({name, static_cast<std::uint64_t>(::archive_entry_size(entry))});
  }
}

}  // namespace provisioning
