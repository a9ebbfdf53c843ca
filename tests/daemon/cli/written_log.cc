#include "tests/daemon/cli/written_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/tile.h"
#include "daemon/audit/tlog/tree.h"
#include "hardening/base/check.h"
#include "hardening/base/file.h"

namespace daemon_cli {
namespace {

void write(const std::string& path, std::string_view bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  CHECK(base::replace_file(path, bytes, 0644).ok());
}

}  // namespace

WrittenLog::WrittenLog(const std::vector<std::string>& records) {
  char made[] = "/tmp/redoubt-written-log-XXXXXX";
  CHECK(::mkdtemp(made) != nullptr);
  directory = made;
  const auto signer = daemon_audit::SignerKey::generate("redoubt/written").value();
  key = signer.verifier();
  daemon_audit::TreeEdge edge;
  for (std::size_t first = 0; first < records.size(); first += daemon_audit::kTileWidth) {
    const auto part = std::span(records).subspan(
        first, std::min<std::size_t>(daemon_audit::kTileWidth, records.size() - first));
    for (const auto& record : part) edge.append(daemon_audit::hash_leaf(record));
    const bool full = part.size() == daemon_audit::kTileWidth;
    const auto hashes = full ? edge.last_full(0) : edge.filling(0);
    daemon_audit::TileName name{.number = first / daemon_audit::kTileWidth,
                                .width = static_cast<std::uint32_t>(part.size())};
    write(directory + "/" + daemon_audit::tile_path(name), daemon_audit::serialize_hashes(hashes));
    name.entries = true;
    write(directory + "/" + daemon_audit::tile_path(name), daemon_audit::serialize_bundle(part));
  }
  if (const auto above = edge.filling(1); !above.empty()) {
    write(directory + "/" +
              daemon_audit::tile_path(
                  {.level = 1, .width = static_cast<std::uint32_t>(above.size())}),
          daemon_audit::serialize_hashes(above));
  }
  write(directory + "/log.vkey", key.text() + "\n");
  write(directory + "/checkpoint",
        daemon_audit::sign_checkpoint(
            {.origin = key.name(), .size = edge.size(), .root = edge.root()}, signer)
            .value());
}

WrittenLog::~WrittenLog() {
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

base::Fd WrittenLog::open() const {
  return base::open_file(directory, O_RDONLY | O_DIRECTORY).value();
}

}  // namespace daemon_cli
