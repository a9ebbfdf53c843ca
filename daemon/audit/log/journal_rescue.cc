#include "daemon/audit/log/journal_rescue.h"

#include <fmt/format.h>

#include "daemon/audit/log/journal_reader.h"
#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/log/log_extent.h"
#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/hex.h"

namespace daemon_audit {
namespace {

base::Result<JournalReader> open_journal(const base::Fd& directory, std::uint64_t first) {
  return JournalReader::open(TRY(open_log_file(directory, journal_path(first))), first);
}

}  // namespace

base::Result<std::string> rescue_bundle(const base::Fd& directory,
                                        std::span<const std::uint64_t> journals,
                                        std::uint64_t number) {
  const std::uint64_t first = number * kTileWidth;
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < journals.size() && entries.size() < kTileWidth; ++i) {
    const std::uint64_t end = i + 1 < journals.size() ? journals[i + 1] : kTreeSizeMax;
    if (end <= first) continue;
    auto reader = TRY(open_journal(directory, journals[i]));
    while (auto batch = TRY(reader.next())) {
      for (std::size_t k = 0; k < batch->entries.size(); ++k) {
        const bool wanted = batch->first + k == first + entries.size() && batch->first + k < end;
        if (wanted && entries.size() < kTileWidth) {
          entries.emplace_back(batch->entries[k].record);
        }
      }
    }
  }
  if (entries.size() < kTileWidth) {
    return base::corrupt(fmt::format("the journal does not say what bundle {} is", number));
  }
  return serialize_bundle(entries);
}

base::Result<std::string> rescue_sealed(const base::Fd& directory,
                                        std::span<const std::uint64_t> journals,
                                        const Hash& digest) {
  for (const std::uint64_t first : journals) {
    auto reader = TRY(open_journal(directory, first));
    while (const auto batch = TRY(reader.next())) {
      for (const auto& sealed : batch->sealed) {
        if (sealed.digest == digest) return std::string(sealed.bytes);
      }
    }
  }
  return base::corrupt("the journal has not the sealed text " + base::to_hex(digest));
}

}  // namespace daemon_audit
