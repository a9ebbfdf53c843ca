#include "daemon/audit/log/log_extent.h"

#include <fmt/format.h>

#include "daemon/audit/log/journal_format.h"
#include "daemon/audit/log/log_directory.h"
#include "daemon/audit/tlog/tile.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kKeyFileBytesMax = 4'096;

std::string bundle_path(std::uint64_t number, std::uint32_t width) {
  return tile_path(TileName{.entries = true, .number = number, .width = width});
}

}  // namespace

std::string journal_path(std::uint64_t first) {
  return "journal/" + journal_name(first);
}

std::string sealed_path(std::string_view digest_hex) {
  return fmt::format("sealed/{}/{}", digest_hex.substr(0, 2), digest_hex);
}

std::string witness_path(std::uint64_t size) {
  return fmt::format("witness/{:020}", size);
}

base::Result<VerifierKey> read_verifier_key(const base::Fd& directory) {
  auto text = TRY(read_log_file(directory, "log.vkey", kKeyFileBytesMax));
  if (text.empty() || text.back() != '\n') return base::corrupt("log.vkey: not one line");
  text.pop_back();
  return VerifierKey::parse(text).context("log.vkey");
}

base::Result<std::vector<std::uint64_t>> list_journal(const base::Fd& directory) {
  std::vector<std::uint64_t> firsts;
  for (const auto& name : TRY(list_log_directory(directory, "journal", kJournalFilesMax))) {
    if (name.starts_with(kUnfinishedPrefix)) continue;
    const auto first = parse_journal_name(name);
    if (!first) return base::corrupt("journal: a file that does not belong there");
    firsts.push_back(*first);
  }
  return firsts;
}

base::Result<std::vector<std::string>> read_bundle(const base::Fd& directory, std::uint64_t number,
                                                   std::uint32_t width) {
  const std::string path = bundle_path(number, width);
  const auto bytes = TRY(read_log_file(directory, path, kBundleBytesMax));
  return parse_bundle(bytes, width).context(path);
}

base::Result<std::uint64_t> first_kept_bundle(const base::Fd& directory, std::uint64_t bundles) {
  const auto there = [&](std::uint64_t number) {
    return log_file_exists(directory, bundle_path(number, kTileWidth));
  };
  if (bundles == 0 || TRY(there(0))) return std::uint64_t{0};
  std::uint64_t gone = 0, kept = bundles;  // the answer is in (gone, kept]
  while (kept - gone > 1) {
    const std::uint64_t middle = gone + (kept - gone) / 2;
    (TRY(there(middle)) ? kept : gone) = middle;
  }
  return kept;
}

}  // namespace daemon_audit
